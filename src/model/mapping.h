/*-------------------------------------------------------------------------
 *
 * mapping.h
 *	  The target's columns as expressions over a source row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_MAPPING_H
#define OSC_MAPPING_H

#include "executor/executor.h"
#include "model/relinfo.h"
#include "model/row_query.h"
#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/* a mapping as a value: made once per job and member, stored with it */
typedef struct OscMapping
{
	List	   *values;			/* TargetEntry per target column, over the source */
	List	   *generated;		/* TargetEntry per new generated column, over the target */
	OscKey		key;			/* of the source, in the order of its index */
	OscKey		shadow_key;		/* of the shadow, in the order of its index; none for a place */
	int			shadow_pos[INDEX_MAX_KEYS]; /* position in key of each shadow key column */
	List	   *check_names;	/* String: constraints that the copy must prove */
	List	   *check_exprs;	/* their expressions, over the target */
	Bitmapset  *uncomparable;	/* target columns (attnum) that are volatile */
	Bitmapset  *as_computed;	/* those that may read other tables: the same
								 * row may give another value later */
	List	   *reads;			/* Oid: the tables that subqueries read */
} OscMapping;

/* a mapping ready to be run; lives as long as the context it was made in */
typedef struct OscMapExec
{
	const OscMapping *mapping;
	Relation	source;
	Relation	shadow;
	EState	   *estate;
	ExprContext *econtext;
	ProjectionInfo *projection;
	OscRowQuery *query;			/* columns with subqueries, or NULL */
	int			nquery;
	AttrNumber *query_attnums;
	bool		to_compare;		/* volatile columns are NULL, nothing is proved */
	TupleTableSlot *out;		/* the mapped row */
	int			ngenerated;
	AttrNumber *generated_attnums;
	ExprState **generated;
	int			nchecks;
	char	  **check_names;
	ExprState **checks;
	TupleTableSlot *key_in;		/* a source row of which only the key is known */
	ExprState **key_values;		/* per key column: its value in the shadow */
	TupleTableSlot *shadow_in;	/* a shadow row, for the way back */
	ExprState **inverse;		/* per key column: its value in the source */
	TupleTableSlot *current;	/* source row at work, for error messages */
} OscMapExec;

extern OscMapping *osc_mapping_build(Relation source, Relation shadow, List *values);
extern char *osc_mapping_store(const OscMapping *mapping);
extern OscMapping *osc_mapping_load(const char *stored, Relation source, Relation shadow);
extern bool osc_looks_elsewhere(Node *expr);
extern bool osc_is_injective(Expr *expr, Form_pg_attribute from, Form_pg_attribute to);
extern List *osc_values_with_queries(const OscMapping *mapping);
extern List *osc_mapping_reads(const char *stored);
extern OscMapExec *osc_mapping_init(const OscMapping *mapping, Relation source,
									Relation shadow);
extern OscMapExec *osc_mapping_init_to_compare(const OscMapping *mapping, Relation source,
											   Relation shadow);
extern void osc_mapping_end(OscMapExec *me);
extern TupleTableSlot *osc_map_row(OscMapExec *me, TupleTableSlot *in);
extern void osc_map_key(OscMapExec *me, const Datum *key, Datum *shadow_key);
extern bool osc_unmap_key(OscMapExec *me, TupleTableSlot *shadow_row, Datum *key);
extern char *osc_row_key_to_string(const OscKey *key, TupleTableSlot *row);
extern char *osc_key_to_string(OscMapExec *me, TupleTableSlot *row);

#endif							/* OSC_MAPPING_H */
