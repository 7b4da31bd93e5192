/*-------------------------------------------------------------------------
 *
 * tree_changes.c
 *	  Partitions that have come or gone while a job runs.
 *
 * The statements go on to whatever is a partition when they are run, in the
 * swap.  So the members must be the partitions of that moment: the driver
 * makes them so step by step (drive/follow_tree.c), and the swap looks again
 * with its locks held.
 *
 * Locks: none.  Under the locks of the swap on the parents no partition can
 * come or go; without them the answer may be old by the time it is used.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"

#include "finish/tree_changes.h"
#include "model/script.h"
#include "model/tree.h"

/*
 * Can partitions come to this job, or leave it?
 */
bool
osc_has_tree(const OscJob *job)
{
	ListCell   *lc;

	if (job->members == NIL)
		return false;
	foreach(lc, list_concat_copy(job->members, job->others))
		if (((OscMember *) lfirst(lc))->reached ||
			get_rel_relkind(((OscMember *) lfirst(lc))->relid) == RELKIND_PARTITIONED_TABLE)
			return true;
	return false;
}

/* the relations that the statements reach from partitioned tables, parents first */
static List *
reached_now(List *script)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, script)
	{
		OscStatement *s = lfirst(lc);

		if (OidIsValid(s->relid) && osc_statement_recurses(s) &&
			get_rel_relkind(s->relid) == RELKIND_PARTITIONED_TABLE)
			result = list_concat_unique_oid(result, find_all_inheritors(s->relid, NoLock, NULL));
	}
	return result;
}

static bool
has_member(const OscJob *job, Oid relid)
{
	ListCell   *lc;

	foreach(lc, list_concat_copy(job->members, job->others))
		if (((OscMember *) lfirst(lc))->relid == relid)
			return true;
	return false;
}

/*
 * Are the members other tables than the script reaches now?  newcomers: the
 * partitions (Oid) that the script reaches and the job does not have, parents
 * first.  leavers: the members (OscMember *) that are no longer partitions of
 * the tree, detached or dropped.
 */
bool
osc_tree_has_changed(const OscJob *job, List *script, List **newcomers, List **leavers)
{
	List	   *reached;
	ListCell   *lc;

	*newcomers = NIL;
	*leavers = NIL;
	if (!osc_has_tree(job))
		return false;
	reached = reached_now(script);
	foreach(lc, reached)
		if (!has_member(job, lfirst_oid(lc)))
			*newcomers = lappend_oid(*newcomers, lfirst_oid(lc));
	foreach(lc, list_concat_copy(job->members, job->others))
	{
		OscMember  *m = lfirst(lc);

		if (m->reached && !list_member_oid(reached, m->relid))
			*leavers = lappend(*leavers, m);
	}
	return *newcomers != NIL || *leavers != NIL;
}
