/*-------------------------------------------------------------------------
 *
 * separable.c
 *	  May the parts of a script be run apart, in another order?
 *
 * Constraints and indexes are made before everything that only changes the
 * catalog.  That gives the same result if they do not use what other parts
 * rename, drop or alter; a column that is added may be added first.  Where
 * that is not so the planner takes a copy, which runs the statements as they
 * stand.
 *
 * Locks: ACCESS SHARE on the relation, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"

#include "plan/separable.h"

/* does a raw expression name a column so called? */
static bool
names_column(Node *node, void *name)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String) &&
		strcmp(strVal(llast(((ColumnRef *) node)->fields)), name) == 0)
		return true;
	return raw_expression_tree_walker(node, names_column, name);
}

/* does a constraint, or an index, use this column? */
static bool
part_uses_column(const OscPart *part, const char *name)
{
	ListCell   *lc;

	if (part->cmd && part->cmd->subtype == AT_AddConstraint)
	{
		Constraint *con = castNode(Constraint, part->cmd->def);

		Node	   *string = (Node *) makeString(unconstify(char *, name));

		return list_member(con->keys, string) || list_member(con->fk_attrs, string) ||
			list_member(con->including, string) || names_column(con->raw_expr, unconstify(char *, name));
	}
	if (part->cmd && part->cmd->subtype == AT_SetNotNull)
		return strcmp(part->cmd->name, name) == 0;
	if (part->cmd && part->cmd->subtype == AT_AddColumn)
	{
		foreach(lc, castNode(ColumnDef, part->cmd->def)->constraints)
			if (names_column(lfirst_node(Constraint, lc)->raw_expr, unconstify(char *, name)))
				return true;
		return false;
	}
	if (part->cmd == NULL && IsA(part->statement->node, IndexStmt))
	{
		IndexStmt  *index = castNode(IndexStmt, part->statement->node);

		foreach(lc, list_concat_copy(index->indexParams, index->indexIncludingParams))
		{
			IndexElem  *elem = lfirst_node(IndexElem, lc);

			if ((elem->name && strcmp(elem->name, name) == 0) ||
				names_column(elem->expr, unconstify(char *, name)))
				return true;
		}
		return names_column(index->whereClause, unconstify(char *, name));
	}
	return false;
}

/* the column that a part adds, NULL if it adds none */
static const char *
added_column(const OscPart *part)
{
	return part->cmd && part->cmd->subtype == AT_AddColumn ?
		castNode(ColumnDef, part->cmd->def)->colname : NULL;
}

/* the column, constraint or index that a part renames, drops or alters */
static const char *
touched_name(const OscPart *part)
{
	if (part->cmd)
		return part->strategy == OSC_INSTANT && part->cmd->subtype != AT_AddColumn &&
			part->cmd->subtype != AT_AddConstraint ? part->cmd->name : NULL;
	if (IsA(part->statement->node, RenameStmt))
		return castNode(RenameStmt, part->statement->node)->subname;
	return NULL;
}

/* does a part alter of a column only what no constraint and no index on it depends on? */
static bool
is_indifferent(const OscPart *part)
{
	if (part->cmd == NULL)
		return false;
	switch (part->cmd->subtype)
	{
		case AT_ColumnDefault:
		case AT_AddIdentity:
		case AT_SetIdentity:
		case AT_DropIdentity:
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_SetStorage:
		case AT_SetCompression:
			return true;
		default:
			return false;
	}
}

/* the index that a part drops, without its schema; NULL: none */
static const char *
dropped_index(const OscPart *part)
{
	if (part->cmd || !IsA(part->statement->node, DropStmt))
		return NULL;
	return strVal(llast(linitial_node(List, castNode(DropStmt, part->statement->node)->objects)));
}

/* the name of the index that a part makes; NULL: none, or chosen by the server */
static const char *
new_relation(const OscPart *part)
{
	if (part->cmd == NULL && IsA(part->statement->node, IndexStmt))
		return castNode(IndexStmt, part->statement->node)->idxname;
	if (part->cmd && part->cmd->subtype == AT_AddConstraint)
		return castNode(Constraint, part->cmd->def)->conname;
	return NULL;
}

/* COLLATE behind a column's constraint would be cut off with it */
static bool
collation_is_behind(const OscPart *part)
{
	ColumnDef  *def = castNode(ColumnDef, part->cmd->def);

	return def->collClause && def->constraints != NIL &&
		def->collClause->location > linitial_node(Constraint, def->constraints)->location;
}

/*
 * NULL if constraints and indexes of these parts (OscPart *) may be made
 * before all the rest, else why not.
 */
const char *
osc_why_not_separable(List *parts)
{
	ListCell   *lc,
			   *o;
	bool		any_long = false;

	foreach(lc, parts)
		if (((OscPart *) lfirst(lc))->strategy != OSC_INSTANT)
			any_long = true;
	if (!any_long)
		return NULL;
	foreach(lc, parts)
	{
		OscPart    *part = lfirst(lc);
		const char *touched = touched_name(part);
		const char *new_name = NULL;

		if (part->cmd && part->cmd->subtype == AT_AddColumn && collation_is_behind(part))
			return "a collation stands behind a constraint";
		if (part->cmd == NULL && IsA(part->statement->node, RenameStmt))
			new_name = castNode(RenameStmt, part->statement->node)->newname;
		if (part->cmd == NULL && list_length(parts) > 1 &&
			(IsA(part->statement->node, AlterObjectSchemaStmt) ||
			 (IsA(part->statement->node, RenameStmt) &&
			  castNode(RenameStmt, part->statement->node)->renameType == OBJECT_TABLE)))
			return "the table is renamed or moved";
		foreach(o, parts)
		{
			OscPart    *other = lfirst(o);
			Constraint *con = other->cmd && other->cmd->subtype == AT_AddConstraint ?
				castNode(Constraint, other->cmd->def) : NULL;

			if (other == part || other->strategy == OSC_INSTANT)
				continue;
			if (dropped_index(part) && new_relation(other) &&
				strcmp(dropped_index(part), new_relation(other)) == 0)
				return psprintf("index \"%s\" is dropped and made again", dropped_index(part));
			if (touched && part_uses_column(other, touched) && !is_indifferent(part))
				return psprintf("column \"%s\" is changed and used by a constraint or index", touched);
			if (new_name && part_uses_column(other, new_name))
				return psprintf("column \"%s\" gets its name", new_name);
			if (touched && con && con->conname && strcmp(con->conname, touched) == 0)
				return psprintf("constraint \"%s\" is dropped and added", touched);
			if (con && con->contype == CONSTR_PRIMARY && part->cmd &&
				(part->cmd->subtype == AT_DropConstraint || part->cmd->subtype == AT_DropColumn))
				return "a primary key is added where one may be dropped";
		}
	}
	return NULL;
}

/*
 * Does a constraint or index that is made first need the column that this
 * part adds?
 */
bool
osc_is_needed_first(const OscPart *part, List *parts)
{
	const char *column = added_column(part);
	ListCell   *lc;

	if (column == NULL)
		return false;
	foreach(lc, parts)
		if (lfirst(lc) != part && ((OscPart *) lfirst(lc))->strategy != OSC_INSTANT &&
			part_uses_column(lfirst(lc), column))
			return true;
	return false;
}
