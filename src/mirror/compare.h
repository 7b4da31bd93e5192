/*-------------------------------------------------------------------------
 *
 * compare.h
 *	  Proving that the columns of each pair are equal.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_COMPARE_H
#define OSC_COMPARE_H

#include "mirror/validate.h"
#include "store/job.h"

extern void osc_compare_chunk(OscMember *m, bool everything, OscValidateResult *result);

#endif							/* OSC_COMPARE_H */
