/*-------------------------------------------------------------------------
 *
 * fill.h
 *	  Filling columns of a table in place, in batches.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_FILL_H
#define OSC_FILL_H

#include "model/column.h"
#include "store/job.h"

/* what came of a batch */
typedef struct OscFillResult
{
	int64		rows;			/* written */
	bool		held;			/* all that is left of the range is locked by others */
} OscFillResult;

extern void osc_fill_batch(OscMember *m, List *columns, const OscKey *key, int range_no,
						   int64 max_rows, OscFillResult *result);
extern char *osc_fill_vacuum_command(const OscMember *m);
extern void osc_fill_note_vacuumed(OscMember *m);

#endif							/* OSC_FILL_H */
