/*-------------------------------------------------------------------------
 *
 * shadow.c
 *	  Shadow and twin: tables with the physical layout of the source.
 *
 * Both are made column by column, dropped ones included, so that attribute
 * numbers are the source's and storage can be handed over by a swap.  The
 * shadow has the source's defaults, CHECK and NOT NULL constraints, identity
 * columns and indexes under their own names, since the user's statement is
 * applied to it and must find what it names; it has no foreign keys,
 * triggers, rules or policies.  The twin has only the layout and bare
 * indexes: its part is to hold the old storage.
 *
 * relrewrite is set after the last ALTER, on the TOAST table too (an ALTER
 * that rewrites makes a new one without it): logical decoding then passes
 * over the rows (reorderbuffer.c).
 *
 * Locks on entry: ACCESS SHARE on the source.  On exit: ACCESS EXCLUSIVE on
 * the new tables.  A crash leaves nothing: all is one transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/partition.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/toasting.h"
#include "commands/schemacmds.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_utilcmd.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/ident.h"
#include "base/run.h"
#include "mirror/shadow.h"
#include "model/relinfo.h"
#include "model/statement.h"

/*
 * Make a schema for the helper objects of a member, owned at first by the
 * owner of the source: what the statement adds (an index of a new constraint)
 * is made there in the owner's name.
 */
Oid
osc_create_helper_schema(const char *name, Oid owner)
{
	Oid			nsp = NamespaceCreate(name, owner, true);

	CommandCounterIncrement();
	return nsp;
}

/*
 * When its objects are made, the schema becomes the extension owner's: nobody
 * else has anything to look for there.
 */
void
osc_give_schema_away(Oid nsp)
{
	OscIdentity saved;
	Oid			owner = osc_extension_owner();

	osc_become(&saved, owner, 0);
	AlterSchemaOwner_oid(nsp, owner);
	osc_unbecome(&saved);
	CommandCounterIncrement();
}

/* the source's columns, without what refers to other objects */
static TupleDesc
bare_columns(Relation source, bool bare)
{
	TupleDesc	from = RelationGetDescr(source);
	TupleDesc	desc = CreateTupleDescCopy(from);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Form_pg_attribute src = TupleDescAttr(from, i);

		/* a clone is linked to those of its parents afterwards */
		att->attislocal = bare || src->attislocal;
		att->attinhcount = 0;
		if (bare || src->attisdropped)
			continue;
#ifndef OSC_NOT_NULL_IS_CONSTRAINT
		att->attnotnull = src->attnotnull;
#endif
		att->attgenerated = src->attgenerated;
	}
	return desc;
}

/* was the CHECK defined on the table itself, and not only on a parent? */
static bool
check_is_local(Oid relid, const char *name)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID,
										ObjectIdGetDatum(get_relation_constraint_oid(relid, name, false)));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint \"%s\" of relation %u", name, relid);
	result = ((Form_pg_constraint) GETSTRUCT(tuple))->conislocal;
	ReleaseSysCache(tuple);
	return result;
}

/* the source's defaults and CHECK constraints, as they are stored */
static List *
cooked_constraints(Relation source)
{
	TupleConstr *constr = RelationGetDescr(source)->constr;
	List	   *result = NIL;

	for (int i = 0; constr && i < constr->num_defval; i++)
	{
		CookedConstraint *c = palloc0(sizeof(CookedConstraint));

		c->contype = CONSTR_DEFAULT;
		c->attnum = constr->defval[i].adnum;
		c->expr = stringToNode(constr->defval[i].adbin);
		c->is_local = true;
		result = lappend(result, c);
	}
	for (int i = 0; constr && i < constr->num_check; i++)
	{
		CookedConstraint *c = palloc0(sizeof(CookedConstraint));

		c->contype = CONSTR_CHECK;
		c->name = constr->check[i].ccname;
		c->expr = stringToNode(constr->check[i].ccbin);
		c->skip_validation = !constr->check[i].ccvalid;
		osc_cooked_set_enforced(c, &constr->check[i]);
		c->is_local = check_is_local(RelationGetRelid(source), c->name);
		c->is_no_inherit = constr->check[i].ccnoinherit;
		result = lappend(result, c);
	}
	return result;
}

/* reloptions of a relation, with autovacuum switched off if quiet */
static Datum
clone_reloptions(Oid relid, bool quiet)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		isnull;
	Datum		old;
	Datum		result;
	List	   *off = NIL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	if (quiet)
		off = list_make1(makeDefElem("autovacuum_enabled",
									 (Node *) makeString("false"), -1));
	old = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &isnull);
	result = transformRelOptions(isnull ? (Datum) 0 : old, off, NULL, NULL, false, false);
	ReleaseSysCache(tuple);
	return result;
}

/* give a clone the partition key of its source */
static void
clone_partition_key(Relation source, Oid clone)
{
	Relation	rel = table_open(clone, NoLock);
	PartitionKey key = RelationGetPartitionKey(source);
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(RelationGetRelid(source)));
	bool		isnull;
	Datum		opclass;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for partition key of %u", RelationGetRelid(source));
	opclass = SysCacheGetAttr(PARTRELID, tuple, Anum_pg_partitioned_table_partclass, &isnull);
	StorePartitionKey(rel, get_partition_strategy(key), get_partition_natts(key), key->partattrs,
					  get_partition_exprs(key), ((oidvector *) DatumGetPointer(opclass))->values,
					  key->partcollation);
	ReleaseSysCache(tuple);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

static Oid
create_table(Relation source, Oid nsp, const char *name, bool bare)
{
	Oid			relid;
	/* of a foreign table only the definition is of interest here */
	char		relkind = source->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ?
	RELKIND_PARTITIONED_TABLE : RELKIND_RELATION;

	relid = heap_create_with_catalog(name, nsp, source->rd_rel->reltablespace,
									 InvalidOid, InvalidOid, InvalidOid,
									 source->rd_rel->relowner,
									 OidIsValid(source->rd_rel->relam) || relkind == RELKIND_PARTITIONED_TABLE ?
									 source->rd_rel->relam : HEAP_TABLE_AM_OID,
									 bare_columns(source, bare),
									 bare ? NIL : cooked_constraints(source),
									 relkind,
									 source->rd_rel->relpersistence,
									 false, false, ONCOMMIT_NOOP,
									 clone_reloptions(RelationGetRelid(source),
													  relkind != RELKIND_PARTITIONED_TABLE),
									 false, true, true, InvalidOid, NULL);
	CommandCounterIncrement();
	if (OidIsValid(source->rd_rel->reltoastrelid))
		NewHeapCreateToastTable(relid,
								clone_reloptions(source->rd_rel->reltoastrelid, !bare),
								AccessExclusiveLock, InvalidOid);
	LockRelationOid(relid, AccessExclusiveLock);
	CommandCounterIncrement();
	if (relkind == RELKIND_PARTITIONED_TABLE)
		clone_partition_key(source, relid);
	return relid;
}

/* a name that nothing in the schema has: the user's own names are in there too */
static char *
free_name(const char *prefix, Oid nsp, int *n)
{
	char	   *name;

	do
		name = psprintf("%s_%d", prefix, ++*n);
	while (OidIsValid(get_relname_relid(name, nsp)));
	return name;
}

static AttrMap *
identity_map(int natts)
{
	AttrMap    *map = make_attrmap(natts);

	for (int i = 0; i < natts; i++)
		map->attnums[i] = i + 1;
	return map;
}

/*
 * Clone the source's indexes onto an empty table: for the shadow with names
 * and constraints, for the twin bare.
 */
static void
clone_indexes(Relation source, Oid target, bool bare)
{
	AttrMap    *map = identity_map(RelationGetDescr(source)->natts);
	char	   *nspname = get_namespace_name(get_rel_namespace(target));
	int			n = 0;
	int			nest = NewGUCNestLevel();
	ListCell   *lc;

	/* an index without a tablespace is in the database's, not the user's choice */
	osc_set_local("default_tablespace", "");
	osc_set_local("max_parallel_maintenance_workers", "0");
	foreach(lc, osc_index_oids(source))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		RangeVar   *heap = makeRangeVar(nspname, get_rel_name(target), -1);
		IndexStmt  *stmt;

		/* a partitioned index that is not valid: some partitions have no part of it */
		if (index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX && !index->rd_index->indisvalid)
		{
			index_close(index, NoLock);
			continue;
		}
		stmt = generateClonedIndexStmt(heap, index, map, NULL);
		stmt->idxname = bare ? free_name("osc_twin_index", get_rel_namespace(target), &n) :
			pstrdup(RelationGetRelationName(index));
		stmt->idxcomment = NULL;
		if (bare && stmt->excludeOpNames == NIL)
		{
			stmt->isconstraint = false;
			stmt->primary = false;
			stmt->deferrable = false;
			stmt->initdeferred = false;
		}
		osc_define_index(target, stmt);
		CommandCounterIncrement();
		index_close(index, NoLock);
	}
	AtEOXact_GUC(true, nest);
	free_attrmap(map);
}

/*
 * Identity columns get a sequence of their own, which nothing ever draws
 * from; from 18 on NOT NULL is a constraint with a name.
 */
static void
clone_identity_and_not_null(Relation source, Oid shadow)
{
	TupleDesc	desc = RelationGetDescr(source);
	char	   *target = quote_qualified_identifier(get_namespace_name(get_rel_namespace(shadow)),
													get_rel_name(shadow));

#ifdef OSC_NOT_NULL_IS_CONSTRAINT
	{
		OscStore	store;
		OscArgs		args = {0};
		List	   *defs = NIL;
		ListCell   *lc;
		uint64		n;

		osc_store_open(&store);
		osc_arg_oid(&args, RelationGetRelid(source));
		n = osc_sql("SELECT format('ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)) AS def"
					" FROM pg_constraint WHERE conrelid = $1 AND contype = 'n'"
					" ORDER BY conkey", &args);
		for (uint64 i = 0; i < n; i++)
			defs = osc_keep(&store, defs, osc_col_text(&store, i, "def"));
		osc_store_close(&store);
		foreach(lc, defs)
			osc_alter_by_text(shadow, psprintf("ALTER TABLE %s %s", target, (char *) lfirst(lc)));
	}
#endif
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && att->attidentity != '\0' &&
			!osc_identity_is_parents(source->rd_rel->relispartition))
			osc_alter_by_text(shadow,
							  psprintf("ALTER TABLE %s ALTER COLUMN %s ADD GENERATED %s AS IDENTITY",
									   target, quote_identifier(NameStr(att->attname)),
									   att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS ?
									   "ALWAYS" : "BY DEFAULT"));
	}
}

/* run a statement, or what is left of it, on the shadow */
static void
run_on_shadow(Oid shadow, const OscStatement *s, Node *node)
{
	Oid			nsp = get_rel_namespace(shadow);

	if (node == NULL)
		return;
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			osc_alter_quietly(castNode(AlterTableStmt, node), shadow);
			break;
		case T_RenameStmt:
			{
				RenameStmt *rename = castNode(RenameStmt, node);

				if (rename->renameType == OBJECT_TABLE)
					RenameRelation(rename);
				else if (rename->renameType == OBJECT_COLUMN)
					renameatt(rename);
				else if (OidIsValid(get_relation_constraint_oid(shadow, rename->subname, true)))
					RenameConstraint(rename);
				break;
			}
		case T_IndexStmt:
			{
				IndexStmt  *index = transformIndexStmt(shadow, castNode(IndexStmt, node), s->source);

				osc_define_index(shadow, index);
				break;
			}
		case T_DropStmt:
			{
				List	   *name = linitial_node(List, castNode(DropStmt, node)->objects);
				Oid			index = get_relname_relid(strVal(llast(name)), nsp);
				ObjectAddress object;

				ObjectAddressSet(object, RelationRelationId, index);
				if (OidIsValid(index))
					performDeletion(&object, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
				break;
			}
		default:
			break;
	}
	CommandCounterIncrement();
}

/*
 * An empty clone of the table, with its defaults, constraints, identity
 * columns and indexes under their own names, in a helper schema.  The caller
 * has entered the job owner's name.
 */
Oid
osc_create_clone(Relation source, Oid nsp)
{
	OscIdentity saved;
	Oid			clone = create_table(source, nsp, RelationGetRelationName(source), false);

	/*
	 * A role that owns a partition alone need not own its parent.  On an empty
	 * table this runs nothing of the user's.
	 */
	osc_become(&saved, osc_extension_owner(), 0);
	clone_identity_and_not_null(source, clone);
	osc_unbecome(&saved);
	clone_indexes(source, clone, false);
	return clone;
}

/*
 * Apply a statement to a clone, as far as it concerns rows and indexes; or,
 * later_rows, the part of it that only says which values later rows get.
 * Raises the statement's native errors.
 */
void
osc_apply_statement(Oid clone, const OscStatement *s, bool later_rows)
{
	char	   *nspname = get_namespace_name(get_rel_namespace(clone));

	run_on_shadow(clone, s, later_rows ?
				  osc_statement_for_later_rows(s, nspname, get_rel_name(clone)) :
				  osc_statement_for_shadow(s, nspname, get_rel_name(clone)));
}

/*
 * Make a clone that the statements have given the new shape the shadow of its
 * source.
 */
void
osc_make_shadow(Oid clone, Oid source)
{
	osc_set_relrewrite(clone, source);
	osc_hide_rows(clone);
}

/*
 * Make the twin: the source's present layout, empty.
 */
Oid
osc_create_twin(Relation source, Oid nsp)
{
	int			n = 0;
	const char *name = OidIsValid(get_relname_relid("osc_twin", nsp)) ?
		free_name("osc_twin", nsp, &n) : "osc_twin";
	Oid			twin = create_table(source, nsp, name, true);

	clone_indexes(source, twin, true);
	osc_hide_rows(twin);
	return twin;
}

/*
 * Switch row security on for a helper table: what the source's policies hide
 * must not be read here by those who may read every table.  It has no
 * policies, so only its owner sees rows.
 */
void
osc_hide_rows(Oid relid)
{
	Relation	pg_class = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity = true;
	CatalogTupleUpdate(pg_class, &tuple->t_self, tuple);
	table_close(pg_class, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * Set relrewrite of a table and of its TOAST table.  The caller holds ACCESS
 * EXCLUSIVE on the table.
 */
void
osc_set_relrewrite(Oid relid, Oid value)
{
	Relation	pg_class = table_open(RelationRelationId, RowExclusiveLock);

	while (OidIsValid(relid))
	{
		HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));
		Form_pg_class form;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for relation %u", relid);
		form = (Form_pg_class) GETSTRUCT(tuple);
		if (form->relkind == RELKIND_TOASTVALUE)
			LockRelationOid(relid, AccessExclusiveLock);
		form->relrewrite = value;
		CatalogTupleUpdate(pg_class, &tuple->t_self, tuple);
		relid = form->relkind == RELKIND_RELATION ? form->reltoastrelid : InvalidOid;
	}
	table_close(pg_class, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * Is relrewrite set on the table and on its TOAST table?
 */
bool
osc_has_relrewrite(Oid relid, Oid value)
{
	while (OidIsValid(relid))
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
		Form_pg_class form;
		bool		ok;

		if (!HeapTupleIsValid(tuple))
			return false;
		form = (Form_pg_class) GETSTRUCT(tuple);
		ok = form->relrewrite == value;
		relid = form->relkind == RELKIND_RELATION ? form->reltoastrelid : InvalidOid;
		ReleaseSysCache(tuple);
		if (!ok)
			return false;
	}
	return true;
}

/*
 * Compare the physical layout of two relations; NULL if it is the same, else
 * what differs, palloc'd here.
 */
const char *
osc_layout_difference(Relation a, Relation b)
{
	TupleDesc	x = RelationGetDescr(a);
	TupleDesc	y = RelationGetDescr(b);

	if (x->natts != y->natts)
		return psprintf("%d columns against %d", x->natts, y->natts);
	for (int i = 0; i < x->natts; i++)
	{
		Form_pg_attribute p = TupleDescAttr(x, i);
		Form_pg_attribute q = TupleDescAttr(y, i);

		if (p->attisdropped != q->attisdropped || p->attlen != q->attlen ||
			p->attalign != q->attalign || p->attbyval != q->attbyval ||
			p->atttypid != q->atttypid || p->atttypmod != q->atttypmod ||
			p->attcollation != q->attcollation)
			return psprintf("column %d", i + 1);
	}
	return NULL;
}

/* a sequence that belongs to a column of the table stands for that column */
static Node *
own_sequences_mutator(Node *node, void *relid)
{
	Oid			sequence = InvalidOid;
	Oid			table;
	int32		attnum;

	if (node == NULL)
		return NULL;
	if (IsA(node, Const) && ((Const *) node)->consttype == REGCLASSOID && !((Const *) node)->constisnull)
		sequence = DatumGetObjectId(((Const *) node)->constvalue);
	if (OidIsValid(sequence) && sequenceIsOwned(sequence, DEPENDENCY_AUTO, &table, &attnum) &&
		table == *(Oid *) relid)
	{
		Const	   *con = copyObject((Const *) node);

		con->constvalue = ObjectIdGetDatum((Oid) attnum);
		return (Node *) con;
	}
	return expression_tree_mutator(node, own_sequences_mutator, relid);
}

/* expressions of two tables: each may use a sequence of its own */
static bool
same_expression(Relation a, const char *x, Relation b, const char *y)
{
	Oid			a_oid = RelationGetRelid(a);
	Oid			b_oid = RelationGetRelid(b);

	if (equal(stringToNode(x), stringToNode(y)))
		return true;
	return equal(own_sequences_mutator(stringToNode(x), &a_oid),
				 own_sequences_mutator(stringToNode(y), &b_oid));
}

/*
 * Compare CHECK constraints and defaults of two relations; NULL if they are
 * the same, else what differs, palloc'd here.
 */
const char *
osc_definition_difference(Relation a, Relation b)
{
	TupleConstr *x = RelationGetDescr(a)->constr;
	TupleConstr *y = RelationGetDescr(b)->constr;

	for (int i = 0; x && i < x->num_check; i++)
	{
		bool		same = false;

		for (int j = 0; y && j < y->num_check; j++)
			same = same || (strcmp(x->check[i].ccname, y->check[j].ccname) == 0 &&
							same_expression(a, x->check[i].ccbin, b, y->check[j].ccbin));
		if (!same)
			return psprintf("constraint \"%s\"", x->check[i].ccname);
	}
	for (int i = 0; x && i < x->num_defval; i++)
	{
		bool		same = false;

		for (int j = 0; y && j < y->num_defval; j++)
			same = same || (x->defval[i].adnum == y->defval[j].adnum &&
							same_expression(a, x->defval[i].adbin, b, y->defval[j].adbin));
		if (!same)
			return psprintf("default of column %d", x->defval[i].adnum);
	}
	return NULL;
}

/*
 * Give the shadow empty storage again, as TRUNCATE would, but without the
 * executor: it would be decoded (tablecmds.c, ExecuteTruncateGuts).
 */
void
osc_empty_shadow(Oid shadow)
{
	Relation	rel = table_open(shadow, AccessExclusiveLock);
	Oid			toast = rel->rd_rel->reltoastrelid;
	ReindexParams params = {0};

	RelationSetNewRelfilenumber(rel, rel->rd_rel->relpersistence);
	table_close(rel, NoLock);
	if (OidIsValid(toast))
	{
		Relation	toastrel = table_open(toast, AccessExclusiveLock);

		RelationSetNewRelfilenumber(toastrel, toastrel->rd_rel->relpersistence);
		table_close(toastrel, NoLock);
	}
	CommandCounterIncrement();
	osc_reindex_relation(shadow, REINDEX_REL_PROCESS_TOAST, &params);
	CommandCounterIncrement();
}
