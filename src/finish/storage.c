/*-------------------------------------------------------------------------
 *
 * storage.c
 *	  Exchanging the storage of two relations: heap, TOAST and indexes.
 *
 * What cluster.c's swap_relation_files() does for a rewritten table and its
 * transient copy, done for two tables that both live on:
 *
 *  - TOAST tables are exchanged by links, since TOAST pointers in the rows
 *    carry the TOAST table's OID; they are renamed afterwards to fit their
 *    new owners, over an intermediate name, because both names are taken.
 *  - Both relcache entries must know whether the storage that they now have
 *    was made in this transaction: with wal_level = minimal WAL is skipped
 *    for such storage alone.  The marks are exchanged with the storage; an
 *    entry whose pg_class row is new (an index that ALTER TYPE made again)
 *    but which now has old storage must not claim that it is new.
 *  - Indexes are paired by name, or else by definition.
 *
 * Locks on entry: ACCESS EXCLUSIVE on both tables and their TOAST tables.
 * Transactional: a rollback or crash leaves both as they were.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/toast_internals.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "storage/predicate.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/ident.h"
#include "finish/storage.h"
#include "mirror/shadow.h"
#include "model/relinfo.h"

#define EXCHANGE(type, a, b) \
	do { type tmp_ = (a); (a) = (b); (b) = tmp_; } while (0)

/*
 * Let each relcache entry say of its new storage what the other's said of it
 * (relcache.c, RelationAssumeNewRelfilelocator).
 */
static void
exchange_subids(Oid r1, Oid r2)
{
	Relation	a = relation_open(r1, NoLock);
	Relation	b = relation_open(r2, NoLock);
	SubTransactionId a_new = a->rd_newRelfilelocatorSubid;
	SubTransactionId a_first = a->rd_firstRelfilelocatorSubid;
	SubTransactionId b_new = b->rd_newRelfilelocatorSubid;
	SubTransactionId b_first = b->rd_firstRelfilelocatorSubid;
	SubTransactionId a_create = a->rd_createSubid;
	SubTransactionId b_create = b->rd_createSubid;

	if (a_create || a_first || b_create || b_first)
	{
		/* this enters both into the list of what the end of transaction resets */
		RelationAssumeNewRelfilelocator(a);
		RelationAssumeNewRelfilelocator(b);
		a->rd_newRelfilelocatorSubid = b_new ? b_new : b_create;
		a->rd_firstRelfilelocatorSubid = b_first ? b_first : b_create;
		b->rd_newRelfilelocatorSubid = a_new ? a_new : a_create;
		b->rd_firstRelfilelocatorSubid = a_first ? a_first : a_create;
		a->rd_createSubid = InvalidSubTransactionId;
		b->rd_createSubid = InvalidSubTransactionId;
	}
	relation_close(a, NoLock);
	relation_close(b, NoLock);
}

/* a TOAST table belongs to another table now */
static void
move_toast_dependency(Oid toast, Oid owner)
{
	ObjectAddress t,
				o;
	long		n;

	if (!OidIsValid(toast))
		return;
	n = deleteDependencyRecordsFor(RelationRelationId, toast, false);
	if (n != 1)
		elog(ERROR, "expected one dependency record of TOAST table %u, found %ld",
			 toast, n);
	ObjectAddressSet(t, RelationRelationId, toast);
	ObjectAddressSet(o, RelationRelationId, owner);
	recordDependencyOn(&t, &o, DEPENDENCY_INTERNAL);
}

static void
check_exchangeable(Form_pg_class a, Form_pg_class b)
{
	if (a->relkind != b->relkind || a->relam != b->relam ||
		a->relpersistence != b->relpersistence)
		elog(ERROR, "relations \"%s\" and \"%s\" are not of the same kind",
			 NameStr(a->relname), NameStr(b->relname));
	if (!OidIsValid(a->relfilenode) || !OidIsValid(b->relfilenode))
		elog(ERROR, "mapped relations cannot exchange storage");
}

/*
 * Storage parameters of a TOAST table are its owner's: they stay with the
 * owner when the TOAST tables change hands.
 */
static void
exchange_toast_options(Oid toast1, Oid toast2)
{
	Relation	pg_class;
	Oid			toasts[2] = {toast1, toast2};
	HeapTuple	tuples[2];
	Datum		values[2][Natts_pg_class] = {0};
	bool		nulls[2][Natts_pg_class] = {0};
	bool		replaces[Natts_pg_class] = {0};

	if (!OidIsValid(toast1) || !OidIsValid(toast2))
		return;
	pg_class = table_open(RelationRelationId, RowExclusiveLock);
	replaces[Anum_pg_class_reloptions - 1] = true;
	for (int i = 0; i < 2; i++)
	{
		tuples[i] = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(toasts[i]));
		if (!HeapTupleIsValid(tuples[i]))
			elog(ERROR, "cache lookup failed for relation %u", toasts[i]);
		values[1 - i][Anum_pg_class_reloptions - 1] =
			SysCacheGetAttr(RELOID, tuples[i], Anum_pg_class_reloptions,
							&nulls[1 - i][Anum_pg_class_reloptions - 1]);
	}
	for (int i = 0; i < 2; i++)
	{
		HeapTuple	changed = heap_modify_tuple(tuples[i], RelationGetDescr(pg_class),
												values[i], nulls[i], replaces);

		CatalogTupleUpdate(pg_class, &changed->t_self, changed);
	}
	table_close(pg_class, RowExclusiveLock);
	CommandCounterIncrement();
}

/* exchange what pg_class says of the storage of two relations */
static void
exchange_one(Oid r1, Oid r2, bool with_toast)
{
	Relation	pg_class = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	t1 = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(r1));
	HeapTuple	t2 = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(r2));
	Form_pg_class a,
				b;
	CatalogIndexState indexes;

	if (!HeapTupleIsValid(t1) || !HeapTupleIsValid(t2))
		elog(ERROR, "cache lookup failed for relation %u or %u", r1, r2);
	a = (Form_pg_class) GETSTRUCT(t1);
	b = (Form_pg_class) GETSTRUCT(t2);
	check_exchangeable(a, b);
	EXCHANGE(Oid, a->relfilenode, b->relfilenode);
	EXCHANGE(Oid, a->reltablespace, b->reltablespace);
	EXCHANGE(int32, a->relpages, b->relpages);
	EXCHANGE(float4, a->reltuples, b->reltuples);
	EXCHANGE(int32, a->relallvisible, b->relallvisible);
	osc_exchange_allfrozen(a, b);
	EXCHANGE(TransactionId, a->relfrozenxid, b->relfrozenxid);
	EXCHANGE(MultiXactId, a->relminmxid, b->relminmxid);
	if (with_toast)
		EXCHANGE(Oid, a->reltoastrelid, b->reltoastrelid);
	exchange_subids(r1, r2);

	indexes = CatalogOpenIndexes(pg_class);
	CatalogTupleUpdateWithInfo(pg_class, &t1->t_self, t1, indexes);
	CatalogTupleUpdateWithInfo(pg_class, &t2->t_self, t2, indexes);
	CatalogCloseIndexes(indexes);
	if (with_toast)
	{
		move_toast_dependency(a->reltoastrelid, r1);
		move_toast_dependency(b->reltoastrelid, r2);
	}
	heap_freetuple(t1);
	heap_freetuple(t2);
	table_close(pg_class, RowExclusiveLock);
	osc_close_smgr(r1);
	osc_close_smgr(r2);
	CommandCounterIncrement();
}

static void
rename_toast(Oid relid, const char *prefix)
{
	Relation	rel = table_open(relid, NoLock);
	Oid			toast = rel->rd_rel->reltoastrelid;

	table_close(rel, NoLock);
	if (!OidIsValid(toast))
		return;
	RenameRelationInternal(toast, psprintf("%s_%u", prefix, relid), true, false);
	RenameRelationInternal(toast_get_valid_index(toast, AccessExclusiveLock),
						   psprintf("%s_%u_index", prefix, relid), true, true);
	CommandCounterIncrement();
}

/*
 * The definition of an index from USING on: without its name and that of its
 * table.
 */
static char *
index_tail(Oid index, Relation rel)
{
	char	   *def = TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef,
															  ObjectIdGetDatum(index)));
	char	   *name = pstrdup(quote_identifier(get_rel_name(index)));
	char	   *table = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												   RelationGetRelationName(rel));
	char	   *unique = psprintf("CREATE UNIQUE INDEX %s ON %s ", name, table);
	char	   *plain = psprintf("CREATE INDEX %s ON %s ", name, table);

	if (strncmp(def, unique, strlen(unique)) == 0)
		return psprintf("UNIQUE %s", def + strlen(unique));
	if (strncmp(def, plain, strlen(plain)) == 0)
		return def + strlen(plain);
	elog(ERROR, "unexpected definition of index \"%s\": %s", name, def);
}

/* the index of b that goes with one of a, taken off the list of candidates */
static Oid
partner_of(Oid index, Relation a, Relation b, List **candidates)
{
	ListCell   *lc;
	char	   *tail = index_tail(index, a);

	for (int pass = 0; pass < 2; pass++)
	{
		foreach(lc, *candidates)
		{
			Oid			other = lfirst_oid(lc);

			if (pass == 0 && strcmp(get_rel_name(index), get_rel_name(other)) != 0)
				continue;
			if (strcmp(tail, index_tail(other, b)) != 0)
				continue;
			*candidates = foreach_delete_current(*candidates, lc);
			return other;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("index \"%s\" of table \"%s\" has no counterpart in its copy",
					get_rel_name(index), RelationGetRelationName(a)),
			 errdetail("The indexes of the table were changed while the job ran."),
			 errhint("Start the job again.")));
}

static void
exchange_indexes(Relation a, Relation b, bool carry_statistics)
{
	List	   *ours = osc_index_oids(a);
	List	   *theirs = osc_index_oids(b);
	List	   *partners = NIL;
	ListCell   *x,
			   *y;

	if (list_length(ours) != list_length(theirs))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has %d indexes, its copy has %d",
						RelationGetRelationName(a), list_length(ours), list_length(theirs)),
				 errhint("Start the job again.")));
	foreach(x, ours)
		partners = lappend_oid(partners, partner_of(lfirst_oid(x), a, b, &theirs));
	forboth(x, ours, y, partners)
	{
		Relation	i = index_open(lfirst_oid(x), AccessExclusiveLock);
		Relation	j = index_open(lfirst_oid(y), AccessExclusiveLock);

		/*
		 * A copy's index built over broken HOT chains would need its
		 * indcheckxmin to travel; replay never updates, so there are none.
		 */
		if (carry_statistics && (!j->rd_index->indisvalid || j->rd_index->indcheckxmin))
			elog(ERROR, "index \"%s\" of the copy is not fit for use",
				 RelationGetRelationName(j));
		index_close(i, NoLock);
		index_close(j, NoLock);
		exchange_one(lfirst_oid(x), lfirst_oid(y), false);
		if (carry_statistics)
		{
			RemoveStatistics(lfirst_oid(x), 0);
			CopyStatistics(lfirst_oid(y), lfirst_oid(x));
		}
	}
}

/*
 * Exchange the storage of two tables of the same layout, with their TOAST
 * tables and indexes.  carry_statistics: r1 gets the planner's statistics of
 * r2 with the storage.
 */
void
osc_exchange_storage(Oid r1, Oid r2, bool carry_statistics)
{
	Relation	a = table_open(r1, AccessExclusiveLock);
	Relation	b = table_open(r2, AccessExclusiveLock);
	const char *difference = osc_layout_difference(a, b);

	CheckTableNotInUse(a, "ALTER TABLE");
	CheckTableNotInUse(b, "ALTER TABLE");
	if (difference)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" and its copy have different layouts: %s",
						RelationGetRelationName(a), difference),
				 errhint("Start the job again.")));
	/* the rows move: locks of serializable readers become those of the table */
	TransferPredicateLocksToHeapRelation(a);
	exchange_indexes(a, b, carry_statistics);
	table_close(a, NoLock);
	table_close(b, NoLock);
	exchange_one(r1, r2, true);
	rename_toast(r2, "pg_toast_osc");
	rename_toast(r1, "pg_toast");
	rename_toast(r2, "pg_toast");
	exchange_toast_options(osc_toast_of(r1), osc_toast_of(r2));
	if (carry_statistics)
	{
		/* logical decoding must not pass over the table's new rows */
		if (OidIsValid(osc_toast_of(r1)))
			ResetRelRewrite(osc_toast_of(r1));
		RemoveStatistics(r1, 0);
		CopyStatistics(r2, r1);
		CommandCounterIncrement();
	}
}
