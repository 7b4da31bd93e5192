/*-------------------------------------------------------------------------
 *
 * swap_time.h
 *	  Whether a swap may be tried now.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SWAP_TIME_H
#define OSC_SWAP_TIME_H

#include "drive/steps.h"

extern bool osc_is_time_to_swap(OscJob *job, const OscStep *step);
extern bool osc_snapshots_allow_swap(OscJob *job, OscStep *step);

#endif							/* OSC_SWAP_TIME_H */
