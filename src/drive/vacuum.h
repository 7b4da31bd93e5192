/*-------------------------------------------------------------------------
 *
 * vacuum.h
 *	  VACUUM and ANALYZE of tables that jobs fill.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_VACUUM_H
#define OSC_VACUUM_H

#include "store/job.h"

extern void osc_analyze(OscJob *job, OscMember *m, const char *sql);
extern char *osc_vacuum_command(OscJob *job);
extern void osc_note_vacuumed(OscJob *job);

#endif							/* OSC_VACUUM_H */
