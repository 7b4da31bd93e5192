/*-------------------------------------------------------------------------
 *
 * compare.c
 *	  Proving that the columns of each pair are equal, chunk by chunk.
 *
 * One scan of the table by ranges of blocks, each under a snapshot of its own.
 * Both columns are in one row, so a row is right or wrong whatever happens
 * meanwhile: before the swap the new column must be the image of what the old
 * one gives, NULLs included; where that is NULL and must not be, the row is
 * noted (mirror/notes.c).  Afterwards the old column must be what the new one
 * gives, or still give the new one; where the old type cannot hold the value,
 * it must be NULL.  Images are compared, not equality.
 *
 * Rows that move between blocks were written, so the mirror trigger saw them;
 * they may be met twice or not at all.  If the table has got other storage,
 * the comparison begins again.
 *
 * Locks: ACCESS SHARE on the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "mirror/compare.h"
#include "mirror/lookups.h"
#include "mirror/mirror.h"
#include "mirror/notes.h"
#include "model/mapping.h"

/* keys of differing rows that are kept */
#define MAX_SAMPLE 10

/* the state of one chunk */
typedef struct Compare
{
	Relation	rel;
	OscMirror	mirror;
	OscColumnExec *ce;
	TupleTableSlot *row;
	OscValidateResult *result;
	StringInfoData sample;
	int			nsample;
	bool		busy;			/* an error is being described */
} Compare;

static const OscKey *
key_in_force(const Compare *c)
{
	return c->mirror.direction == OSC_MIRROR_FORWARD ? &c->mirror.key : &c->mirror.key_back;
}

static void
row_error_callback(void *arg)
{
	Compare    *c = arg;

	if (c->busy || TTS_EMPTY(c->row))
		return;
	c->busy = true;
	errcontext("row with key %s of table \"%s\"", osc_row_key_to_string(key_in_force(c), c->row),
			   RelationGetRelationName(c->rel));
	c->busy = false;
}

/* does the new column follow the old one? */
static bool
new_is_right(Compare *c, int i)
{
	AttrNumber	attnum = c->ce->column[i]->new_att;
	bool		isnull,
				new_isnull;
	Datum		value = osc_column_forward(c->ce, i, c->row, &isnull);
	Datum		new_value = slot_getattr(c->row, attnum, &new_isnull);

	return osc_same_image(c->rel, attnum, value, isnull, new_value, new_isnull);
}

/* does the old column follow the new one? */
static bool
old_is_right(Compare *c, int i)
{
	AttrNumber	attnum = c->ce->column[i]->old_att;
	bool		isnull,
				old_isnull;
	Datum		value;
	Datum		old_value;

	(void) osc_column_back(c->ce, i, c->row, &value, &isnull);
	old_value = slot_getattr(c->row, attnum, &old_isnull);
	return osc_same_image(c->rel, attnum, value, isnull, old_value, old_isnull) ||
		(!old_isnull && new_is_right(c, i));
}

/* the same where the cast may fail: then the old column must be NULL */
static bool
old_is_right_guarded(Compare *c, int i)
{
	OscSubxact	subxact;
	volatile bool result = false;

	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		result = old_is_right(c, i);
		osc_subxact_commit(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		if (!osc_error_lasts(edata->sqlerrcode))
			ReThrowError(edata);
		FreeErrorData(edata);
		result = slot_attisnull(c->row, c->ce->column[i]->old_att);
	}
	PG_END_TRY();
	return result;
}

static void
compare_row(Compare *c, bool guarded)
{
	bool		same = true;
	bool		outdated = false;
	char	   *key;

	for (int i = 0; same && i < c->ce->n; i++)
	{
		same = c->mirror.direction == OSC_MIRROR_FORWARD ? new_is_right(c, i) :
			guarded ? old_is_right_guarded(c, i) : old_is_right(c, i);
		/* not yet an error: somebody may change the row before the swap */
		if (same && c->mirror.direction == OSC_MIRROR_FORWARD && c->ce->column[i]->not_null &&
			slot_attisnull(c->row, c->ce->column[i]->new_att))
			osc_note_key(&c->mirror, c->rel, c->row);
		/* other tables have changed: it is as last computed */
		if (!same && c->ce->column[i]->as_computed)
			same = outdated = true;
	}
	if (same && outdated)
	{
		c->result->not_compared++;
		return;
	}
	c->result->compared++;
	if (same)
		return;
	c->result->differing++;
	if (c->nsample++ >= MAX_SAMPLE)
		return;
	key = osc_row_key_to_string(key_in_force(c), c->row);
	appendStringInfo(&c->sample, "%s{\"what\": \"differs\", \"key\": ", c->sample.len > 1 ? ", " : "");
	escape_json(&c->sample, key);
	appendStringInfoChar(&c->sample, '}');
}

/* compare from a block on; returns the block to go on from, -1 at the end */
static int64
compare_blocks(Compare *c, int64 from, bool everything)
{
	int64		nblocks = RelationGetNumberOfBlocks(c->rel);
	TimestampTz start = GetCurrentTimestamp();
	bool		guarded = osc_columns_may_fail(c->mirror.columns);
	TableScanDesc scan;
	int64		block = -1;
	int64		result = -1;

	if (from >= nblocks)
		return -1;
	scan = table_beginscan_strat(c->rel, GetActiveSnapshot(), 0, NULL, true, false);
	heap_setscanlimits(scan, (BlockNumber) from, (BlockNumber) (nblocks - from));
	while (table_scan_getnextslot(scan, ForwardScanDirection, c->row))
	{
		int64		at = ItemPointerGetBlockNumber(&c->row->tts_tid);

		CHECK_FOR_INTERRUPTS();
		if (!everything && block >= 0 && at != block &&
			osc_elapsed_ms(start) >= osc_batch_target_time)
		{
			result = at;
			break;
		}
		block = at;
		compare_row(c, guarded);
		ResetPerTupleExprContext(c->ce->estate);
	}
	table_endscan(scan);
	return result;
}

/* other storage: what has been compared may be anywhere */
static void
restart_where_replaced(OscMember *m, Relation rel)
{
	OscArgs		args = {0};

	if (rel->rd_rel->relfilenode == (Oid) m->source_storage)
		return;
	m->source_storage = rel->rd_rel->relfilenode;
	m->validate_source = m->validate_shadow = 0;
	osc_arg_int8(&args, m->source_storage);
	osc_member_update(m, "source_storage = $3", &args);
}

/*
 * Compare the next chunk; everything: all that is left, in one snapshot.
 * Moves the cursor in *m, which the caller stores.  The caller has entered the
 * job owner's name.  Raises the expressions' errors, with the row's key.
 */
void
osc_compare_chunk(OscMember *m, bool everything, OscValidateResult *result)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "online_schema compare",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Compare		c = {.result = result};
	ErrorContextCallback errors = {.callback = row_error_callback,.arg = &c};
	OscRowsIdentity identity;

	memset(result, 0, sizeof(*result));
	c.rel = table_open(m->relid, AccessShareLock);
	if (!osc_mirror_read(m->relid, &c.mirror) || c.mirror.direction == OSC_MIRROR_OFF)
		elog(ERROR, "the columns of table \"%s\" are not mirrored", m->relname);
	if (c.mirror.direction != OSC_MIRROR_FORWARD && !osc_columns_have_way_back(c.mirror.columns))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the old column no longer follows the new one"),
				 errdetail("The change has no way back."),
				 errhint("The columns were compared before the swap; see osc_events.")));
	restart_where_replaced(m, c.rel);
	osc_lookups_lock(m);
	PushActiveSnapshot(GetLatestSnapshot());
	if (m->validate_source == 0)
		osc_notes_begin_comparison(&c.mirror);
	osc_rows_enter(&identity, c.rel->rd_rel->relowner);
	c.ce = osc_columns_init(c.rel, c.mirror.columns);
	osc_columns_plan_queries(c.ce);
	c.row = table_slot_create(c.rel, NULL);
	initStringInfo(&c.sample);
	appendStringInfoChar(&c.sample, '[');
	errors.previous = error_context_stack;
	error_context_stack = &errors;
	m->validate_source = compare_blocks(&c, Max(m->validate_source, 0), everything);
	error_context_stack = errors.previous;
	m->validate_shadow = m->validate_source < 0 ? -1 : 0;
	result->complete = m->validate_source < 0;
	ExecDropSingleTupleTableSlot(c.row);
	osc_columns_end(c.ce);
	osc_rows_leave(&identity);
	PopActiveSnapshot();
	table_close(c.rel, NoLock);
	MemoryContextSwitchTo(old);
	result->sample = psprintf("%s]", c.sample.data);
	MemoryContextDelete(context);
	OSC_STOP_POINT("validate-before-commit");
}
