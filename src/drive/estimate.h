/*-------------------------------------------------------------------------
 *
 * estimate.h
 *	  When a job will be done.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_ESTIMATE_H
#define OSC_ESTIMATE_H

#include "store/job.h"

extern void osc_estimate(OscJob *job);

#endif							/* OSC_ESTIMATE_H */
