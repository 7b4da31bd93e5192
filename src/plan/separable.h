/*-------------------------------------------------------------------------
 *
 * separable.h
 *	  May the parts of a script be run apart, in another order?
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SEPARABLE_H
#define OSC_SEPARABLE_H

#include "plan/classify.h"

extern const char *osc_why_not_separable(List *parts);
extern bool osc_is_needed_first(const OscPart *part, List *parts);

#endif							/* OSC_SEPARABLE_H */
