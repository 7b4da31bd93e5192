/*-------------------------------------------------------------------------
 *
 * claims.c
 *	  Which tables jobs have, as of now.
 *
 * For the guard, which runs in every session's DDL, under any role, isolation
 * level and search_path: the job tables are read by C scans with a snapshot of
 * now, without SPI and without a look at rights.  With no job this is one
 * look at one index page.
 *
 * Only jobs that a change of the table would harm count.  When the swap is
 * over, or the job is being cancelled, nothing is left to spoil.
 *
 * Locks: ACCESS SHARE on the job tables during the scan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "store/claims.h"

static Datum
column(Relation rel, HeapTuple tuple, const char *name, bool *isnull)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);

	if (attnum == InvalidAttrNumber)
		elog(ERROR, "table \"%s\" has no column \"%s\"", RelationGetRelationName(rel), name);
	return heap_getattr(tuple, attnum, RelationGetDescr(rel), isnull);
}

/* a text column, in the current memory context; NULL for NULL */
static char *
text_column(Relation rel, HeapTuple tuple, const char *name)
{
	bool		isnull;
	Datum		d = column(rel, tuple, name, &isnull);

	return isnull ? NULL : TextDatumGetCString(d);
}

/* is there something that a change of the table would harm?  sets kept and in_place */
static bool
job_can_be_harmed(OscClaim *claim)
{
	Relation	rel = table_open(osc_catalog_relid("job"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		result = false;

	ScanKeyInit(&key, get_attnum(RelationGetRelid(rel), "job_id"), BTEqualStrategyNumber,
				F_INT8EQ, Int64GetDatum(claim->job_id));
	scan = systable_beginscan(rel, osc_catalog_relid("job_pkey"), true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		const char *state = text_column(rel, tuple, "state");
		const char *phase = text_column(rel, tuple, "phase");

		claim->kept = strcmp(state, "kept") == 0;
		claim->in_place = strcmp(text_column(rel, tuple, "strategy"), "column") == 0;
		result = strcmp(state, "cancelling") != 0 &&
			strcmp(phase, "cleaning") != 0 && strcmp(phase, "done") != 0;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* follows_tree: true of all tables of a job of which one is copied, until it has swapped */
static void
share_within_jobs(List *claims)
{
	ListCell   *lc,
			   *o;

	foreach(lc, claims)
	{
		OscClaim   *claim = lfirst(lc);

		foreach(o, claims)
			if (((OscClaim *) lfirst(o))->job_id == claim->job_id && ((OscClaim *) lfirst(o))->follows_tree)
				claim->follows_tree = true;
	}
	foreach(lc, claims)
		if (((OscClaim *) lfirst(lc))->kept)
			((OscClaim *) lfirst(lc))->follows_tree = false;
}

/*
 * The tables (OscClaim *) of jobs that a change of the table would harm, as
 * committed by now, or made so by this transaction.  NIL without the
 * extension.
 */
List *
osc_claims(void)
{
	Oid			table = osc_catalog_relid("job_member");
	Oid			index = osc_catalog_relid("job_member_active");
	List	   *result = NIL;
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!OidIsValid(table) || !OidIsValid(index))
		return NIL;
	rel = table_open(table, AccessShareLock);
	/* a catalog snapshot: the newest committed rows, whatever the isolation */
	scan = systable_beginscan(rel, index, true, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		OscClaim   *claim;
		bool		isnull;

		/* the index has the active ones only; a scan without it has all */
		if (!DatumGetBool(column(rel, tuple, "active", &isnull)))
			continue;
		claim = palloc0(sizeof(OscClaim));
		claim->job_id = DatumGetInt64(column(rel, tuple, "job_id", &isnull));
		claim->relid = DatumGetObjectId(column(rel, tuple, "relation", &isnull));
		claim->relname = text_column(rel, tuple, "relname");
		claim->fingerprint = text_column(rel, tuple, "fingerprint");
		claim->reached = DatumGetBool(column(rel, tuple, "reached", &isnull));
		claim->follows_tree = DatumGetBool(column(rel, tuple, "copied", &isnull));
		if (job_can_be_harmed(claim))
			result = lappend(result, claim);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	share_within_jobs(result);
	return result;
}
