/*-------------------------------------------------------------------------
 *
 * cleanup.c
 *	  Removing what a job has made, one object per transaction.
 *
 * Reads the registry only.  Triggers go first, since the source's users pay
 * for them; the helper tables next, the twin with the old rows among them;
 * the schema last.  Dropping a large file takes long and happens when the
 * transaction commits, so nothing that a user needs is locked then.
 *
 * Locks: ACCESS EXCLUSIVE on the source, politely, for the triggers; ACCESS
 * EXCLUSIVE on each helper object.  After a crash the registry still names
 * what is left.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "base/stop_point.h"
#include "finish/cleanup.h"
#include "finish/swap_column.h"
#include "mirror/capture.h"
#include "store/events.h"
#include "store/objects.h"

static OscMember *
member_number(OscJob *job, int32 number)
{
	ListCell   *lc;

	foreach(lc, list_concat_copy(job->members, job->others))
		if (((OscMember *) lfirst(lc))->member == number)
			return lfirst(lc);
	elog(ERROR, "job " INT64_FORMAT " has no member %d", job->job_id, number);
}

static void
remove_triggers(OscJob *job, OscMember *m)
{
	OscLockSet	set = {0};

	/* the table may have been dropped: then its triggers are gone */
	if (get_rel_name(m->relid) != NULL)
	{
		osc_lock_add(&set, m->relid, AccessExclusiveLock);
		osc_lock_all(&set, "remove capture", job->owner);
	}
	osc_capture_remove(m);
}

static void
remove_table(const OscObject *o)
{
	osc_object_drop(RelationRelationId, o->oid);
	osc_object_forget(o->object_id);
}

/*
 * Drop a helper schema.  It is found by its name: a job that pg_upgrade has
 * carried into another cluster still knows the OID of before, which pg_upgrade
 * keeps for relations and not for schemas, and which may be that of a schema
 * of the user's by now.
 */
static void
remove_schema(const OscObject *o)
{
	Oid			nsp = get_namespace_oid(o->name, true);

	if (OidIsValid(nsp) &&
		getExtensionOfObject(NamespaceRelationId, nsp) == osc_extension_oid(false))
		osc_object_drop(NamespaceRelationId, nsp);
	osc_object_forget(o->object_id);
}

/* is old storage of the member kept?  then its schema stays, too */
static bool
is_kept(List *objects, int32 member)
{
	ListCell   *lc;

	foreach(lc, objects)
	{
		OscObject  *o = lfirst(lc);

		if (o->kind == OSC_OBJECT_OLD_STORAGE && o->member == member)
			return true;
	}
	return false;
}

/* triggers first, then what may go, newest first; NULL: nothing may */
static OscObject *
next_to_remove(List *objects)
{
	OscObject  *next = NULL;
	ListCell   *lc;

	foreach(lc, objects)
	{
		OscObject  *o = lfirst(lc);

		if (o->kind == OSC_OBJECT_TRIGGER || o->kind == OSC_OBJECT_MIRROR)
			return o;
		if (next == NULL && o->kind != OSC_OBJECT_OLD_STORAGE &&
			(o->kind != OSC_OBJECT_SCHEMA || !is_kept(objects, o->member)))
			next = o;
	}
	return next;
}

/* one thing of a member's, or, member 0, of the job's; true when there is none */
static bool
remove_one(OscJob *job, int32 member)
{
	List	   *objects = osc_objects_of(job->job_id, member);
	TimestampTz start = GetCurrentTimestamp();
	OscObject  *next;

	if (objects == NIL)
		return true;
	OSC_STOP_POINT("cleanup-before-drop");
	/* the job's row first: nobody shall wait for it with the table locked */
	osc_job_reload_state(job);
	next = next_to_remove(objects);
	if (next == NULL)
		return true;
	switch (next->kind)
	{
		case OSC_OBJECT_TRIGGER:
			remove_triggers(job, member_number(job, next->member));
			break;
		case OSC_OBJECT_MIRROR:
			osc_column_drop(job, member_number(job, next->member));
			osc_object_forget(next->object_id);
			break;
		case OSC_OBJECT_SCHEMA:
			remove_schema(next);
			break;
		case OSC_OBJECT_OLD_STORAGE:
			break;
		case OSC_OBJECT_SHADOW:
		case OSC_OBJECT_TWIN:
		case OSC_OBJECT_LOG:
		case OSC_OBJECT_CANARY:
		case OSC_OBJECT_PLACES:
			remove_table(next);
			break;
	}
	osc_event(job, "cleanup", osc_elapsed_ms(start),
			  psprintf("{\"left\": %d}", list_length(osc_objects_of(job->job_id, member))));
	OSC_STOP_POINT("cleanup-before-commit");
	return false;
}

/*
 * Remove one thing; true when nothing is left but what is to be kept.  Raises lock_not_available if
 * the triggers' lock is not to be had.
 */
bool
osc_cleanup_step(OscJob *job)
{
	return remove_one(job, 0);
}

/*
 * The same for what was made for one member, which leaves the job.
 */
bool
osc_cleanup_member_step(OscJob *job, const OscMember *m)
{
	return remove_one(job, m->member);
}
