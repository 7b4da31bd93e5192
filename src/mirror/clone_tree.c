/*-------------------------------------------------------------------------
 *
 * clone_tree.c
 *	  Empty clones of a whole partition or inheritance tree.
 *
 * What a statement does to a leaf depends on its parents: which columns it
 * inherits, which constraints merge, which names its indexes get.  So the
 * clones are linked as the tables are, and the statements run on them as they
 * would natively, recursion included.  Afterwards the clones that shall serve
 * as shadows are taken out of the tree; what the statements did to them
 * stays.
 *
 * A table without relatives is a tree of one.
 *
 * Locks on entry: ACCESS SHARE on the sources.  On exit: ACCESS EXCLUSIVE on
 * the clones.  A crash leaves nothing: all is one transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/ident.h"
#include "mirror/clone_tree.h"
#include "mirror/shadow.h"
#include "model/compose.h"
#include "model/script.h"
#include "model/statement.h"
#include "model/tree.h"

/*
 * The clone of a relation; InvalidOid if it has none here.
 */
Oid
osc_clone_tree_find(const OscCloneTree *tree, Oid source)
{
	ListCell   *s,
			   *c;

	forboth(s, tree->sources, c, tree->clones)
		if (lfirst_oid(s) == source)
			return lfirst_oid(c);
	return InvalidOid;
}

static void
set_owner(Oid clone, Oid owner)
{
	Relation	pg_class = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(clone));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", clone);
	((Form_pg_class) GETSTRUCT(tuple))->relowner = owner;
	CatalogTupleUpdate(pg_class, &tuple->t_self, tuple);
	heap_freetuple(tuple);
	table_close(pg_class, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * Who may alter a partition need not own its parent, but ATTACH and DETACH ask
 * for that: for their time such clones belong to the present role.  Nothing is
 * run with more rights for it.  Returns the clones and their owners in turn.
 */
static List *
borrow_clones(const OscCloneTree *tree)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, tree->clones)
	{
		Oid			owner = osc_relation_owner(lfirst_oid(lc));

		if (osc_owns_relation(lfirst_oid(lc), GetUserId()))
			continue;
		result = lappend_oid(lappend_oid(result, lfirst_oid(lc)), owner);
		set_owner(lfirst_oid(lc), GetUserId());
	}
	return result;
}

static void
give_clones_back(List *borrowed)
{
	for (int i = 0; i < list_length(borrowed); i += 2)
		set_owner(list_nth_oid(borrowed, i), list_nth_oid(borrowed, i + 1));
}

static void
link_clones(const OscCloneTree *tree)
{
	List	   *borrowed = borrow_clones(tree);
	ListCell   *lc;

	foreach(lc, osc_links_among(tree->sources))
	{
		OscLink    *link = lfirst(lc);
		Oid			child = osc_clone_tree_find(tree, link->child);
		Oid			parent = osc_clone_tree_find(tree, link->parent);

		if (link->bound)
			osc_alter_by_text(parent, psprintf("ALTER TABLE %s ATTACH PARTITION %s %s", osc_relation_name(parent),
										 osc_relation_name(child), link->bound));
		else
			osc_alter_by_text(child, psprintf("ALTER TABLE %s INHERIT %s", osc_relation_name(child),
										osc_relation_name(parent)));
	}
	give_clones_back(borrowed);
}

/*
 * Whose the schema of a clone is to be: the table's owner's, if the present
 * role may act for that, or else its own, or it could not name the clone.
 */
Oid
osc_clone_schema_owner(Oid source)
{
	return osc_owns_relation(source, GetUserId()) ? osc_relation_owner(source) : GetUserId();
}

/*
 * Clone these relations (parents first) and their links, each into a schema
 * of its own.  The caller has entered the job owner's name.
 */
void
osc_clone_tree_make(OscCloneTree *tree, List *sources, List *schemas)
{
	ListCell   *s,
			   *n;

	tree->sources = sources;
	tree->clones = NIL;
	tree->compositions = NIL;
	forboth(s, sources, n, schemas)
	{
		Relation	source = table_open(lfirst_oid(s), AccessShareLock);

		tree->clones = lappend_oid(tree->clones, osc_create_clone(source, lfirst_oid(n)));
		tree->compositions = lappend(tree->compositions, osc_compose_begin(source));
		table_close(source, NoLock);
	}
	link_clones(tree);
}

/* let the sub-command name the clone of the table that it names; false: there is none */
static bool
name_clone(const OscCloneTree *tree, AlterTableCmd *cmd)
{
	RangeVar   *name = osc_linked_table(cmd);
	Oid			clone;

	if (name == NULL)
		return false;
	clone = osc_clone_tree_find(tree, RangeVarGetRelid(name, NoLock, true));
	if (!OidIsValid(clone))
		return false;
	name->schemaname = get_namespace_name(get_rel_namespace(clone));
	name->relname = get_rel_name(clone);
	/* that would commit the transaction */
	if (IsA(cmd->def, PartitionCmd))
		castNode(PartitionCmd, cmd->def)->concurrent = false;
	return true;
}

/* carry out those sub-commands that attach, detach or inherit */
static void
apply_links(const OscCloneTree *tree, Oid clone, const OscStatement *s)
{
	AlterTableStmt *stmt;
	List	   *kept = NIL;
	ListCell   *lc;

	if (!IsA(s->node, AlterTableStmt))
		return;
	stmt = copyObject(castNode(AlterTableStmt, s->node));
	foreach(lc, stmt->cmds)
		if (name_clone(tree, lfirst_node(AlterTableCmd, lc)))
			kept = lappend(kept, lfirst(lc));
	stmt->cmds = kept;
	stmt->relation->schemaname = get_namespace_name(get_rel_namespace(clone));
	stmt->relation->relname = get_rel_name(clone);
	if (kept != NIL)
		osc_alter_quietly(stmt, clone);
}

/* run one statement, and work out what it makes of the columns of all clones */
static void
apply_statement(const OscCloneTree *tree, Oid named, const OscStatement *s)
{
	ListCell   *src,
			   *clone,
			   *c;

	forthree(src, tree->sources, clone, tree->clones, c, tree->compositions)
		if (osc_statement_reaches(s, lfirst_oid(src)))
			osc_compose_before(lfirst(c), s, named, lfirst_oid(clone));
	osc_apply_statement(named, s, false);
	forboth(clone, tree->clones, c, tree->compositions)
		osc_compose_after(lfirst(c), lfirst_oid(clone));
	osc_apply_statement(named, s, true);
}

/* a sequence that another clone has */
static bool
uses_foreign_sequence(Node *node, void *clone)
{
	Oid			sequence = InvalidOid;
	Oid			table;
	int32		attnum;

	if (node == NULL)
		return false;
	if (IsA(node, Const) && ((Const *) node)->consttype == REGCLASSOID && !((Const *) node)->constisnull)
		sequence = DatumGetObjectId(((Const *) node)->constvalue);
	if (OidIsValid(sequence) && sequenceIsOwned(sequence, DEPENDENCY_AUTO, &table, &attnum) &&
		table != *(Oid *) clone)
		return true;
	return expression_tree_walker(node, uses_foreign_sequence, clone);
}

/*
 * What the statements that were applied make of the columns of a source's
 * clone (model/compose.c).
 */
List *
osc_clone_tree_values(const OscCloneTree *tree, Oid source)
{
	Oid			clone = osc_clone_tree_find(tree, source);
	List	   *values = NIL;
	ListCell   *s,
			   *c,
			   *v;
	Relation	rel;

	forboth(s, tree->sources, c, tree->compositions)
		if (lfirst_oid(s) == source)
			values = osc_compose_end(lfirst(c), clone);
	rel = table_open(source, AccessShareLock);
	foreach(v, values)
		if (list_length(tree->clones) > 1 &&
			foreach_current_index(v) >= RelationGetNumberOfAttributes(rel) &&
			uses_foreign_sequence(lfirst(v), &clone))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("adding a column whose sequence belongs to another table of the tree is not supported"),
					 errhint("Add the column without a default and fill it in batches.")));
	table_close(rel, NoLock);
	return values;
}

/*
 * Apply those statements (OscStatement *) of a script that are on tables of
 * the tree, as far as they concern rows, indexes and the tree itself.  Raises
 * their native errors.
 */
void
osc_clone_tree_apply(const OscCloneTree *tree, List *script)
{
	ListCell   *lc;

	foreach(lc, script)
	{
		Oid			clone = osc_clone_tree_find(tree, ((OscStatement *) lfirst(lc))->relid);

		if (!OidIsValid(clone))
			continue;
		apply_statement(tree, clone, lfirst(lc));
		apply_links(tree, clone, lfirst(lc));
	}
}

/*
 * Take the tree apart: the clones stay, as plain tables, the partitioned ones
 * without partitions.
 */
void
osc_clone_tree_unlink(const OscCloneTree *tree)
{
	List	   *borrowed = borrow_clones(tree);
	ListCell   *lc;

	foreach(lc, osc_links_among(tree->clones))
	{
		OscLink    *link = lfirst(lc);

		if (link->bound)
			osc_alter_by_text(link->parent, psprintf("ALTER TABLE %s DETACH PARTITION %s", osc_relation_name(link->parent),
											   osc_relation_name(link->child)));
		else
			osc_alter_by_text(link->child, psprintf("ALTER TABLE %s NO INHERIT %s", osc_relation_name(link->child),
											  osc_relation_name(link->parent)));
	}
	give_clones_back(borrowed);
}

/*
 * Drop a schema with the clone in it.
 */
void
osc_drop_clone_schema(Oid nsp)
{
	ObjectAddress object;

	ObjectAddressSet(object, NamespaceRelationId, nsp);
	performDeletion(&object, DROP_CASCADE, PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY);
	CommandCounterIncrement();
}
