/*-------------------------------------------------------------------------
 *
 * commands.h
 *	  The steps that run a command on the user's tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_COMMANDS_H
#define OSC_COMMANDS_H

#include "drive/steps.h"

extern bool osc_step_command(OscJob *job, OscStep *step);
extern bool osc_step_undo(OscJob *job, OscStep *step);
extern char *osc_begin_top_command(OscJob *job, bool *is_leftover);
extern void osc_end_top_command(OscJob *job, bool is_leftover, TimestampTz start);

#endif							/* OSC_COMMANDS_H */
