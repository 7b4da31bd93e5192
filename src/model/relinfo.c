/*-------------------------------------------------------------------------
 *
 * relinfo.c
 *	  What we need to know of a relation before and while we copy it: may it
 *	  be copied at all, what is its key, what depends on its columns, and did
 *	  its definition change.
 *
 * Locks: ACCESS SHARE on the relation, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "access/sysattr.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/ident.h"
#include "base/run.h"
#include "model/relinfo.h"
#include "model/script.h"

/*
 * Raise native's error unless the current role may alter the relation.
 */
static void
check_owner(Oid relid, const char *name)
{
	if (!osc_owns_relation(relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", name),
				 errhint("Ask the table's owner, or a member of the owning role, to start the job.")));
}

/*
 * Find the table of this name, lock it with ACCESS SHARE, and check the
 * caller's right to alter it as native does
 * (RangeVarCallbackForAlterRelation).  Raises 42P01, 42809 and 42501;
 * missing_ok: InvalidOid and a notice if there is no such table.
 */
Oid
osc_lookup_table(const RangeVar *name, bool missing_ok)
{
	Oid			relid;
	char		relkind;

	if (name->schemaname && !missing_ok && !OidIsValid(get_namespace_oid(name->schemaname, true)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" does not exist", name->schemaname),
				 errhint("Check the name.")));
	relid = RangeVarGetRelid(name, AccessShareLock, true);
	if (!OidIsValid(relid) && missing_ok)
	{
		ereport(NOTICE,
				(errmsg("relation \"%s\" does not exist, skipping", name->relname)));
		return InvalidOid;
	}
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 name->schemaname ?
				 errmsg("relation \"%s.%s\" does not exist", name->schemaname, name->relname) :
				 errmsg("relation \"%s\" does not exist", name->relname),
				 errhint("Check the name, and the search_path of this session.")));
	relkind = get_rel_relkind(relid);
	check_owner(relid, name->relname);
	if (IsCatalogRelationOid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: \"%s\" is a system catalog", name->relname),
				 errhint("System catalogs cannot be changed.")));
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(relkind == RELKIND_COMPOSITE_TYPE ? ERRCODE_WRONG_OBJECT_TYPE :
						 ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("\"%s\" is not a table", name->relname),
				 errhint("Only tables can be changed online.")));
	return relid;
}

static void
refuse_table(Relation rel, const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot change \"%s\" online: it is %s",
					RelationGetRelationName(rel), what),
			 errhint("%s", hint)));
}

/* does an expression over the relation use the whole row? */
static bool
uses_whole_row(Node *expr)
{
	Bitmapset  *attnums = NULL;

	if (expr == NULL)
		return false;
	pull_varattnos(expr, 1, &attnums);
	return bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attnums);
}

/*
 * The constraint or index of a relation that is on whole rows, as a phrase;
 * NULL if there is none.  The row type of a copy is another one: such
 * expressions would not fit.
 */
const char *
osc_whole_row_user(Relation rel)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	const char *result = NULL;
	ListCell   *lc;

	for (int i = 0; constr && i < constr->num_check; i++)
		if (uses_whole_row(stringToNode(constr->check[i].ccbin)))
			return psprintf("constraint \"%s\"", constr->check[i].ccname);
	foreach(lc, osc_index_oids(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (uses_whole_row((Node *) RelationGetIndexExpressions(index)) ||
			uses_whole_row((Node *) RelationGetIndexPredicate(index)))
			result = psprintf("index \"%s\"", RelationGetRelationName(index));
		index_close(index, NoLock);
	}
	return result;
}

/*
 * Refuse rows that are not stored as heap stores them; it may have another
 * name (CREATE ACCESS METHOD ... HANDLER heap_tableam_handler).
 */
void
osc_check_access_method(Relation rel)
{
	if (rel->rd_tableam != GetHeapamTableAmRoutine())
		refuse_table(rel, "stored by another access method than heap", "Use a plain ALTER TABLE.");
}

/*
 * Refuse relations that this version does not copy.
 */
void
osc_check_table(Relation rel)
{
	Form_pg_class c = rel->rd_rel;
	const char *native = "Use a plain ALTER TABLE.";

	if (c->relkind == RELKIND_FOREIGN_TABLE)
		refuse_table(rel, "a foreign table", native);
	if (c->relpersistence == RELPERSISTENCE_TEMP)
		refuse_table(rel, "a temporary table", native);
	osc_check_access_method(rel);
	if (c->relrewrite != InvalidOid)
		refuse_table(rel, "a helper table of another job", "Change the table itself.");
	if (IsCatalogRelation(rel) ||
		RelationGetNamespace(rel) == get_namespace_oid(OSC_CATALOG_SCHEMA, true))
		refuse_table(rel, "a table of the system or of this extension", native);
	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		if (!att->attisdropped && att->attgenerated != '\0' &&
			att->attgenerated != ATTRIBUTE_GENERATED_STORED)
			refuse_table(rel, "a table with a virtual generated column", native);
	}
	if (osc_whole_row_user(rel))
		refuse_table(rel, psprintf("a table with %s on its whole row", osc_whole_row_user(rel)),
					 "Drop the constraint or index first, and make it again after the job.");
}

static bool
key_has_attnum(const AttrNumber *attnums, int n, AttrNumber attnum)
{
	for (int i = 0; i < n; i++)
		if (attnums[i] == attnum)
			return true;
	return false;
}

/* can this index find each row of its table? */
static bool
index_is_key(Relation rel, Relation index)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || !form->indisvalid || !form->indimmediate ||
		!form->indislive || index->rd_rel->relam != BTREE_AM_OID ||
		RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];

		if (attnum <= 0 ||
			!osc_att_must_be_not_null(RelationGetDescr(rel), attnum - 1))
			return false;
	}
	return true;
}

/*
 * The unique indexes on NOT NULL columns (OscKey *), the primary key first.
 */
List *
osc_candidate_keys(Relation rel)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, osc_index_oids(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (index_is_key(rel, index))
		{
			OscKey	   *key = palloc0(sizeof(OscKey));

			key->index = RelationGetRelid(index);
			key->natts = form->indnkeyatts;
			for (int i = 0; i < form->indnkeyatts; i++)
				key->attnums[i] = form->indkey.values[i];
			result = form->indisprimary ? lcons(key, result) : lappend(result, key);
		}
		index_close(index, NoLock);
	}
	return result;
}

/*
 * A unique index of the relation on exactly these NOT NULL columns, if
 * possible in this order, else in any; NULL if there is none.
 */
OscKey *
osc_find_key(Relation rel, const OscKey *wanted)
{
	ListCell   *lc;
	OscKey	   *result = NULL;

	foreach(lc, osc_candidate_keys(rel))
	{
		OscKey	   *key = lfirst(lc);
		bool		fits = key->natts == wanted->natts;

		for (int i = 0; fits && i < key->natts; i++)
			fits = key_has_attnum(wanted->attnums, wanted->natts, key->attnums[i]);
		if (fits && memcmp(key->attnums, wanted->attnums,
						   sizeof(AttrNumber) * key->natts) == 0)
			return key;
		if (fits && result == NULL)
			result = key;
	}
	return result;
}

/*
 * A column of a key, the place included, which is a system column.
 */
const FormData_pg_attribute *
osc_key_column(TupleDesc desc, AttrNumber attnum)
{
	return attnum < 0 ? SystemAttributeDefinition(attnum) : TupleDescAttr(desc, attnum - 1);
}

/*
 * The value of a key's column in a row that lies in its table.  It is valid
 * as long as the slot's contents.
 */
Datum
osc_key_value(TupleTableSlot *row, AttrNumber attnum, bool *isnull)
{
	return attnum < 0 ? slot_getsysattr(row, attnum, isnull) :
		slot_getattr(row, attnum, isnull);
}

static int
compare_oids(const ListCell *a, const ListCell *b)
{
	Oid			x = lfirst_oid(a),
				y = lfirst_oid(b);

	return x < y ? -1 : x > y;
}

/*
 * The relation's indexes, invalid ones included, in the order of their OIDs.
 */
List *
osc_index_oids(Relation rel)
{
	List	   *oids = RelationGetIndexList(rel);

	list_sort(oids, compare_oids);
	return oids;
}

/* native's words for what forbids to change the type of a column; NULL: nothing */
static const char *
type_change_objection(Form_pg_depend dep)
{
	switch (dep->classid)
	{
		case RewriteRelationId:
			return "cannot alter type of a column used by a view or rule";
		case TriggerRelationId:
			return "cannot alter type of a column used in a trigger definition";
		case PolicyRelationId:
			return "cannot alter type of a column used in a policy definition";
		case ProcedureRelationId:
			return "cannot alter type of a column used by a function or procedure";
		case PublicationRelRelationId:
			return dep->deptype == DEPENDENCY_NORMAL ?
				"cannot alter type of a column used by a publication WHERE clause" : NULL;
			/* generated columns are on the copy too: the rehearsal finds them */
		default:
			return NULL;
	}
}

/* would DROP COLUMN ... RESTRICT be refused for the sake of this object? */
static bool
drop_is_refused(Form_pg_depend dep, Oid relid)
{
	if (dep->deptype != DEPENDENCY_NORMAL)
		return false;
	if (dep->classid == ConstraintRelationId)
	{
		HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(dep->objid));
		bool		other = false;

		/* a foreign key of another table that refers to the column */
		if (HeapTupleIsValid(tuple))
		{
			other = ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid != relid;
			ReleaseSysCache(tuple);
		}
		return other;
	}
	return dep->classid == RewriteRelationId || dep->classid == PolicyRelationId ||
		dep->classid == TriggerRelationId || dep->classid == ProcedureRelationId ||
		dep->classid == PublicationRelRelationId;
}

/* the relation that a rule belongs to */
static Oid
relation_of_rule(Oid rule)
{
	Relation	rel = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			result = InvalidOid;

	ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(rule));
	scan = systable_beginscan(rel, RewriteOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		result = ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* raise native's error if something depends on the column in a way that forbids the command */
static void
check_column_dependents(Relation rel, AttrNumber attnum, const AlterTableCmd *cmd)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationGetRelid(rel)));
	ScanKeyInit(&key[2], Anum_pg_depend_refobjsubid, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum((int32) attnum));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 3, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend dep = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress object;
		const char *objection;

		ObjectAddressSubSet(object, dep->classid, dep->objid, dep->objsubid);
		if (cmd->subtype == AT_AlterColumnType)
		{
			objection = type_change_objection(dep);
			if (objection)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("%s", objection),
						 errdetail("%s depends on column \"%s\"",
								   getObjectDescription(&object, false), cmd->name),
						 errhint("Drop the dependent object first and make it again after the job.")));
		}
		else if (cmd->behavior != DROP_CASCADE && drop_is_refused(dep, RelationGetRelid(rel)))
		{
			/* of a view's rule native speaks as of the view */
			if (dep->classid == RewriteRelationId &&
				get_rel_relkind(relation_of_rule(dep->objid)) != RELKIND_RELATION)
				ObjectAddressSet(object, RelationRelationId, relation_of_rule(dep->objid));
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("cannot drop column %s of table %s because other objects depend on it",
							cmd->name, RelationGetRelationName(rel)),
					 errdetail("%s depends on column %s of table %s",
							   getObjectDescription(&object, false), cmd->name,
							   RelationGetRelationName(rel)),
					 errhint("Drop the dependent objects first.")));
		}
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

/* do the commands drop this constraint by name? */
static bool
is_dropped_too(Oid relid, Oid constraint, List *cmds)
{
	ListCell   *lc;

	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_DropConstraint &&
			get_relation_constraint_oid(relid, cmd->name, true) == constraint)
			return true;
	}
	return false;
}

/* raise native's error if a foreign key needs the index of a constraint that goes */
static void
check_constraint_dependents(Relation rel, const AlterTableCmd *cmd, List *cmds)
{
	Oid			constraint = get_relation_constraint_oid(RelationGetRelid(rel), cmd->name, true);
	Oid			index = OidIsValid(constraint) ? get_constraint_index(constraint) : InvalidOid;
	Relation	depend;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!OidIsValid(index) || cmd->behavior == DROP_CASCADE)
		return;
	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(index));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend dep = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress object;

		if (dep->classid != ConstraintRelationId || dep->deptype != DEPENDENCY_NORMAL ||
			is_dropped_too(RelationGetRelid(rel), dep->objid, cmds))
			continue;
		ObjectAddressSet(object, dep->classid, dep->objid);
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop constraint %s on table %s because other objects depend on it",
						cmd->name, RelationGetRelationName(rel)),
				 errdetail("%s depends on index %s",
						   getObjectDescription(&object, false), get_rel_name(index)),
				 errhint("Drop the foreign key first.")));
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

/* does a new column come with values, so that native looks who uses the row type? */
static bool
brings_values(const ColumnDef *def)
{
	ListCell   *lc;

	foreach(lc, def->constraints)
	{
		ConstrType	type = lfirst_node(Constraint, lc)->contype;

		if (type == CONSTR_DEFAULT || type == CONSTR_GENERATED || type == CONSTR_IDENTITY)
			return true;
	}
	return false;
}

/*
 * Look up what native would object to in the catalogs: views, rules,
 * triggers, policies, functions and publications on a column whose type
 * changes or that goes, foreign keys that need the index of a constraint that
 * goes, and tables with columns of the row type.  Raises
 * native's error with a hint.  What is not found here, the dry run finds.
 */
void
osc_check_dependents(Relation rel, List *statements)
{
	List	   *cmds = osc_commands_of(statements);
	bool		cascades = false;
	ListCell   *lc;
	bool		values_change = false;

	/* what CASCADE takes away is in nobody's way: the dry run knows what is left */
	foreach(lc, cmds)
		if (lfirst_node(AlterTableCmd, lc)->behavior == DROP_CASCADE)
			cascades = true;
	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		AttrNumber	attnum;
		bool		is_new;

		if (cmd->subtype == AT_DropConstraint && !cascades)
			check_constraint_dependents(rel, cmd, cmds);
		if (cmd->subtype == AT_AddColumn && brings_values(castNode(ColumnDef, cmd->def)))
			values_change = true;
		if (cmd->subtype != AT_AlterColumnType && cmd->subtype != AT_DropColumn)
			continue;
		attnum = osc_source_attnum(statements, cmd, RelationGetRelid(rel), &is_new);
		if (is_new || (attnum == InvalidAttrNumber && cmd->subtype == AT_DropColumn && cmd->missing_ok))
			continue;
		if (attnum == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							cmd->name, RelationGetRelationName(rel)),
					 errhint("The columns of the table are listed by \\d %s.",
							 RelationGetRelationName(rel))));
		if (attnum < 0)
			continue;			/* native's own error comes from the rehearsal */
		if (!cascades)
			check_column_dependents(rel, attnum, cmd);
		if (cmd->subtype == AT_AlterColumnType)
			values_change = true;
	}
	if (values_change)
		find_composite_type_dependencies(rel->rd_rel->reltype, rel, NULL);
}

/*
 * Do columns of other tables hold rows of this one, also in arrays, ranges or
 * domains?  NULL if none does, else the server's own words for it.  Takes ACCESS
 * SHARE on those tables (tablecmds.c, find_composite_type_dependencies).
 */
char *
osc_row_type_is_stored(Relation rel)
{
	OscSubxact	subxact;
	char	   *volatile result = NULL;

	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		find_composite_type_dependencies(rel->rd_rel->reltype, rel, NULL);
		osc_subxact_commit(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		if (edata->sqlerrcode != ERRCODE_FEATURE_NOT_SUPPORTED)
			ReThrowError(edata);
		result = edata->message;
	}
	PG_END_TRY();
	return result;
}

/*
 * A digest of the definition that the copy relies on: columns, indexes,
 * constraints, persistence, parents and children.  Expressions as they are
 * stored: to print them takes seconds for a table with many, and this runs
 * under strong locks.  It stays the same over REINDEX, ANALYZE, GRANT,
 * COMMENT, VALIDATE of a foreign key and the like.
 */
char *
osc_fingerprint(Oid relid)
{
	OscStore	store;
	OscArgs		args = {0};
	char	   *result;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_sql("SELECT md5(string_agg(x, E'\\n' ORDER BY x COLLATE \"C\")) AS digest FROM ("
			" SELECT format('a %s %s %s %s %s %s %s %s %s', attnum, attname, atttypid, atttypmod,"
			"  attnotnull, attisdropped, attgenerated, attidentity, attcollation)"
			"  FROM pg_attribute WHERE attrelid = $1 AND attnum > 0"
			" UNION ALL SELECT format('i %s %s %s %s %s %s %s %s %s %s %s %s %s %s %s', c.relname, c.relam, c.reloptions,"
			"  i.indkey, i.indnkeyatts, i.indclass, i.indcollation, i.indoption, i.indisunique, i.indimmediate,"
			"  i.indisvalid, i.indisprimary, i.indisexclusion, i.indexprs, i.indpred)"
			"  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1"
			" UNION ALL SELECT format('c %s %s %s %s %s %s %s %s %s', conname, contype, conkey, condeferrable,"
			"  condeferred, convalidated, connoinherit, conexclop, conbin)"
			"  FROM pg_constraint WHERE conrelid = $1 AND contype NOT IN ('f', 't')"
			" UNION ALL SELECT format('d %s %s', adnum, adbin) FROM pg_attrdef WHERE adrelid = $1"
			" UNION ALL SELECT format('r %s %s %s %s %s %s', relpersistence, relam, relispartition,"
			"  relhassubclass, reltablespace, relowner)"
			"  FROM pg_class WHERE oid = $1"
			" UNION ALL SELECT format('h %s %s %s %s', inhrelid, inhparent, inhseqno, inhdetachpending)"
			"  FROM pg_inherits WHERE $1 IN (inhrelid, inhparent)"
			" UNION ALL SELECT format('b %s', pg_get_expr(relpartbound, oid))"
			"  FROM pg_class WHERE oid = $1 AND relispartition) AS parts(x)", &args);
	result = osc_col_text(&store, 0, "digest");
	osc_store_close(&store);
	return result ? result : pstrdup("");
}
