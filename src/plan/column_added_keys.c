/*-------------------------------------------------------------------------
 *
 * column_added_keys.c
 *	  Strategy column: foreign keys that the statement adds.
 *
 * The rehearsal has none, since it would lock the tables that they refer to.
 * So the definition is written anew from the parsed one, with the names of the
 * new columns in it, and what the server would look at is looked at here: that
 * the columns referred to have a unique index, and operators that compare them
 * with the new type (tablecmds.c, ATAddForeignKeyConstraint).
 *
 * Locks: ACCESS SHARE on the table, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/ident.h"
#include "plan/column_plan.h"
#include "plan/recipes.h"

/* the pair of that name, or NULL */
static OscColumn *
column_named(const OscColumnPlan *p, const char *name)
{
	ListCell   *lc;

	foreach(lc, p->columns)
		if (strcmp(((OscColumn *) lfirst(lc))->name, name) == 0)
			return lfirst(lc);
	return NULL;
}

/* names (String) in brackets; those of changed columns as the new ones are called until the swap */
static char *
column_list(const OscColumnPlan *p, List *names)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
	{
		OscColumn  *c = p ? column_named(p, strVal(lfirst(lc))) : NULL;

		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "(",
						 quote_identifier(c ? c->new_name : strVal(lfirst(lc))));
	}
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

static const char *
action_words(char action)
{
	switch (action)
	{
		case FKCONSTR_ACTION_RESTRICT:
			return "RESTRICT";
		case FKCONSTR_ACTION_CASCADE:
			return "CASCADE";
		case FKCONSTR_ACTION_SETNULL:
			return "SET NULL";
		case FKCONSTR_ACTION_SETDEFAULT:
			return "SET DEFAULT";
		default:
			return "NO ACTION";
	}
}

static char *
definition_of(const OscColumnPlan *p, const Constraint *con, Oid referenced)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "FOREIGN KEY %s REFERENCES %s", column_list(p, con->fk_attrs), osc_relation_name(referenced));
	if (con->pk_attrs != NIL)
		appendStringInfo(&buf, " %s", column_list(NULL, con->pk_attrs));
	if (con->fk_matchtype == FKCONSTR_MATCH_FULL)
		appendStringInfoString(&buf, " MATCH FULL");
	appendStringInfo(&buf, " ON UPDATE %s ON DELETE %s", action_words(con->fk_upd_action), action_words(con->fk_del_action));
	if (con->fk_del_set_cols != NIL)
		appendStringInfo(&buf, " %s", column_list(p, con->fk_del_set_cols));
	if (con->deferrable)
		appendStringInfoString(&buf, " DEFERRABLE");
	if (con->initdeferred)
		appendStringInfoString(&buf, " INITIALLY DEFERRED");
	return buf.data;
}

/* type of a column of the table as it will be */
static Oid
type_after(const OscColumnPlan *p, const char *name)
{
	OscColumn  *c = column_named(p, name);

	return c ? exprType(c->forward) : get_atttype(RelationGetRelid(p->rel), get_attnum(RelationGetRelid(p->rel), name));
}

/* columns of this and of the other table must be comparable as native compares them */
static void
check_operator(OscColumnPlan *p, const Constraint *con, Relation index, int i, const char *here, const char *there)
{
	Oid			type = type_after(p, here);

	if (OidIsValid(get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i], type, BTEqualStrategyNumber)) ||
		can_coerce_type(1, &type, &index->rd_opcintype[i], COERCION_IMPLICIT))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("foreign key constraint \"%s\" cannot be implemented",
					osc_constraint_name(p->plan, p->rel, con, con->fk_attrs)),
			 errdetail("Key columns \"%s\" and \"%s\" are of incompatible types: %s and %s.", here, there,
					   format_type_be(type), format_type_be(index->rd_opcintype[i]))));
}

/* can the index serve the key?  columns of the index in any order (transformFkeyCheckAttrs) */
static bool
index_serves(OscColumnPlan *p, const Constraint *con, Relation referenced, Relation index, List *names)
{
	ListCell   *lc,
			   *h;

	if (!index->rd_index->indisunique || !index->rd_index->indisvalid || !index->rd_index->indimmediate ||
		index->rd_index->indnkeyatts != list_length(names) ||
		RelationGetIndexPredicate(index) != NIL || RelationGetIndexExpressions(index) != NIL)
		return false;
	forboth(lc, names, h, con->fk_attrs)
	{
		AttrNumber	attnum = get_attnum(RelationGetRelid(referenced), strVal(lfirst(lc)));
		int			i;

		for (i = 0; i < index->rd_index->indnkeyatts; i++)
			if (index->rd_index->indkey.values[i] == attnum)
				break;
		if (attnum == InvalidAttrNumber || i == index->rd_index->indnkeyatts)
			return false;
		check_operator(p, con, index, i, strVal(lfirst(h)), strVal(lfirst(lc)));
	}
	return true;
}

/* names of the columns of the primary key */
static List *
primary_key_columns(Relation referenced)
{
	Oid			oid = osc_primary_key_index(referenced);
	List	   *names = NIL;
	Relation	index;

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no primary key for referenced table \"%s\"", RelationGetRelationName(referenced)),
				 errhint("Name the columns that the foreign key refers to.")));
	index = index_open(oid, AccessShareLock);
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
		names = lappend(names, makeString(get_attname(RelationGetRelid(referenced), index->rd_index->indkey.values[i], false)));
	index_close(index, NoLock);
	return names;
}

/* raise what the server would, were the key added now */
static void
check_referenced(OscColumnPlan *p, const Constraint *con, Oid relid)
{
	Relation	referenced = table_open(relid, AccessShareLock);
	List	   *names = con->pk_attrs != NIL ? con->pk_attrs : primary_key_columns(referenced);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, con->fk_attrs)
		if (get_attnum(RelationGetRelid(p->rel), strVal(lfirst(lc))) == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" referenced in foreign key constraint does not exist", strVal(lfirst(lc)))));
	if (list_length(names) != list_length(con->fk_attrs))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("number of referencing and referenced columns for foreign key disagree")));
	foreach(lc, RelationGetIndexList(referenced))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found = found || index_serves(p, con, referenced, index, names);
		index_close(index, NoLock);
	}
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("there is no unique constraint matching given keys for referenced table \"%s\"", RelationGetRelationName(referenced))));
	if (pg_class_aclcheck(relid, GetUserId(), ACL_REFERENCES) != ACLCHECK_OK)
		foreach(lc, names)
			if (pg_attribute_aclcheck(relid, get_attnum(relid, strVal(lfirst(lc))), GetUserId(), ACL_REFERENCES) != ACLCHECK_OK)
				aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(referenced));
	table_close(referenced, NoLock);
}

static OscColumnKey *
added_key(OscColumnPlan *p, const Constraint *con)
{
	OscColumnKey *key = palloc0(sizeof(OscColumnKey));
	Oid			referenced = RangeVarGetRelid(con->pktable, NoLock, false);
	bool		ours = false;
	ListCell   *lc;

	foreach(lc, con->fk_attrs)
		ours = ours || column_named(p, strVal(lfirst(lc))) != NULL;
	if (!ours)
		osc_refuse_column("it adds a foreign key that is on none of the columns whose type changes",
						  "Put what concerns other columns into a job of its own.");
	if (!osc_is_plain_foreign_key(con))
		osc_refuse_column("it adds a foreign key that is not enforced, or with PERIOD", "Put it into a job of its own.");
	if (referenced == RelationGetRelid(p->rel))
		osc_refuse_column("it adds a foreign key to its own table", "Put it into a job of its own.");
	if (get_rel_relkind(referenced) != RELKIND_RELATION && get_rel_relkind(referenced) != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("referenced relation \"%s\" is not a table", con->pktable->relname)));
	check_referenced(p, con, referenced);
	key->name = osc_constraint_name(p->plan, p->rel, con, con->fk_attrs);
	key->relid = RelationGetRelid(p->rel);
	key->new_definition = definition_of(p, con, referenced);
	key->valid = !con->skip_validation;
	return key;
}

/*
 * The foreign keys (OscColumnKey *, without a definition of before) that the
 * statement adds.  The columns' expressions are known.  Refuses those that are
 * on none of the columns; raises native's errors.
 */
List *
osc_column_added_keys(OscColumnPlan *p)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, osc_commands_of(list_make1(p->part.statement)))
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddConstraint && castNode(Constraint, cmd->def)->contype == CONSTR_FOREIGN)
			result = lappend(result, added_key(p, castNode(Constraint, cmd->def)));
	}
	return result;
}
