/*-------------------------------------------------------------------------
 *
 * column.h
 *	  Strategy column: pairs of columns of one table that follow each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_COLUMN_H
#define OSC_COLUMN_H

#include "executor/executor.h"
#include "model/relinfo.h"
#include "model/row_query.h"
#include "store/job.h"

/*
 * A column of the user's and the one beside it; by number, for names change.
 * Of a column that is added, and filled by an expression, there is no old one.
 */
typedef struct OscColumn
{
	AttrNumber	old_att;		/* InvalidAttrNumber: none */
	AttrNumber	new_att;
	char	   *name;			/* of the old one until the swap */
	char	   *new_name;		/* of the new one until the swap */
	char	   *old_name;		/* of the old one after it; the same as name: both stay in use */
	char	   *final_name;		/* of the new one after it */
	char	   *definition;		/* type and collation of the new one, as SQL */
	Node	   *forward;		/* its value, over the row */
	Node	   *inverse;		/* the old one's from the new one's; NULL: there is no way back */
	List	   *reads;			/* Oid: the tables that subqueries in forward read */
	bool		as_computed;	/* forward may give another value later, see model/mapping.c */
	bool		not_null;		/* the new one will be NOT NULL */
} OscColumn;

/* pairs ready to be worked out; lives as long as the context it was made in */
typedef struct OscColumnExec
{
	Relation	rel;
	List	   *columns;		/* OscColumn * */
	EState	   *estate;
	ExprContext *econtext;
	int			n;
	OscColumn **column;
	ExprState **forward;		/* NULL where there are subqueries: then */
	OscRowQuery **query;		/* this; or, for a row now and then, */
	PlannedStmt **plan;			/* its plan, as of */
	uint64		epoch;
	MemoryContext plan_context;
	ExprState **inverse;		/* entries may be NULL */
	TupleTableSlot *probe;		/* a row with an old value that was worked out */
} OscColumnExec;

extern OscMember *osc_column_member(const OscJob *job);
extern bool osc_column_is_rename(const OscColumn *c);
extern bool osc_column_is_added(const OscColumn *c);
extern bool osc_columns_have_way_back(const List *columns);
extern char *osc_columns_store(const List *columns);
extern List *osc_columns_load(const char *stored);
extern OscKey osc_key_of_new_columns(const List *columns, const OscKey *key);
extern bool osc_columns_may_fail(const List *columns);
extern bool osc_columns_need_owner(const List *columns);
extern bool osc_columns_fit(Relation rel, const List *columns);
extern OscColumnExec *osc_columns_init(Relation rel, List *columns);
extern void osc_columns_plan_queries(OscColumnExec *ce);
extern void osc_columns_end(OscColumnExec *ce);
extern bool osc_same_image(Relation rel, AttrNumber attnum, Datum a, bool a_isnull, Datum b, bool b_isnull);
extern Datum osc_column_forward(OscColumnExec *ce, int i, TupleTableSlot *row, bool *isnull);
extern bool osc_column_back(OscColumnExec *ce, int i, TupleTableSlot *row, Datum *value, bool *isnull);

#endif							/* OSC_COLUMN_H */
