/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  What differs between the PostgreSQL releases that we support.
 *
 * Every version switch of the extension lives here, each with the release
 * (and where it helps the file) that made it necessary.  The rest of the
 * source is written against the names of the newest supported release.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_COMPAT_H
#define OSC_COMPAT_H

#include "access/attmap.h"
#include "access/genam.h"
#include "catalog/index.h"
#include "catalog/objectaddress.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "replication/message.h"
#include "utils/acl.h"
#include "utils/relcache.h"

#if PG_VERSION_NUM < 150000
#error "online_schema needs PostgreSQL 15 or later"
#endif

/* 16: relfilenode became relfilenumber in names and types (relpath.h) */
#if PG_VERSION_NUM < 160000
typedef Oid RelFileNumber;
#define RelationSetNewRelfilenumber RelationSetNewRelfilenode
#define RelationAssumeNewRelfilelocator RelationAssumeNewRelfilenode
#define rd_newRelfilelocatorSubid rd_newRelfilenodeSubid
#define rd_firstRelfilelocatorSubid rd_firstRelfilenodeSubid
#endif

/* 16: a macro that was private to tid.c (itemptr.h) */
#if PG_VERSION_NUM < 160000
#define DatumGetItemPointer(datum) ((ItemPointer) DatumGetPointer(datum))
#endif

/* 16: one function for every kind of object (acl.h) */
#if PG_VERSION_NUM < 160000
#define osc_owns_relation(relid, roleid) pg_class_ownercheck(relid, roleid)
#else
#define osc_owns_relation(relid, roleid) \
	object_ownercheck(RelationRelationId, relid, roleid)
#endif

/* 17: a logical message can be flushed at once, which we do not want (message.h) */
#if PG_VERSION_NUM < 170000
#define osc_log_logical_message(prefix, message, size) \
	LogLogicalMessage(prefix, message, size, true)
#else
#define osc_log_logical_message(prefix, message, size) \
	LogLogicalMessage(prefix, message, size, true, false)
#endif

/* 17: the look-up of one's own locks may include stronger ones (lock.h) */
#if PG_VERSION_NUM < 170000
#define osc_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode)
#else
#define osc_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode, false)
#endif

/* 17: reindex_index() wants to know the statement it works for (index.c) */
#if PG_VERSION_NUM < 170000
#define osc_reindex_index(relid, persistence, params) \
	reindex_index(relid, false, persistence, params)
#define osc_reindex_relation(relid, flags, params) \
	reindex_relation(relid, flags, params)
#else
#define osc_reindex_index(relid, persistence, params) \
	reindex_index(NULL, relid, false, persistence, params)
#define osc_reindex_relation(relid, flags, params) \
	reindex_relation(NULL, relid, flags, params)
#endif

/* 18: a portal is always run as if once (pquery.c) */
#if PG_VERSION_NUM < 180000
#define osc_portal_run(portal) \
	PortalRun(portal, FETCH_ALL, true, true, None_Receiver, None_Receiver, NULL)
#else
#define osc_portal_run(portal) \
	PortalRun(portal, FETCH_ALL, true, None_Receiver, None_Receiver, NULL)
#endif

/* 18: cluster_rel() takes the open relation, and closes it (cluster.c) */
#if PG_VERSION_NUM < 180000
#define osc_cluster_rel(relid, index, params) cluster_rel(relid, index, params)
#else
#define osc_cluster_rel(relid, index, params) \
	cluster_rel(table_open(relid, AccessExclusiveLock), index, params)
#endif

/* 16: DefineIndex() counts the parts of a partitioned build (indexcmds.c) */
#if PG_VERSION_NUM < 160000
#define osc_define_index(relid, stmt) \
	DefineIndex(relid, stmt, InvalidOid, InvalidOid, InvalidOid, \
				false, false, false, false, true)
#else
#define osc_define_index(relid, stmt) \
	DefineIndex(relid, stmt, InvalidOid, InvalidOid, InvalidOid, -1, \
				false, false, false, false, true)
#endif

/* 18: a primary key may be deferrable, and foreign keys not enforced or with PERIOD */
#if PG_VERSION_NUM < 180000
#define osc_primary_key_index(rel) RelationGetPrimaryKeyIndex(rel)
#define osc_is_plain_foreign_key(con) true
#else
#define osc_primary_key_index(rel) RelationGetPrimaryKeyIndex(rel, false)
#define osc_is_plain_foreign_key(con) ((con)->is_enforced && !(con)->fk_with_period)
#endif

/* 16: ExecInsertIndexTuples() can do summarizing indexes alone (execIndexing.c) */
#if PG_VERSION_NUM < 160000
#define osc_insert_index_tuples(rri, slot, estate) \
	ExecInsertIndexTuples(rri, slot, estate, false, false, NULL, NIL)
#else
#define osc_insert_index_tuples(rri, slot, estate) \
	ExecInsertIndexTuples(rri, slot, estate, false, false, NULL, NIL, false)
#endif

/* 16: an update tells which indexes it needs (tableam.h) */
#if PG_VERSION_NUM < 160000
typedef bool OscUpdateIndexes;
#define osc_needs_index_tuples(u) (u)
#define osc_update_index_tuples(rri, slot, estate, u) \
	ExecInsertIndexTuples(rri, slot, estate, true, false, NULL, NIL)
#else
#define OscUpdateIndexes TU_UpdateIndexes
#define osc_needs_index_tuples(u) ((u) != TU_None)
#define osc_update_index_tuples(rri, slot, estate, u) \
	ExecInsertIndexTuples(rri, slot, estate, true, false, NULL, NIL, (u) == TU_Summarizing)
#endif

/* 18: index scans carry instrumentation (genam.h) */
#if PG_VERSION_NUM < 180000
#define osc_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#else
#define osc_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#endif

/* 17: smgr references follow relcache invalidation by themselves (relcache.c) */
#if PG_VERSION_NUM < 170000
#define osc_close_smgr(relid) RelationCloseSmgrByOid(relid)
#else
#define osc_close_smgr(relid) ((void) 0)
#endif

/* 16: the list of settings comes with its length (guc_tables.h) */
#if PG_VERSION_NUM < 160000
#define osc_guc_variables(n) (*(n) = GetNumConfigOptions(), get_guc_variables())
#else
#define osc_guc_variables(n) get_guc_variables(n)
#endif

/* 16: rights are asked for apart from the range table (parse_relation.c) */
#if PG_VERSION_NUM < 160000
#define osc_name_relation(nsitem, oid) ((nsitem)->p_rte->relid = (oid))
#else
#define osc_name_relation(nsitem, oid) \
	((nsitem)->p_rte->relid = (nsitem)->p_perminfo->relid = (oid))
#endif

/* 16: a column may be missing, if asked for (attmap.c) */
#if PG_VERSION_NUM < 160000
#define osc_attrmap_by_name(in, out) build_attrmap_by_name(in, out)
#else
#define osc_attrmap_by_name(in, out) build_attrmap_by_name(in, out, false)
#endif

/* 17: partitions have the identity columns of their parent (tablecmds.c) */
#if PG_VERSION_NUM >= 170000
#define osc_identity_is_parents(is_partition) (is_partition)
#else
#define osc_identity_is_parents(is_partition) (false)
#endif

/* 18: NOT NULL is a row of pg_constraint (heap.c) */
#if PG_VERSION_NUM >= 180000
#define OSC_NOT_NULL_IS_CONSTRAINT 1
#endif

/* 18: VACUUM takes inheritance children along, unless told ONLY (vacuum.c) */
#if PG_VERSION_NUM >= 180000
#define osc_vacuum_recurses(relation, relkind) ((relation)->inh)
#else
#define osc_vacuum_recurses(relation, relkind) \
	((relkind) == RELKIND_PARTITIONED_TABLE)
#endif

/* 18: a NOT NULL may be NOT VALID; only valid ones are proved (tupdesc.h) */
#if PG_VERSION_NUM >= 180000
#define osc_att_must_be_not_null(tupdesc, i) \
	(TupleDescCompactAttr(tupdesc, i)->attnullability == ATTNULLABLE_VALID || \
	 (TupleDescAttr(tupdesc, i)->attnotnull && \
	  TupleDescCompactAttr(tupdesc, i)->attnullability == ATTNULLABLE_UNKNOWN))
#else
#define osc_att_must_be_not_null(tupdesc, i) \
	(TupleDescAttr(tupdesc, i)->attnotnull)
#endif

/* 18: a CHECK may be NOT ENFORCED (heap.h, tupdesc.h) */
#if PG_VERSION_NUM >= 180000
#define osc_cooked_set_enforced(cooked, check) \
	((cooked)->is_enforced = (check)->ccenforced)
#define osc_check_is_enforced(check) ((check)->ccenforced)
#else
#define osc_cooked_set_enforced(cooked, check) ((void) 0)
#define osc_check_is_enforced(check) (true)
#endif

/* 18: pg_class counts all-frozen pages (pg_class.h) */
#if PG_VERSION_NUM >= 180000
#define osc_exchange_allfrozen(a, b) \
	do { int32 tmp_ = (a)->relallfrozen; (a)->relallfrozen = (b)->relallfrozen; \
		(b)->relallfrozen = tmp_; } while (0)
#else
#define osc_exchange_allfrozen(a, b) ((void) 0)
#endif

#endif							/* OSC_COMPAT_H */
