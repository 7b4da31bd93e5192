/*-------------------------------------------------------------------------
 *
 * keep.c
 *	  Keeping the old storage of a table after the swap (online_schema.keep_old).
 *
 * After the swap the twin holds the old storage: the old rows, in the old
 * shape, as of the swap.  To keep it, the swap marks the twin in the registry
 * as "old storage" and gives it the source's missing values, without which
 * rows from before a fast ADD COLUMN could not be read.  When all else is
 * cleaned up, the twin is made inert: it becomes the extension owner's, the
 * table's owner may read it and nobody may write it, row security hides it
 * from everybody else, and logical decoding passes over it.  Then the job is
 * in state kept, without a worker, until osc_cleanup() or the end of the
 * interval; the next worker, osc_* call or round of the launcher after that
 * cleans up.
 *
 * The privileges are noted as the extension's initial ones (pg_init_privs), or
 * pg_dump would dump GRANTs on a table that it passes over.
 *
 * Locks: ACCESS EXCLUSIVE on the twin, for the moment in which it is made
 * inert.  A crash leaves what the last commit left: the marks in the registry
 * decide what clean-up may remove.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_init_privs.h"
#include "catalog/pg_namespace.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/ident.h"
#include "base/keep_old.h"
#include "base/run.h"
#include "base/settings.h"
#include "finish/keep.h"
#include "mirror/shadow.h"
#include "model/column.h"
#include "store/events.h"
#include "store/objects.h"

/* do the job's settings want the old storage to be kept? */
bool
osc_keeps_old(void)
{
	OscKeepOld	keep;
	double		ms;

	return osc_keep_old_parse(osc_keep_old, &keep, &ms) &&
		(keep == OSC_KEEP_INTERVAL || keep == OSC_KEEP_CLEANUP);
}

/* the values that rows do not hold which are older than their columns */
static void
copy_missing_values(Oid from, Oid to)
{
	Relation	pg_attribute = table_open(AttributeRelationId, RowExclusiveLock);
	Relation	source = table_open(from, NoLock);
	TupleDesc	desc = RelationGetDescr(source);

	for (int i = 0; i < desc->natts; i++)
	{
		HeapTuple	theirs;
		HeapTuple	ours;
		Datum		values[Natts_pg_attribute] = {0};
		bool		nulls[Natts_pg_attribute] = {0};
		bool		replaces[Natts_pg_attribute] = {0};

		if (!TupleDescAttr(desc, i)->atthasmissing)
			continue;
		theirs = SearchSysCache2(ATTNUM, ObjectIdGetDatum(from), Int16GetDatum(i + 1));
		ours = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(to), Int16GetDatum(i + 1));
		if (!HeapTupleIsValid(theirs) || !HeapTupleIsValid(ours))
			elog(ERROR, "cache lookup failed for attribute %d", i + 1);
		replaces[Anum_pg_attribute_atthasmissing - 1] = true;
		values[Anum_pg_attribute_atthasmissing - 1] = BoolGetDatum(true);
		replaces[Anum_pg_attribute_attmissingval - 1] = true;
		values[Anum_pg_attribute_attmissingval - 1] =
			SysCacheGetAttr(ATTNUM, theirs, Anum_pg_attribute_attmissingval,
							&nulls[Anum_pg_attribute_attmissingval - 1]);
		ours = heap_modify_tuple(ours, RelationGetDescr(pg_attribute), values, nulls, replaces);
		CatalogTupleUpdate(pg_attribute, &ours->t_self, ours);
		ReleaseSysCache(theirs);
	}
	table_close(source, NoLock);
	table_close(pg_attribute, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * In the swap, before the twin gets the old storage: mark it as to be kept.
 * The swap's locks are held.
 */
void
osc_keep_twin(OscMember *m)
{
	copy_missing_values(m->relid, m->twin);
	osc_object_set_kind(m->twin, OSC_OBJECT_OLD_STORAGE);
}

/* run a statement of ours, which is nothing to event triggers */
static void
run_quietly(const char *sql)
{
	PlannedStmt *wrapper = makeNode(PlannedStmt);

	wrapper->commandType = CMD_UTILITY;
	wrapper->utilityStmt = osc_parse_command(sql);
	ProcessUtility(wrapper, sql, false, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL,
				   None_Receiver, NULL);
	CommandCounterIncrement();
}

/* note the present privileges of an object as those that it came with */
static void
note_initial_privileges(Oid classid, Oid oid)
{
	bool		is_class = classid == RelationRelationId;
	int			cache = is_class ? (int) RELOID : (int) NAMESPACEOID;
	HeapTuple	tuple = SearchSysCache1(cache, ObjectIdGetDatum(oid));
	Relation	rel;
	Datum		values[Natts_pg_init_privs] = {0};
	bool		nulls[Natts_pg_init_privs] = {0};
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for object %u", oid);
	values[Anum_pg_init_privs_objoid - 1] = ObjectIdGetDatum(oid);
	values[Anum_pg_init_privs_classoid - 1] = ObjectIdGetDatum(classid);
	values[Anum_pg_init_privs_objsubid - 1] = Int32GetDatum(0);
	values[Anum_pg_init_privs_privtype - 1] = CharGetDatum(INITPRIVS_EXTENSION);
	values[Anum_pg_init_privs_initprivs - 1] =
		SysCacheGetAttr(cache, tuple,
						is_class ? Anum_pg_class_relacl : Anum_pg_namespace_nspacl, &isnull);
	if (!isnull)
	{
		rel = table_open(InitPrivsRelationId, RowExclusiveLock);
		CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
		table_close(rel, RowExclusiveLock);
	}
	ReleaseSysCache(tuple);
	CommandCounterIncrement();
}

/* nobody writes to it any more, and only the table's owner reads it */
static void
make_inert(OscMember *m)
{
	OscIdentity saved;
	Oid			nsp = get_rel_namespace(m->twin);
	Oid			extension_owner = osc_extension_owner();
	Oid			owner = osc_relation_owner(m->relid);
	char	   *twin;
	const char *role;

	LockRelationOid(m->twin, AccessExclusiveLock);
	osc_set_relrewrite(m->twin, m->relid);
	osc_become(&saved, extension_owner, 0);
	ATExecChangeOwner(m->twin, extension_owner, false, AccessExclusiveLock);
	CommandCounterIncrement();
	/* the table may be gone by now */
	if (OidIsValid(owner) && owner != extension_owner)
	{
		twin = quote_qualified_identifier(get_namespace_name(nsp), get_rel_name(m->twin));
		role = quote_identifier(GetUserNameFromId(owner, false));
		run_quietly(psprintf("GRANT USAGE ON SCHEMA %s TO %s",
							 quote_identifier(get_namespace_name(nsp)), role));
		run_quietly(psprintf("GRANT SELECT ON TABLE %s TO %s", twin, role));
		run_quietly(psprintf("CREATE POLICY osc_owner ON %s FOR SELECT TO %s USING (true)", twin, role));
		note_initial_privileges(NamespaceRelationId, nsp);
		note_initial_privileges(RelationRelationId, m->twin);
	}
	osc_unbecome(&saved);
}

/* set kept_until as online_schema.keep_old says */
static void
set_kept_until(OscJob *job)
{
	OscKeepOld	keep;
	double		ms;
	TimestampTz until = 0;

	if (!osc_keep_old_parse(osc_keep_old, &keep, &ms))
		elog(ERROR, "bad value of keep_old: %s", osc_keep_old);
	if (keep == OSC_KEEP_INTERVAL)
		until = GetCurrentTimestamp() + (TimestampTz) (ms * 1000);
	else if (keep != OSC_KEEP_CLEANUP && !(keep == OSC_KEEP_AUTO && osc_column_member(job)))
		until = GetCurrentTimestamp();
	osc_job_keep_until(job, until);
	osc_job_set_waiting(job, until == 0 ? (osc_column_member(job) ? "osc_cleanup() or osc_revert()" : "osc_cleanup()") :
						psprintf("osc_cleanup(), or %s", timestamptz_to_str(until)));
}

/*
 * Do the job's settings want the old columns of strategy column to be kept?
 */
bool
osc_keeps_old_columns(void)
{
	OscKeepOld	keep;
	double		ms;

	return osc_keep_old_parse(osc_keep_old, &keep, &ms) && keep != OSC_KEEP_OFF;
}

/*
 * The job is kept from now on, as long as its settings say.
 */
void
osc_keep_start(OscJob *job)
{
	osc_job_set_phase(job, OSC_AT_KEPT);
	osc_job_set_state(job, OSC_KEPT);
	set_kept_until(job);
}

/*
 * Everything else is cleaned up: if old storage is to be kept, make it inert
 * and let the job be kept; false if there is none.
 */
bool
osc_keep_begin(OscJob *job)
{
	ListCell   *lc,
			   *m;
	bool		any = false;

	foreach(lc, osc_objects_of(job->job_id, 0))
	{
		OscObject  *o = lfirst(lc);

		if (o->kind != OSC_OBJECT_OLD_STORAGE)
			continue;
		any = true;
		foreach(m, job->members)
			if (((OscMember *) lfirst(m))->member == o->member)
				make_inert(lfirst(m));
		osc_event(job, "kept", -1,
				  psprintf("{\"relation\": \"%s.%s\"}",
						   get_namespace_name(get_rel_namespace(o->oid)), get_rel_name(o->oid)));
	}
	if (any)
		osc_keep_start(job);
	return any;
}

/* osc_set() has changed keep_old of a kept job; its settings are in force */
void
osc_keep_set(OscJob *job)
{
	set_kept_until(job);
}

/* is it time to clean up what is kept? */
bool
osc_keep_is_over(const OscJob *job)
{
	return job->state == OSC_KEPT && job->kept_until != 0 &&
		job->kept_until <= GetCurrentTimestamp();
}

/*
 * Let clean-up remove what was kept.  The job runs again; whether by itself or
 * not, a worker does it.
 */
void
osc_keep_end(OscJob *job)
{
	ListCell   *lc;

	foreach(lc, osc_objects_of(job->job_id, 0))
	{
		OscObject  *o = lfirst(lc);

		if (o->kind == OSC_OBJECT_OLD_STORAGE)
			osc_object_set_kind(o->oid, OSC_OBJECT_TWIN);
	}
	osc_job_keep_until(job, GetCurrentTimestamp());
	osc_job_set_phase(job, OSC_CLEANING);
	osc_job_set_state(job, OSC_RUNNING);
}
