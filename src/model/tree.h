/*-------------------------------------------------------------------------
 *
 * tree.h
 *	  Partition and inheritance trees: which relations a statement reaches.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_TREE_H
#define OSC_TREE_H

#include "model/script.h"
#include "nodes/pg_list.h"

/* one row of pg_inherits */
typedef struct OscLink
{
	Oid			child;
	Oid			parent;
	char	   *bound;			/* of a partition, as SQL; NULL: inheritance */
} OscLink;

extern List *osc_descendants(Oid relid);
extern List *osc_family(List *relids);
extern List *osc_parents_first(List *relids);
extern List *osc_links_among(List *relids);
extern RangeVar *osc_linked_table(const AlterTableCmd *cmd);
extern List *osc_rehearsed_with(const OscStatement *s);
extern bool osc_statement_recurses(const OscStatement *s);
extern bool osc_statement_reaches(const OscStatement *s, Oid relid);
extern List *osc_statements_reaching(List *script, Oid relid);

#endif							/* OSC_TREE_H */
