/*-------------------------------------------------------------------------
 *
 * prepare.h
 *	  The steps before the backfill.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_PREPARE_H
#define OSC_PREPARE_H

#include "drive/steps.h"

extern void osc_prepare_members(OscJob *job);
extern void osc_step_preparing(OscJob *job, OscStep *step);

#endif							/* OSC_PREPARE_H */
