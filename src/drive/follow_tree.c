/*-------------------------------------------------------------------------
 *
 * follow_tree.c
 *	  Partitions that come to the tables of a job, or leave them.
 *
 * A job that copies partitions has one member for each.  One that is created
 * or attached meanwhile becomes a member: it gets its helper objects, and the
 * job goes back to where the swap is rehearsed, and capture installed on
 * whatever lacks it.  From there on each step does only what a member still
 * needs, so that the others keep what they have; their logs go on.  One that
 * is detached or dropped leaves: what was made for it is removed thing by
 * thing, then its row.
 *
 * Looked at before each step until the swap; the swap looks once more, with
 * its locks held (finish/swap_storage.c).
 *
 * Locks: the job's row; ACCESS SHARE on a new partition and its family; ACCESS
 * EXCLUSIVE, politely, on one that was detached, to drop the triggers.  A crash
 * leaves the state of before, or that of after.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/lsyscache.h"

#include "base/ident.h"
#include "base/run.h"
#include "base/stop_point.h"
#include "drive/follow_tree.h"
#include "drive/prepare.h"
#include "finish/cleanup.h"
#include "finish/tree_changes.h"
#include "model/relinfo.h"
#include "model/script.h"
#include "store/events.h"

static void
join_job(OscJob *job, Oid relid)
{
	OscMember  *m = palloc0(sizeof(OscMember));
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_RELATION && get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\", which became a partition while the job ran, is not a table", get_rel_name(relid)),
				 errhint("Detach it, and start the job again.")));
	foreach(lc, list_concat_copy(job->members, job->others))
		m->member = Max(m->member, ((OscMember *) lfirst(lc))->member);
	m->member++;
	m->job_id = job->job_id;
	m->relid = relid;
	m->nspname = get_namespace_name(get_rel_namespace(relid));
	m->relname = get_rel_name(relid);
	m->helper_schema = osc_helper_schema_name(job->job_id, m->member);
	m->copied = get_rel_relkind(relid) == RELKIND_RELATION;
	m->reached = true;
	m->generation = 1;
	osc_member_create(m);
	if (m->copied)
		job->members = lappend(job->members, m);
	else
		job->others = lappend(job->others, m);
	osc_event_text(job, "partition_joined", -1, "table", m->relname);
}

/* remove one thing of a member that has gone, at last itself: then true */
static bool
leave_job(OscJob *job, OscMember *m)
{
	ListCell   *lc;

	if (m->copied && list_length(job->members) == 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no partition is left that the job could copy"),
				 errhint("Start the job again.")));
	if (!osc_cleanup_member_step(job, m))
		return false;
	osc_member_drop(m);
	job->members = list_delete_ptr(job->members, m);
	job->others = list_delete_ptr(job->others, m);
	/* that of the table that it has left is another one now */
	foreach(lc, job->others)
	{
		OscArgs		args = {0};

		if (get_rel_name(((OscMember *) lfirst(lc))->relid) == NULL)
			continue;
		osc_arg_text(&args, osc_fingerprint(((OscMember *) lfirst(lc))->relid));
		osc_member_update(lfirst(lc), "fingerprint = $3", &args);
	}
	osc_event_text(job, "partition_left", -1, "table", m->relname);
	return true;
}

/*
 * Take up partitions that have come, and let go of those that have gone.  True
 * if that was a step of its own.  The caller has entered the job owner's name.
 * Raises lock_not_available, and what is wrong with a new partition.
 */
bool
osc_follow_tree(OscJob *job)
{
	List	   *newcomers;
	List	   *leavers;
	ListCell   *lc;

	/* the script is parsed for those that need it alone */
	if (!osc_has_tree(job) ||
		!osc_tree_has_changed(job, osc_script_of_job(job), &newcomers, &leavers))
		return false;
	osc_job_reload_state(job);
	if (leavers != NIL &&
		(!leave_job(job, linitial(leavers)) || list_length(leavers) > 1))
		return true;
	foreach(lc, newcomers)
		join_job(job, lfirst_oid(lc));
	if (job->phase == OSC_PLANNED)
		return false;
	if (job->state == OSC_READY)
		(void) osc_job_move_state(job, OSC_RUNNING);
	/* what the dry run has found names the members of before */
	foreach(lc, job->members)
		osc_member_update(lfirst(lc), "dry_run_done = false", NULL);
	if (newcomers != NIL)
		osc_prepare_members(job);
	else
		osc_job_set_phase(job, OSC_PREPARING);
	OSC_STOP_POINT("join-before-commit");
	return true;
}
