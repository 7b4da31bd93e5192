/*-------------------------------------------------------------------------
 *
 * arrange.h
 *	  Putting the rows of a copy into the order of an index.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_ARRANGE_H
#define OSC_ARRANGE_H

#include "store/job.h"

extern bool osc_step_arrange(OscJob *job);

#endif							/* OSC_ARRANGE_H */
