/*-------------------------------------------------------------------------
 *
 * columns.h
 *	  The steps of a job of strategy column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_COLUMNS_H
#define OSC_COLUMNS_H

#include "drive/steps.h"
#include "store/job.h"

extern bool osc_step_columns(OscJob *job, OscStep *step);
extern bool osc_revert_once(OscJob *job);

#endif							/* OSC_COLUMNS_H */
