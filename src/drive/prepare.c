/*-------------------------------------------------------------------------
 *
 * prepare.c
 *	  The steps before the backfill: helper objects, dry run, capture, fence.
 *
 * Each is one transaction: a crash leaves what the last commit left, and the
 * next step follows from what is there.
 *
 * Locks: ACCESS SHARE on the source to make the helper objects; the swap's
 * locks for the dry run, released with its rollback; SHARE ROW EXCLUSIVE on
 * the source to install capture; none while the fence is awaited.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/deadline.h"
#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "drive/commands.h"
#include "drive/prepare.h"
#include "finish/swap_storage.h"
#include "mirror/backfill.h"
#include "mirror/canary.h"
#include "mirror/capture.h"
#include "mirror/clone_tree.h"
#include "mirror/log.h"
#include "mirror/place.h"
#include "mirror/shadow.h"
#include "model/mapping.h"
#include "model/relinfo.h"
#include "model/script.h"
#include "model/tree.h"
#include "store/events.h"
#include "store/objects.h"

/* before the first row is copied: see mirror/canary.c */
static void
prepare_canary(OscMember *m, Oid nsp)
{
	OscArgs		args = {0};

	m->canary = osc_canary_create(m, nsp);
	if (!OidIsValid(m->canary))
		return;
	osc_canary_revive(m);
	osc_arg_oid(&args, m->canary);
	osc_member_update(m, "canary = $3", &args);
}

/* has the member nothing yet? */
static OscMember *
unprepared_member(OscJob *job, Oid relid)
{
	ListCell   *lc;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (m->relid == relid)
			return OidIsValid(m->shadow) ? NULL : m;
	}
	return NULL;
}

/* a schema for the clone of each relation: a new member's own, or one that goes again */
static List *
make_schemas(OscJob *job, List *family)
{
	List	   *schemas = NIL;
	ListCell   *lc;
	int			n = 0;

	foreach(lc, family)
	{
		OscMember  *m = unprepared_member(job, lfirst_oid(lc));
		Oid			owner = osc_clone_schema_owner(lfirst_oid(lc));
		int64		id;
		Oid			nsp;

		if (m == NULL)
		{
			nsp = osc_create_helper_schema(psprintf("osc_" INT64_FORMAT "_0_%d", job->job_id, ++n), owner);
			schemas = lappend_oid(schemas, nsp);
			continue;
		}
		id = osc_object_register(m, OSC_OBJECT_SCHEMA, m->helper_schema, m->helper_schema);
		nsp = osc_create_helper_schema(m->helper_schema, owner);
		osc_object_make_member(NamespaceRelationId, nsp);
		osc_object_created(id, nsp);
		schemas = lappend_oid(schemas, nsp);
	}
	return schemas;
}

/*
 * Clone the members with their families, give the clones the new shape, and
 * keep those of the new members: they become the shadows.
 */
static void
make_clones(OscJob *job, List *script, OscCloneTree *tree)
{
	List	   *relids = NIL;
	List	   *schemas;
	ListCell   *lc,
			   *n;

	foreach(lc, job->members)
		relids = lappend_oid(relids, ((OscMember *) lfirst(lc))->relid);
	foreach(lc, script)
		if (OidIsValid(((OscStatement *) lfirst(lc))->relid))
			relids = list_append_unique_oid(relids, ((OscStatement *) lfirst(lc))->relid);
	relids = osc_family(relids);
	schemas = make_schemas(job, relids);
	osc_clone_tree_make(tree, relids, schemas);
	osc_clone_tree_apply(tree, script);
	osc_clone_tree_unlink(tree);
	forboth(lc, relids, n, schemas)
		if (unprepared_member(job, lfirst_oid(lc)) == NULL)
			osc_drop_clone_schema(lfirst_oid(n));
}

/* make shadow, twin, log and, for rows without a key, places of a member; its clone is the shadow */
static void
prepare_member(OscMember *m, Oid clone, List *values)
{
	Relation	source = table_open(m->relid, AccessShareLock);
	int64		shadow_id,
				twin_id;
	Oid			nsp = get_rel_namespace(clone);
	Relation	shadow;
	OscMapping *mapping;
	OscArgs		args = {0};

	osc_check_table(source);
	shadow_id = osc_object_register(m, OSC_OBJECT_SHADOW, m->helper_schema, m->relname);
	m->shadow = clone;
	osc_make_shadow(m->shadow, m->relid);
	osc_object_make_member(RelationRelationId, m->shadow);
	osc_object_created(shadow_id, m->shadow);

	twin_id = osc_object_register(m, OSC_OBJECT_TWIN, m->helper_schema, "osc_twin");
	m->twin = osc_create_twin(source, nsp);
	osc_object_make_member(RelationRelationId, m->twin);
	osc_object_created(twin_id, m->twin);

	shadow = table_open(m->shadow, AccessShareLock);
	mapping = osc_mapping_build(source, shadow, values);
	(void) osc_log_create(m, nsp, source, &mapping->key);
	if (osc_key_is_place(&mapping->key))
		m->places = osc_places_create(m, nsp);
	osc_arg_int4(&args, list_length(osc_index_oids(shadow)) + (OidIsValid(m->places) ? 2 : 0));
	table_close(shadow, NoLock);
	osc_arg_oid(&args, m->shadow);
	osc_arg_oid(&args, m->twin);
	osc_arg_text(&args, osc_mapping_store(mapping));
	osc_arg_text(&args, osc_fingerprint(m->relid));
	osc_arg_oid(&args, m->places);
	osc_member_update(m, "indexes_total = $3, shadow = $4, twin = $5, mapping = $6,"
					  " fingerprint = $7, places = nullif($8, 0::oid)", &args);
	prepare_canary(m, nsp);
	osc_give_schema_away(nsp);
	table_close(source, NoLock);
}

/* a table that is not copied: its children must stay those of the plan */
static void
prepare_other(OscMember *m)
{
	OscArgs		args = {0};

	osc_arg_text(&args, osc_fingerprint(m->relid));
	osc_member_update(m, "fingerprint = $3", &args);
}

/*
 * The plan was made when the job was started: has a child come since, that is
 * no partition (follow_tree.c)?
 *
 * Race: CREATE TABLE ... INHERITS between osc_start() and this step.  The
 * statement would go on to the new child in the swap and rewrite it, or leave
 * it out of the proofs.  From now on the fingerprints tell.
 */
static void
check_children(OscJob *job, List *script)
{
	ListCell   *lc,
			   *d,
			   *m;

	foreach(lc, script)
	{
		OscStatement *s = lfirst(lc);

		if (!OidIsValid(s->relid) || !osc_statement_recurses(s))
			continue;
		foreach(d, osc_descendants(s->relid))
		{
			bool		known = false;

			foreach(m, list_concat_copy(job->members, job->others))
				known = known || ((OscMember *) lfirst(m))->relid == lfirst_oid(d);
			if (!known)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("table \"%s\" became a child of table \"%s\" while the job ran",
								get_rel_name(lfirst_oid(d)), get_rel_name(s->relid)),
						 errhint("Start the job again.")));
		}
	}
}

/*
 * Make the helper objects of all members that have none; those that are not
 * copied get their fingerprints.  The job is in phase preparing then.
 */
void
osc_prepare_members(OscJob *job)
{
	ListCell   *lc;
	TimestampTz start = GetCurrentTimestamp();
	int			nest = NewGUCNestLevel();
	List	   *script = osc_script_of_job(job);
	OscCloneTree tree;

	/* the statement's notices belong to its run in the swap */
	osc_set_local("client_min_messages", "warning");
	/* index builds want a snapshot, even of nothing */
	PushActiveSnapshot(GetTransactionSnapshot());
	osc_deadline_arm(osc_step_timeout);
	if (job->members != NIL)
	{
		check_children(job, script);
		make_clones(job, script, &tree);
		foreach(lc, job->others)
			prepare_other(lfirst(lc));
	}
	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (!OidIsValid(m->shadow))
			prepare_member(m, osc_clone_tree_find(&tree, m->relid),
						   osc_clone_tree_values(&tree, m->relid));
	}
	osc_deadline_disarm();
	PopActiveSnapshot();
	AtEOXact_GUC(true, nest);
	osc_event(job, "prepare", osc_elapsed_ms(start), NULL);
	osc_job_set_phase(job, OSC_PREPARING);
	OSC_STOP_POINT("prepare-before-commit");
}

/* the dry run, always rolled back; its errors are the caller's */
static void
dry_run(OscJob *job)
{
	OscSubxact	subxact;
	TimestampTz start = GetCurrentTimestamp();
	char	   *orphan_checks;
	OscArgs		args = {0};
	ListCell   *lc;

	osc_subxact_begin(&subxact);
	osc_set_local("client_min_messages", "warning");
	orphan_checks = osc_dry_run(job);
	osc_subxact_rollback(&subxact);
	osc_arg_jsonb(&args, orphan_checks);
	osc_member_update(linitial(job->members), "orphan_checks = $3", &args);
	foreach(lc, job->members)
		osc_member_update(lfirst(lc), "dry_run_done = true", NULL);
	osc_event(job, "dry_run", osc_elapsed_ms(start), NULL);
}

static bool
is_captured(const OscMember *m)
{
	return FullTransactionIdIsValid(m->fence);
}

/* install capture on all members that lack it, under one lock set, and note the fence */
static void
install_capture(OscJob *job)
{
	OscLockSet	set = {0};
	TimestampTz start = GetCurrentTimestamp();
	ListCell   *lc;

	/* the job's row first: nobody shall wait for it with the table locked */
	osc_job_reload_state(job);
	foreach(lc, job->members)
		if (!is_captured(lfirst(lc)))
			osc_lock_add(&set, ((OscMember *) lfirst(lc))->relid, ShareRowExclusiveLock);
	osc_lock_all(&set, "capture", job->owner);
	osc_deadline_arm(osc_step_timeout);
	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);
		Relation	source;
		Relation	shadow;
		OscMapping *mapping;
		OscArgs		args = {0};

		if (is_captured(m))
			continue;
		source = table_open(m->relid, NoLock);
		shadow = table_open(m->shadow, AccessShareLock);
		mapping = osc_mapping_load(m->mapping, source, shadow);
		if (strcmp(osc_fingerprint(m->relid), m->fingerprint) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the definition of table \"%s\" was changed while the job ran", m->relname),
					 errhint("Start the job again.")));
		table_close(shadow, NoLock);
		table_close(source, NoLock);
		m->fence = osc_capture_install(m, &mapping->key, llast_oid(osc_log_segments(m)));
		osc_arg_datum(&args, XID8OID, FullTransactionIdGetDatum(m->fence), false);
		osc_arg_text(&args, osc_capture_state(m));
		osc_member_update(m, "fence = $3, capture_state = $4", &args);
		if (OidIsValid(m->places))
			osc_note_storage(m);
	}
	osc_deadline_disarm();
	osc_event(job, "capture", osc_elapsed_ms(start),
			  psprintf("{\"waited_ms\": %.3f}", osc_last_lock_report()->waited_ms));
	OSC_STOP_POINT("capture-before-commit");
}

static void
await_fence(OscJob *job, OscStep *step)
{
	ListCell   *lc;
	char	   *waiting_for;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (OSC_PROTECTED("fence-wait") && !m->fence_passed && !osc_fence_passed(m->fence, &waiting_for))
		{
			osc_job_set_waiting(job, waiting_for);
			step->wait_ms = OSC_POLL_MS;
			return;
		}
	}
	/* those that have passed it are there because rows of others have moved, or others have come */
	foreach(lc, job->members)
		if (!((OscMember *) lfirst(lc))->fence_passed)
			osc_backfill_begin(lfirst(lc), osc_workers);
	osc_event(job, "fence", -1, NULL);
	osc_job_set_phase(job, OSC_BACKFILLING);
	OSC_STOP_POINT("fence-passed");
}

/*
 * Rehearse, install capture, wait for the fence: one of the three.
 */
void
osc_step_preparing(OscJob *job, OscStep *step)
{
	bool		rehearsed = true;
	bool		captured = true;
	ListCell   *lc;

	if (osc_step_command(job, step))
		return;
	foreach(lc, job->members)
	{
		rehearsed = rehearsed && ((OscMember *) lfirst(lc))->dry_run_done;
		captured = captured && is_captured(lfirst(lc));
	}
	if (job->members == NIL)
		osc_leave_phase(job);
	else if (!rehearsed)
		dry_run(job);
	else if (!captured)
		install_capture(job);
	else
		await_fence(job, step);
}
