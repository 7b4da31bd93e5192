/*-------------------------------------------------------------------------
 *
 * forced.h
 *	  A strategy that the caller asks for is obeyed or refused.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_FORCED_H
#define OSC_FORCED_H

#include "plan/plan.h"

extern void osc_check_forced_strategy(const OscPlan *plan, const char *strategy);

#endif							/* OSC_FORCED_H */
