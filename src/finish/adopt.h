/*-------------------------------------------------------------------------
 *
 * adopt.h
 *	  Constraints that were made part by part, as if native had made them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_ADOPT_H
#define OSC_ADOPT_H

#include "store/job_step.h"

extern void osc_adopt_parts(const OscJob *job, const OscJobStep *step);

#endif							/* OSC_ADOPT_H */
