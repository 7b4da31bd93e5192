/*-------------------------------------------------------------------------
 *
 * clone_tree.h
 *	  Empty clones of a whole partition or inheritance tree.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_CLONE_TREE_H
#define OSC_CLONE_TREE_H

#include "nodes/pg_list.h"

/* relations, parents first, and their clones, linked as they are */
typedef struct OscCloneTree
{
	List	   *sources;		/* Oid */
	List	   *clones;			/* Oid, one for each */
	List	   *compositions;	/* OscComposition *, one for each */
} OscCloneTree;

extern Oid	osc_clone_schema_owner(Oid source);
extern void osc_clone_tree_make(OscCloneTree *tree, List *sources, List *schemas);
extern Oid	osc_clone_tree_find(const OscCloneTree *tree, Oid source);
extern List *osc_clone_tree_values(const OscCloneTree *tree, Oid source);
extern void osc_clone_tree_apply(const OscCloneTree *tree, List *script);
extern void osc_clone_tree_unlink(const OscCloneTree *tree);
extern void osc_drop_clone_schema(Oid nsp);

#endif							/* OSC_CLONE_TREE_H */
