/*-------------------------------------------------------------------------
 *
 * backfill_spec.h
 *	  Which columns are filled by expressions of the user's, and by which.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_BACKFILL_SPEC_H
#define OSC_BACKFILL_SPEC_H

#include "nodes/parsenodes.h"
#include "utils/jsonb.h"

/* an expression for a column */
typedef struct OscBackfill
{
	Oid			relid;			/* the table that the statement names */
	char	   *column;			/* its name when all statements have run */
	char	   *expression;		/* SQL over a row of the table as it is before the job */
} OscBackfill;

/* the statement that adds such a column, or changes its type */
typedef struct OscFill
{
	const OscBackfill *backfill;
	const char *column;			/* its name in that statement */
} OscFill;

extern List *osc_backfill_resolve(Jsonb *json, List *script);
extern void osc_backfill_attach(List *backfill, List *script);
extern const OscFill *osc_find_fill(List *fills, const AlterTableCmd *cmd);
extern Jsonb *osc_backfill_to_jsonb(List *backfill);
extern List *osc_backfill_from_jsonb(Jsonb *json);

#endif							/* OSC_BACKFILL_SPEC_H */
