/*-------------------------------------------------------------------------
 *
 * rehearse.c
 *	  Trying the statement on an empty copy of the table.
 *
 * The copy is made, altered and mapped in a subtransaction that is always
 * rolled back.  So a wrong column, type or expression is reported with the
 * server's own error before a job exists.
 *
 * With the table its parents and children are copied, empty and linked as they
 * are: what native refuses for their sake is refused here.
 *
 * Locks: ACCESS SHARE on the source, held by the caller; on its children taken
 * here; those on the copies go with the subtransaction.  A crash leaves nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/tablecmds.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "base/ident.h"
#include "base/run.h"
#include "mirror/clone_tree.h"
#include "mirror/shadow.h"
#include "model/mapping.h"
#include "model/objections.h"
#include "model/relinfo.h"
#include "model/statement.h"
#include "model/tree.h"
#include "plan/rehearse.h"

/* what try_copy() is given, and finds */
typedef struct CopyTrial
{
	List	   *members;		/* Oid: the tables that are to be copied */
	OscRehearsal *results;		/* one for each */
} CopyTrial;

/* a schema for the n'th clone */
static Oid
make_schema(Oid owner, int n)
{
	OscIdentity saved;
	Oid			nsp;

	osc_become(&saved, osc_extension_owner(), 0);
	nsp = osc_create_helper_schema(n == 0 ? psprintf("osc_rehearsal_%d", MyProcPid) :
								   psprintf("osc_rehearsal_%d_%d", MyProcPid, n), owner);
	osc_unbecome(&saved);
	return nsp;
}

/* clone the family of these relations, the first one into the first schema */
static void
clone_family(OscCloneTree *tree, List *relids)
{
	List	   *family = osc_family(relids);
	List	   *schemas = NIL;
	ListCell   *lc;
	int			n = 0;

	foreach(lc, family)
		schemas = lappend_oid(schemas,
							  make_schema(osc_clone_schema_owner(lfirst_oid(lc)),
										  lfirst_oid(lc) == linitial_oid(relids) ? 0 : ++n));
	osc_clone_tree_make(tree, family, schemas);
}

/* the names (String) of columns of the copy */
static List *
column_names(Relation shadow, Bitmapset *attnums, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *result = NIL;
	int			attnum = -1;

	while ((attnum = bms_next_member(attnums, attnum)) >= 0)
		result = lappend(result, makeString(get_attname(RelationGetRelid(shadow), attnum, false)));
	MemoryContextSwitchTo(old);
	return result;
}

/* make the copies, and look at them */
static void
try_copy(OscCloneTree *tree, List *script, MemoryContext context, void *result)
{
	CopyTrial  *trial = result;
	OscRehearsal *r = trial->results;
	ListCell   *lc;

	osc_clone_tree_apply(tree, script);
	osc_clone_tree_unlink(tree);
	foreach(lc, trial->members)
	{
		Relation	source = table_open(lfirst_oid(lc), NoLock);
		Relation	shadow = table_open(osc_clone_tree_find(tree, lfirst_oid(lc)), NoLock);
		OscMapping *mapping = osc_mapping_build(source, shadow,
												osc_clone_tree_values(tree, lfirst_oid(lc)));
		Oid			order = osc_cluster_index(source, osc_statements_of(script, lfirst_oid(lc)));

		if (!osc_key_is_place(&mapping->key))
			r->key = MemoryContextStrdup(context, get_rel_name(mapping->key.index));
		r->nindexes = list_length(osc_index_oids(shadow));
		if (OidIsValid(order) && osc_key_is_place(&mapping->key))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot cluster \"%s\" online: it has no key", RelationGetRelationName(source)),
					 errdetail("Rows without a key are found by their place, which sorting changes."),
					 errhint("Create a unique index CONCURRENTLY on NOT NULL columns first.")));
		if (OidIsValid(order))
			r->order = MemoryContextStrdup(context, get_rel_name(osc_index_of_copy(source, order, RelationGetRelid(shadow))));
		osc_check_access_method(shadow);
		r->nproved = list_length(mapping->check_names);
		r->is_volatile = column_names(shadow, mapping->uncomparable, context);
		r->as_computed = column_names(shadow, mapping->as_computed, context);
		/* may the caller read and call what the expressions do? */
		osc_mapping_end(osc_mapping_init(mapping, source, shadow));
		r++;
		table_close(shadow, NoLock);
		table_close(source, NoLock);
	}
}

/* the indexes of the clones, and what they are stored in */
static void
index_storages(const OscCloneTree *tree, List **oids, List **storages)
{
	ListCell   *lc,
			   *i;

	foreach(lc, tree->clones)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		foreach(i, osc_index_oids(rel))
		{
			int64	   *s = palloc(sizeof(int64));

			*s = osc_storage_of(lfirst_oid(i));
			*storages = lappend(*storages, s);
			*oids = lappend(*oids, makeString(psprintf("%u.%s", get_rel_namespace(lfirst_oid(i)),
													   get_rel_name(lfirst_oid(i)))));
		}
		table_close(rel, NoLock);
	}
}

/* apply the statements to empty clones: does one get other storage? */
static void
try_rewrite(OscCloneTree *tree, List *script, MemoryContext context, void *result)
{
	List	   *names = NIL;
	List	   *storages = NIL;
	List	   *new_names = NIL;
	List	   *new_storages = NIL;
	List	   *heaps = NIL;
	ListCell   *lc,
			   *n;

	index_storages(tree, &names, &storages);
	foreach(lc, tree->clones)
	{
		int64	   *s = palloc(sizeof(int64));

		*s = osc_storage_of(lfirst_oid(lc));
		heaps = lappend(heaps, s);
	}
	osc_clone_tree_apply(tree, script);
	*(OscRewrite *) result = OSC_REWRITES_NOTHING;
	index_storages(tree, &new_names, &new_storages);
	forboth(lc, storages, n, names)
	{
		ListCell   *m,
				   *t;

		forboth(m, new_names, t, new_storages)
			if (equal(lfirst(m), lfirst(n)) && *(int64 *) lfirst(t) != *(int64 *) lfirst(lc))
				*(OscRewrite *) result = OSC_REWRITES_INDEXES;
	}
	forboth(lc, heaps, n, tree->clones)
		if (osc_storage_of(lfirst_oid(n)) != *(int64 *) lfirst(lc))
			*(OscRewrite *) result = OSC_REWRITES_ROWS;
}

/* which name does an index get? */
static void
try_index(OscCloneTree *tree, List *script, MemoryContext context, void *result)
{
	Oid			clone = osc_clone_tree_find(tree, ((OscStatement *) linitial(script))->relid);
	Relation	rel = table_open(clone, NoLock);
	List	   *before = osc_index_oids(rel);
	ListCell   *lc;

	table_close(rel, NoLock);
	osc_clone_tree_apply(tree, script);
	rel = table_open(clone, NoLock);
	foreach(lc, osc_index_oids(rel))
		if (!list_member_oid(before, lfirst_oid(lc)))
			*(char **) result = MemoryContextStrdup(context, get_rel_name(lfirst_oid(lc)));
	table_close(rel, NoLock);
}

/* what try_tree() finds */
typedef struct TreeTrial
{
	List	   *indexes;		/* OscTreeIndex * */
	List	   *proofs;			/* OscTreeProof * */
} TreeTrial;

/* the table that a clone stands for */
static Oid
source_of(const OscCloneTree *tree, Oid clone)
{
	ListCell   *s,
			   *c;

	forboth(s, tree->sources, c, tree->clones)
		if (lfirst_oid(c) == clone)
			return lfirst_oid(s);
	return InvalidOid;
}

/* an index of a clone, described as one of the table */
static OscTreeIndex *
describe_index(const OscCloneTree *tree, Oid relid, Oid clone, Oid index, bool exists)
{
	OscTreeIndex *result = palloc0(sizeof(OscTreeIndex));
	Relation	rel = index_open(index, AccessShareLock);
	Oid			constraint = get_index_constraint(index);
	char	   *definition = pg_get_indexdef_string(index);
	Oid			parent = get_rel_relispartition(index) ? get_partition_parent(index, false) : InvalidOid;
	char	   *head = psprintf("CREATE %sINDEX %s ON %s ", rel->rd_index->indisunique ? "UNIQUE " : "",
								quote_identifier(RelationGetRelationName(rel)),
								quote_qualified_identifier(get_namespace_name(get_rel_namespace(clone)),
														   get_rel_name(clone)));

	result->relid = relid;
	result->name = pstrdup(RelationGetRelationName(rel));
	result->partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_INDEX;
	result->exists = exists;
	result->unique = rel->rd_index->indisunique;
	if (strncmp(definition, head, strlen(head)) != 0)
		elog(ERROR, "unexpected definition of index \"%s\": %s", result->name, definition);
	result->tail = pstrdup(definition + strlen(head));
	if (OidIsValid(constraint))
	{
		result->contype = rel->rd_index->indisprimary ? CONSTRAINT_PRIMARY : CONSTRAINT_UNIQUE;
		result->constraint = TextDatumGetCString(DirectFunctionCall1(pg_get_constraintdef,
																	 ObjectIdGetDatum(constraint)));
	}
	if (OidIsValid(parent))
	{
		result->parent_relid = source_of(tree, IndexGetRelation(parent, false));
		result->parent_name = get_rel_name(parent);
	}
	index_close(rel, NoLock);
	return result;
}

static List *
indexes_of_clone(Oid clone)
{
	Relation	rel = table_open(clone, NoLock);
	List	   *result = osc_index_oids(rel);

	table_close(rel, NoLock);
	return result;
}

/* the bound of a hash partition names its parent by OID: let that be the table, not its clone */
static char *
of_sources(const OscCloneTree *tree, char *bound)
{
	ListCell   *s,
			   *c;

	forboth(s, tree->sources, c, tree->clones)
	{
		char	   *name = psprintf("satisfies_hash_partition('%u'::oid", lfirst_oid(c));
		char	   *found;

		while ((found = strstr(bound, name)) != NULL)
			bound = psprintf("%.*ssatisfies_hash_partition('%u'::oid%s", (int) (found - bound), bound,
							 lfirst_oid(s), found + strlen(name));
	}
	return bound;
}

/* is every row of the table known to fulfil the bound of its clone? */
static char *
bound_to_prove(const OscCloneTree *tree, Oid relid, Oid clone)
{
	Relation	rel = table_open(relid, NoLock);
	Expr	   *bound = get_partition_qual_relid(clone);
	List	   *quals = bound ? make_ands_implicit(bound) : NIL;
	char	   *result = NULL;

	if (quals != NIL && !PartConstraintImpliedByRelConstraint(rel, quals))
		result = of_sources(tree, TextDatumGetCString(DirectFunctionCall1(pg_get_partition_constraintdef,
																		  ObjectIdGetDatum(clone))));
	table_close(rel, NoLock);
	return result;
}

/* which indexes do the tables of the tree get, and what must be proved? */
static void
try_tree(OscCloneTree *tree, List *script, MemoryContext context, void *result)
{
	TreeTrial  *trial = result;
	List	   *before = NIL;
	List	   *bounds = NIL;
	MemoryContext old;
	ListCell   *s,
			   *c,
			   *i;

	foreach(c, tree->clones)
	{
		foreach(i, indexes_of_clone(lfirst_oid(c)))
			before = list_concat(before, list_make2_oid(lfirst_oid(i), get_rel_relispartition(lfirst_oid(i))));
		bounds = lappend_oid(bounds, get_rel_relispartition(lfirst_oid(c)));
	}
	osc_clone_tree_apply(tree, script);
	old = MemoryContextSwitchTo(context);
	forboth(s, tree->sources, c, tree->clones)
	{
		foreach(i, indexes_of_clone(lfirst_oid(c)))
		{
			bool		exists = false;
			bool		was_part = false;

			for (int n = 0; n < list_length(before); n += 2)
				if (list_nth_oid(before, n) == lfirst_oid(i))
				{
					exists = true;
					was_part = list_nth_oid(before, n + 1) != InvalidOid;
				}
			if (exists && (was_part || !get_rel_relispartition(lfirst_oid(i))))
				continue;
			trial->indexes = lappend(trial->indexes,
									 describe_index(tree, lfirst_oid(s), lfirst_oid(c), lfirst_oid(i), exists));
		}
	}
	/* whose rows are in question: a table that was attached, and a default partition */
	for (int n = 0; n < list_length(tree->clones); n++)
	{
		Oid			clone = list_nth_oid(tree->clones, n);
		Oid			parent = get_rel_relispartition(clone) ? get_partition_parent(clone, false) : InvalidOid;
		OscTreeProof *proof;

		if (!OidIsValid(parent) ||
			source_of(tree, parent) != ((OscStatement *) linitial(script))->relid ||
			(list_nth_oid(bounds, n) != InvalidOid && get_default_partition_oid(parent) != clone))
			continue;
		proof = palloc0(sizeof(OscTreeProof));
		proof->relid = list_nth_oid(tree->sources, n);
		proof->condition = bound_to_prove(tree, proof->relid, clone);
		trial->proofs = lappend(trial->proofs, proof);
	}
	MemoryContextSwitchTo(old);
}

/* the schemas of the copies mean nothing to the user: take their names out of a message */
static char *
without_schema(char *message)
{
	char	   *prefix = psprintf("osc_rehearsal_%d", MyProcPid);
	StringInfoData buf;
	char	   *p = message;
	char	   *found;

	if (message == NULL)
		return NULL;
	initStringInfo(&buf);
	while ((found = strstr(p, prefix)) != NULL)
	{
		char	   *end = found + strlen(prefix);

		end += strspn(end, "_0123456789");
		appendBinaryStringInfo(&buf, p, (*end == '.' ? found : end) - p);
		p = *end == '.' ? end + 1 : end;
	}
	appendStringInfoString(&buf, p);
	return buf.data;
}

/* raise an error of a trial as one of the user's own table */
static void
rethrow_cleaned(ErrorData *edata)
{
	if (edata->hint == NULL)
		edata->hint = pstrdup("The statement was tried on an empty copy of the table; nothing was changed.");
	edata->message = without_schema(edata->message);
	edata->detail = without_schema(edata->detail);
	edata->hint = without_schema(edata->hint);
	edata->schema_name = NULL;
	ReThrowError(edata);
}

/* the relations that are cloned with those of the script */
static List *
rehearsed_relations(List *script)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, script)
		relids = list_concat_unique_oid(relids, osc_rehearsed_with(lfirst(lc)));
	return relids;
}

/*
 * Run the trial in a subtransaction that is rolled back.  Its errors are raised
 * as ones of the user's own table.
 */
void
osc_run_trial(OscTrial trial, List *script, void *result)
{
	OscSubxact	subxact;
	osc_subxact_begin(&subxact);
	/* notices of the statements belong to their run in the job */
	osc_set_local("client_min_messages", "warning");
	PG_TRY();
	{
		OscCloneTree tree;

		clone_family(&tree, rehearsed_relations(script));
		trial(&tree, script, subxact.context, result);
		osc_subxact_rollback(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		rethrow_cleaned(edata);
	}
	PG_END_TRY();
}

/*
 * Rehearse a copy of these tables (Oid) by these statements (OscStatement *),
 * which are on the tables or on parents of theirs.  results has one entry for
 * each.  Raises the statements' own errors, with a hint where they have none.
 */
void
osc_rehearse(List *members, List *statements, OscRehearsal *results)
{
	CopyTrial	trial = {.members = members,.results = results};

	osc_run_trial(try_copy, statements, &trial);
}

/*
 * What would the server rewrite if it ran the statements?  Raises errors as
 * above.
 */
OscRewrite
osc_rehearsal_rewrites(List *statements)
{
	OscRewrite	result = OSC_REWRITES_NOTHING;

	osc_run_trial(try_rewrite, statements, &result);
	return result;
}

/* a name that is free in the user's schema, numbered as native numbers it */
static char *
free_relation_name(const char *name, Oid nsp)
{
	char	   *result = pstrdup(name);

	for (int n = 1; OidIsValid(get_relname_relid(result, nsp)); n++)
		result = psprintf("%.*s%d", NAMEDATALEN - 5, name, n);
	return result;
}

/*
 * The name that the server gives to the index of a CREATE INDEX without one,
 * in the current memory context.
 */
char *
osc_rehearsal_index_name(Relation source, OscStatement *statement)
{
	char	   *name = NULL;

	osc_run_trial(try_index, list_make1(statement), &name);
	/* the clone's schema has only its own names */
	return free_relation_name(name, RelationGetNamespace(source));
}

/*
 * The indexes (OscTreeIndex *, parents first) that the statement gives to the
 * tables of a tree, with names that are free in their schemas; and, if it
 * attaches a partition, what the rows must fulfil (OscTreeProof *).  In the
 * current memory context; raises errors as above.
 */
List *
osc_rehearsal_indexes(OscStatement *statement, List **proofs)
{
	TreeTrial	trial = {0};

	osc_run_trial(try_tree, list_make1(statement), &trial);
	*proofs = trial.proofs;
	return trial.indexes;
}

/* has the table rows?  counts to two */
static int
count_to_two(Relation rel)
{
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	int			n = 0;

	while (n < 2 && table_scan_getnextslot(scan, ForwardScanDirection, slot))
		n++;
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	return n;
}

/* a table without columns, and with so many rows */
static Oid
make_bare_table(Relation source, Oid nsp, int nrows)
{
	TupleDesc	desc = CreateTemplateTupleDesc(0);
	Oid			relid;
	Relation	rel;

	relid = heap_create_with_catalog(RelationGetRelationName(source), nsp, InvalidOid,
									 InvalidOid, InvalidOid, InvalidOid,
									 source->rd_rel->relowner, HEAP_TABLE_AM_OID,
									 desc, NIL, RELKIND_RELATION, RELPERSISTENCE_PERMANENT,
									 false, false, ONCOMMIT_NOOP, (Datum) 0,
									 false, true, true, InvalidOid, NULL);
	CommandCounterIncrement();
	rel = table_open(relid, AccessExclusiveLock);
	for (int i = 0; i < nrows; i++)
		simple_heap_insert(rel, heap_form_tuple(RelationGetDescr(rel), NULL, NULL));
	table_close(rel, NoLock);
	CommandCounterIncrement();
	return relid;
}

/* the column that a column's REFERENCES refers to; NULL: none, or not one of ours to judge */
static char *
referenced_column(const Constraint *con, Oid *table)
{
	Oid			key;
	Bitmapset  *attnums;
	AttrNumber	attnum = InvalidAttrNumber;

	*table = RangeVarGetRelid(con->pktable, AccessShareLock, true);
	if (!OidIsValid(*table) || con->skip_validation)
		return NULL;
	if (con->pk_attrs)
		attnum = get_attnum(*table, strVal(linitial(con->pk_attrs)));
	else
	{
		attnums = get_primary_key_attnos(*table, false, &key);
		if (bms_num_members(attnums) == 1)
			attnum = bms_singleton_member(attnums) + FirstLowInvalidHeapAttributeNumber;
	}
	return attnum > 0 ? get_attname(*table, attnum, false) : NULL;
}

/*
 * The value of a new column must be among those that it refers to.  Only the
 * operators of built-in types are run here, since it is done in the extension
 * owner's name; others are left to VALIDATE CONSTRAINT.
 */
static void
check_new_references(Oid bare, const ColumnDef *def)
{
	ListCell   *lc;

	foreach(lc, def->constraints)
	{
		Constraint *con = lfirst_node(Constraint, lc);
		OscStore	store;
		Oid			table;
		char	   *column = con->contype == CONSTR_FOREIGN ? referenced_column(con, &table) : NULL;
		char	   *value = NULL;

		if (column == NULL ||
			get_atttype(table, get_attnum(table, column)) >= FirstNormalObjectId ||
			get_atttype(bare, get_attnum(bare, def->colname)) >= FirstNormalObjectId)
			continue;
		osc_store_open(&store);
		if (osc_sql(psprintf("SELECT m.%s::text AS value FROM %s m WHERE m.%s IS NOT NULL"
							 " AND NOT EXISTS (SELECT FROM %s p WHERE p.%s = m.%s) LIMIT 1",
							 quote_identifier(def->colname), osc_relation_name(bare),
							 quote_identifier(def->colname), osc_relation_name(table),
							 quote_identifier(column), quote_identifier(def->colname)), NULL) > 0)
			value = osc_col_text(&store, 0, "value");
		osc_store_close(&store);
		if (value)
			ereport(ERROR,
					(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					 errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
							get_rel_name(bare), con->conname ? con->conname :
							ChooseConstraintName(get_rel_name(bare), def->colname, "fkey",
												 get_rel_namespace(bare), NIL)),
					 errdetail("Key (%s)=(%s) is not present in table \"%s\".",
							   def->colname, value, get_rel_name(table))));
	}
}

/*
 * A new column has one value in all rows that are there.  Does this value
 * violate the column's own constraints?  Tried on a table of that column
 * alone, so that nothing has to be taken back later.  Raises native's error.
 */
void
osc_rehearse_new_column(Relation rel, const OscStatement *statement, AlterTableCmd *cmd)
{
	OscSubxact	subxact;
	int			nrows = RELKIND_HAS_STORAGE(rel->rd_rel->relkind) ? count_to_two(rel) : 0;
	OscStatement one = *statement;
	AlterTableStmt *stmt = copyObject(castNode(AlterTableStmt, statement->node));

	if (nrows == 0)
		return;
	stmt->cmds = list_make1(copyObject(cmd));
	one.node = (Node *) stmt;
	osc_subxact_begin(&subxact);
	osc_set_local("client_min_messages", "warning");
	PG_TRY();
	{
		Oid			nsp = make_schema(rel->rd_rel->relowner, 0);
		Oid			table = make_bare_table(rel, nsp, nrows);

		osc_alter_quietly(castNode(AlterTableStmt,
								   osc_statement_for_shadow(&one, get_namespace_name(nsp),
															RelationGetRelationName(rel))), table);
		check_new_references(table, castNode(ColumnDef, cmd->def));
		osc_subxact_rollback(&subxact);
	}
	PG_CATCH();
	{
		rethrow_cleaned(osc_subxact_caught(&subxact));
	}
	PG_END_TRY();
}
