/*-------------------------------------------------------------------------
 *
 * rehearse.h
 *	  Trying the statement on an empty copy.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_REHEARSE_H
#define OSC_REHEARSE_H

#include "mirror/clone_tree.h"
#include "model/script.h"
#include "utils/relcache.h"

typedef struct OscRehearsal
{
	char	   *key;			/* name of the index that finds rows; NULL: their place does */
	int			nindexes;		/* of the table afterwards */
	int			nproved;		/* CHECK constraints that the copy proves */
	char	   *order;			/* the index for CLUSTER, or NULL */
	List	   *is_volatile;	/* String: columns that are not compared */
	List	   *as_computed;	/* String: those whose value may come from other
								 * tables */
} OscRehearsal;

/* what the server would rewrite */
typedef enum OscRewrite
{
	OSC_REWRITES_NOTHING,
	OSC_REWRITES_INDEXES,
	OSC_REWRITES_ROWS,
} OscRewrite;

/* an index that a statement gives to a table of a tree */
typedef struct OscTreeIndex
{
	Oid			relid;			/* the table */
	char	   *name;			/* as native would name it, but for conflicts */
	bool		partitioned;
	bool		exists;			/* it is there already, and only gets a parent */
	bool		unique;
	char		contype;		/* of its constraint, as in pg_constraint; or 0 */
	char	   *tail;			/* its definition from USING on */
	char	   *constraint;		/* definition of the constraint, or NULL */
	Oid			parent_relid;	/* the table of the index that it becomes a part
								 * of; InvalidOid: it is the topmost one */
	char	   *parent_name;
} OscTreeIndex;

/* what the rows of a table must fulfil after an ATTACH PARTITION */
typedef struct OscTreeProof
{
	Oid			relid;
	char	   *condition;		/* NULL: it is proved already */
} OscTreeProof;

/* what a rehearsal is to find out; the statements have not been applied yet */
typedef void (*OscTrial) (OscCloneTree *tree, List *script, MemoryContext context, void *result);

extern void osc_run_trial(OscTrial trial, List *script, void *result);
extern List *osc_rehearsal_indexes(OscStatement *statement, List **proofs);
extern OscRewrite osc_rehearsal_rewrites(List *statements);
extern char *osc_rehearsal_index_name(Relation source, OscStatement *statement);
extern void osc_rehearse_new_column(Relation rel, const OscStatement *statement,
									AlterTableCmd *cmd);
extern void osc_rehearse(List *members, List *statements, OscRehearsal *results);

#endif							/* OSC_REHEARSE_H */
