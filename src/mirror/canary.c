/*-------------------------------------------------------------------------
 *
 * canary.c
 *	  An unlogged row that tells whether the server has crashed.
 *
 * The rows of an unlogged table are gone after a crash, but what the job
 * tables say of them is not: how far the backfill is, which keys were
 * replayed, which indexes are built.  So a member whose source or shadow is
 * unlogged has an unlogged table of one row beside it, made before the first
 * row is copied.  Recovery empties all three alike (reinit.c); a clean
 * shutdown keeps all three.  While the row is there, so are the others.
 *
 * Race: a step that begins after the crash, before anybody has looked.  It
 * works on the empty shadow and stores its cursor; whoever drives the job
 * looks before each of his steps, and empties the shadow again.
 *
 * Locks: ACCESS SHARE on the canary to look, ROW EXCLUSIVE to revive it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/ident.h"
#include "mirror/canary.h"
#include "mirror/shadow.h"
#include "store/objects.h"

/*
 * Make the member's canary in its helper schema, if its source or its shadow
 * is unlogged; else InvalidOid.  In the name of the extension's owner.
 */
Oid
osc_canary_create(const OscMember *m, Oid nsp)
{
	TupleDesc	desc;
	int64		object_id;
	char	   *name;
	int			n = 0;
	Oid			relid;

	if (get_rel_persistence(m->relid) != RELPERSISTENCE_UNLOGGED &&
		get_rel_persistence(m->shadow) != RELPERSISTENCE_UNLOGGED)
		return InvalidOid;
	do
		name = psprintf("osc_canary_%d", ++n);
	while (OidIsValid(get_relname_relid(name, nsp)));
	object_id = osc_object_register(m, OSC_OBJECT_CANARY, m->helper_schema, name);
	desc = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(desc, 1, "alive", BOOLOID, -1, 0);
	relid = heap_create_with_catalog(name, nsp, InvalidOid, InvalidOid, InvalidOid,
									 InvalidOid, osc_extension_owner(),
									 HEAP_TABLE_AM_OID, desc, NIL,
									 RELKIND_RELATION, RELPERSISTENCE_UNLOGGED,
									 false, false, ONCOMMIT_NOOP, (Datum) 0,
									 false, true, true, InvalidOid, NULL);
	CommandCounterIncrement();
	LockRelationOid(relid, AccessExclusiveLock);
	osc_set_relrewrite(relid, m->relid);
	osc_hide_rows(relid);
	osc_object_make_member(RelationRelationId, relid);
	osc_object_created(object_id, relid);
	return relid;
}

/*
 * Is the row there?  True for a member that has no canary.
 */
bool
osc_canary_is_alive(const OscMember *m)
{
	Relation	rel;
	TableScanDesc scan;
	bool		alive;

	if (!OidIsValid(m->canary))
		return true;
	rel = table_open(m->canary, AccessShareLock);
	PushActiveSnapshot(GetLatestSnapshot());
	scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	alive = heap_getnext(scan, ForwardScanDirection) != NULL;
	table_endscan(scan);
	PopActiveSnapshot();
	table_close(rel, NoLock);
	return alive;
}

/*
 * Put the row there.
 */
void
osc_canary_revive(const OscMember *m)
{
	Relation	rel = table_open(m->canary, RowExclusiveLock);
	Datum		value = BoolGetDatum(true);
	bool		isnull = false;
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(rel), &value, &isnull);

	heap_insert(rel, tuple, GetCurrentCommandId(true), 0, NULL);
	heap_freetuple(tuple);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}
