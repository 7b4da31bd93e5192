/*-------------------------------------------------------------------------
 *
 * row_query.h
 *	  Expressions with subqueries, computed for one row of a table at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_ROW_QUERY_H
#define OSC_ROW_QUERY_H

#include "executor/execdesc.h"
#include "executor/tuptable.h"
#include "nodes/bitmapset.h"
#include "utils/relcache.h"
#include "utils/tuplestore.h"

/* expressions ready to be computed; lives as long as the context it was made in */
typedef struct OscRowQuery
{
	QueryDesc  *desc;
	Tuplestorestate *row;		/* holds the row at work */
} OscRowQuery;

extern Bitmapset *osc_row_query_columns(Node *expr);
extern List *osc_row_query_reads(List *targets, Relation source);
extern uint64 osc_row_query_epoch(void);
extern PlannedStmt *osc_row_query_plan(List *targets, Relation source);
extern OscRowQuery *osc_row_query_start(PlannedStmt *plan, Relation source);
extern OscRowQuery *osc_row_query_begin(List *targets, Relation source);
extern TupleTableSlot *osc_row_query_eval(OscRowQuery *q, TupleTableSlot *row);
extern void osc_row_query_end(OscRowQuery *q);

#endif							/* OSC_ROW_QUERY_H */
