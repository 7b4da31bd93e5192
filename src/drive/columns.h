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

#endif							/* OSC_COLUMNS_H */
