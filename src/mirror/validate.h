/*-------------------------------------------------------------------------
 *
 * validate.h
 *	  Proving the shadow equal to the source.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_VALIDATE_H
#define OSC_VALIDATE_H

#include "store/job.h"

typedef struct OscValidateResult
{
	int64		compared;		/* rows compared by this call */
	int64		differing;
	int64		not_compared;	/* keys that changed meanwhile, or whose value
								 * comes out otherwise now: replayed instead */
	char	   *sample;			/* JSON array of differing keys */
	bool		complete;		/* both sides are through */
	bool		busy;			/* the log was too long: replay first */
} OscValidateResult;

extern void osc_validate_chunk(OscMember *m, bool everything, OscValidateResult *result);

#endif							/* OSC_VALIDATE_H */
