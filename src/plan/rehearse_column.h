/*-------------------------------------------------------------------------
 *
 * rehearse_column.h
 *	  What a statement makes of columns, their indexes and constraints.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_REHEARSE_COLUMN_H
#define OSC_REHEARSE_COLUMN_H

#include "model/column.h"
#include "model/script.h"

/* one of the columns, before and after the statement */
typedef struct OscColumnState
{
	bool		not_null;
	char	   *default_expr;	/* NULL: none */
	char	   *type;
} OscColumnState;

/* an index that uses one of the columns */
typedef struct OscColumnIndex
{
	char	   *name;
	char	   *tail;			/* its definition behind the table's name */
	char	   *key;			/* numbers of its key columns; NULL: with expressions, or partial */
	bool		unique;
	bool		nulls_not_distinct;
	bool		valid;
	char		contype;		/* of its constraint: p, u, x; 0: none */
	bool		deferrable;
	bool		deferred;
	bool		replica_identity;
	bool		clustered;
	char	   *comment;		/* of the index, NULL: none */
	char	   *constraint_comment;
} OscColumnIndex;

/* a CHECK that uses one of the columns */
typedef struct OscColumnCheck
{
	char	   *name;
	char	   *definition;
	bool		valid;
	char	   *comment;
} OscColumnCheck;

/* a foreign key of or to one of the columns */
typedef struct OscColumnKey
{
	char	   *name;
	Oid			relid;			/* the referring table */
	char	   *definition;
	char	   *new_definition; /* the same on the new columns */
	bool		valid;
	char	   *comment;
} OscColumnKey;

/* all of them, of a table or of its altered clone */
typedef struct OscColumnSet
{
	List	   *states;			/* OscColumnState *, one for each column */
	List	   *indexes;
	List	   *checks;
} OscColumnSet;

extern void osc_column_set_read(Oid relid, List *columns, OscColumnSet *set);
extern List *osc_column_keys(Oid relid, List *columns);
extern void osc_rehearse_columns(OscStatement *statement, List *columns, OscColumnSet *after);

#endif							/* OSC_REHEARSE_COLUMN_H */
