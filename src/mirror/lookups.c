/*-------------------------------------------------------------------------
 *
 * lookups.c
 *	  Locks on the tables that the expressions of a mapping read.
 *
 * Whoever maps rows takes them before his snapshot.
 *
 * Race: a session rewrites a table that a subquery reads, by ALTER TABLE ...
 * TYPE say, and commits between our snapshot and our lock.  The new storage
 * holds rows that are newer than the snapshot, so the table would be empty to
 * it, and rows would get NULL.
 *
 * Locks: ACCESS SHARE on those tables, to the end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/stop_point.h"
#include "mirror/lookups.h"
#include "model/column.h"
#include "model/mapping.h"

static List *
reads_of(const OscMember *m)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (m->mapping)
		return osc_mapping_reads(m->mapping);
	foreach(lc, m->columns ? osc_columns_load(m->columns) : NIL)
		result = list_concat(result, ((OscColumn *) lfirst(lc))->reads);
	return result;
}

/*
 * Add the locks to a set.
 */
void
osc_lookups_add(OscLockSet *set, const OscMember *m)
{
	ListCell   *lc;

	if (OSC_PROTECTED("lookup-locks"))
		foreach(lc, reads_of(m))
			osc_lock_add(set, lfirst_oid(lc), AccessShareLock);
}

/*
 * Take the locks, in the name of the job's owner.  Raises lock_not_available.
 */
void
osc_lookups_lock(const OscMember *m)
{
	OscLockSet	set = {0};

	osc_lookups_add(&set, m);
	if (set.relids != NIL)
		osc_lock_all(&set, OSC_LOCK_TO_READ, GetUserId());
}
