/*-------------------------------------------------------------------------
 *
 * mirror.c
 *	  The trigger that keeps two columns of a table equal.
 *
 * An internal trigger, BEFORE ROW INSERT OR UPDATE, that fires always and
 * whose name makes it the last of its kind: it sees the row as the other
 * triggers leave it, and works out the column that follows.  So a direct write
 * to that column is without effect, and the two never differ in a row that was
 * written since the trigger is there.
 *
 * Before the swap the new column follows the old one, afterwards the old one
 * the new; with two names for one value, each follows whichever was changed:
 * then a second trigger of the kind is the first to see the row, so that the
 * other ones meet the value under both names (mirror/two_names.c).
 * A write never fails for the mirror's sake (but for contradictory values
 * under two names): where the value cannot be worked out, the column that
 * follows is NULL, and the row's key is noted in a table of the job's
 * (mirror/notes.c).  So it is where the value is NULL, and the new column is to
 * be NOT NULL.
 *
 * The function takes no arguments and believes none: what it is to do, it
 * learns from online_schema.mirror, by the trigger's own OID and relation.
 * Anyone may make a trigger with it on a table of his own; it will refuse to
 * work.  Expressions that call what did not come with the server, or whose
 * result depends on settings, are run in the job owner's name, with the job's
 * settings and search_path; those that may fail, in a subtransaction.
 *
 * Each backend keeps what it learned until the relcache entry of the table is
 * invalidated, which happens with every change of the row.  A change of
 * direction is made under ACCESS EXCLUSIVE, so no writer has an outdated one.
 *
 * How the trigger is made, turned round and removed is in mirror_make.c.
 *
 * Locks: those of the writer.  A crash leaves what the writer's commit left.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "base/relation_cache.h"
#include "base/run.h"
#include "base/stop_point.h"
#include "mirror/mirror.h"
#include "mirror/notes.h"
#include "mirror/two_names.h"

/* columns of online_schema.mirror, see sql/install/10_tables.sql */
#define MIRROR_RELATION 1
#define MIRROR_TRIGGER 2
#define MIRROR_DIRECTION 3
#define MIRROR_OWNER 4
#define MIRROR_COLUMNS 5
#define MIRROR_NOTES 6
#define MIRROR_NOTES_BACK 7
#define MIRROR_KEY 8
#define MIRROR_KEY_BACK 9
#define MIRROR_SETTINGS 10
#define MIRROR_FIRST_TRIGGER 11

/* what a backend knows of a mirrored relation */
typedef struct MirrorEntry
{
	OscCachedRelation relation;
	bool		found;			/* the relation has a row */
	bool		busy;			/* an expression of it is being run */
	OscMirror	mirror;
	bool		guarded;		/* expressions may fail, or need the job's owner */
	bool		needs_owner;
	bool		fits;			/* the columns are still those of the job */
	bool		overtaken;		/* another trigger may change a row behind us */
	TransactionId overtaken_in; /* the last transaction that noted it */
	OscColumnExec *ce;
	MemoryContext context;		/* of all this */
} MirrorEntry;

/* a row at work, and what is to become of it */
typedef struct MirrorRow
{
	MirrorEntry *entry;
	Relation	rel;
	bool		is_update;
	TupleTableSlot *old;		/* of an update: the row as it was */
	TupleTableSlot *row;		/* as it shall be */
	bool		noted;			/* a value could not be worked out */
	int			nchanged;
	int		   *attnums;		/* these columns get these values */
	Datum	   *values;
	bool	   *nulls;
} MirrorRow;

static OscRelationCache mirror_cache;

PG_FUNCTION_INFO_V1(osc_mirror);

static void
read_key(Datum value, OscKey *key)
{
	ArrayType  *array = DatumGetArrayTypePCopy(value);

	memset(key, 0, sizeof(*key));
	key->natts = ARR_DIMS(array)[0];
	memcpy(key->attnums, ARR_DATA_PTR(array), sizeof(AttrNumber) * key->natts);
}

/*
 * Read the relation's row of online_schema.mirror, as of now, into the current
 * memory context; false if there is none.  A catalog snapshot: the newest
 * committed row, whatever the caller's isolation.
 */
bool
osc_mirror_read(Oid relid, OscMirror *mirror)
{
	Oid			table = osc_catalog_relid("mirror");
	Oid			index = osc_catalog_relid("mirror_pkey");
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		isnull;
	Datum		settings;

	memset(mirror, 0, sizeof(*mirror));
	if (!OidIsValid(table) || !OidIsValid(index))
		return false;
	rel = table_open(table, AccessShareLock);
	ScanKeyInit(&key, MIRROR_RELATION, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, index, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(rel);

		mirror->relid = relid;
		mirror->trigger = DatumGetObjectId(heap_getattr(tuple, MIRROR_TRIGGER, desc, &isnull));
		mirror->direction = DatumGetChar(heap_getattr(tuple, MIRROR_DIRECTION, desc, &isnull));
		mirror->owner = DatumGetObjectId(heap_getattr(tuple, MIRROR_OWNER, desc, &isnull));
		mirror->columns = osc_columns_load(TextDatumGetCString(heap_getattr(tuple, MIRROR_COLUMNS, desc, &isnull)));
		mirror->notes = DatumGetObjectId(heap_getattr(tuple, MIRROR_NOTES, desc, &isnull));
		mirror->notes_back = DatumGetObjectId(heap_getattr(tuple, MIRROR_NOTES_BACK, desc, &isnull));
		read_key(heap_getattr(tuple, MIRROR_KEY, desc, &isnull), &mirror->key);
		read_key(heap_getattr(tuple, MIRROR_KEY_BACK, desc, &isnull), &mirror->key_back);
		settings = heap_getattr(tuple, MIRROR_SETTINGS, desc, &isnull);
		mirror->settings = isnull ? NULL : DatumGetJsonbPCopy(settings);
		mirror->first_trigger = DatumGetObjectId(heap_getattr(tuple, MIRROR_FIRST_TRIGGER, desc, &isnull));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return OidIsValid(mirror->trigger);
}

/*
 * Prepare the expressions, which looks at rights and runs what is constant in
 * them: in the owner's name, if they need that.  Where it fails (the role is
 * gone, a function was dropped) no value can be worked out.
 */
static void
prepare(MirrorEntry *entry, Relation rel)
{
	OscSubxact	subxact;

	if (!entry->needs_owner)
	{
		entry->ce = osc_columns_init(rel, entry->mirror.columns);
		return;
	}
	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		OscEnv		env;

		osc_env_enter(&env, entry->mirror.owner, NULL, entry->mirror.settings);
		entry->ce = osc_columns_init(rel, entry->mirror.columns);
		osc_env_leave(&env);
		osc_subxact_commit(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		entry->ce = NULL;
		if (!osc_error_lasts(edata->sqlerrcode))
			ReThrowError(edata);
		FreeErrorData(edata);
	}
	PG_END_TRY();
}

/* learn what is to be done for the relation */
static void
learn(MirrorEntry *entry, Relation rel)
{
	MemoryContext old;

	if (entry->context)
		MemoryContextDelete(entry->context);
	entry->context = NULL;
	entry->ce = NULL;
	entry->found = false;
	entry->context = AllocSetContextCreate(TopMemoryContext, "online_schema mirror",
										   ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(entry->context);
	entry->found = osc_mirror_read(entry->relation.relid, &entry->mirror);
	if (entry->found && entry->mirror.direction != OSC_MIRROR_OFF)
	{
		entry->needs_owner = osc_columns_need_owner(entry->mirror.columns);
		entry->guarded = entry->needs_owner || osc_columns_may_fail(entry->mirror.columns);
		entry->overtaken = !osc_mirror_is_last(rel, entry->mirror.trigger, NULL);
		entry->overtaken_in = InvalidTransactionId;
		entry->fits = osc_columns_fit(rel, entry->mirror.columns);
		if (entry->fits)
			prepare(entry, rel);
	}
	MemoryContextSwitchTo(old);
}

static MirrorEntry *
lookup(Relation rel)
{
	MirrorEntry *entry;

	entry = osc_relation_cache_find(&mirror_cache, "online_schema mirror", sizeof(MirrorEntry),
									RelationGetRelid(rel));
	if (entry->busy)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an expression of an online schema change must not write to its own table")));
	while (!entry->relation.valid)
	{
		uint64		before = mirror_cache.invalidations;

		learn(entry, rel);
		entry->relation.valid = before == mirror_cache.invalidations;
	}
	if (entry->ce)
		entry->ce->rel = rel;
	return entry;
}

/* the value of pair i that follows; false, and NULL, if there is none */
static bool
work_out(MirrorEntry *entry, int i, TupleTableSlot *row, Datum *value, bool *isnull)
{
	if (entry->mirror.direction == OSC_MIRROR_BACK)
		return osc_column_back(entry->ce, i, row, value, isnull);
	*value = osc_column_forward(entry->ce, i, row, isnull);
	return true;
}

/* the same where that may fail, or is to be done in the owner's name */
static bool
work_out_guarded(MirrorEntry *entry, int i, TupleTableSlot *row, Datum *value, bool *isnull)
{
	OscSubxact	subxact;
	volatile bool known = false;

	osc_subxact_begin(&subxact);
	entry->busy = true;
	PG_TRY();
	{
		OscEnv		env;

		if (entry->needs_owner)
			osc_env_enter(&env, entry->mirror.owner, NULL, entry->mirror.settings);
		known = work_out(entry, i, row, value, isnull);
		if (entry->needs_owner)
			osc_env_leave(&env);
		osc_subxact_commit(&subxact);
		entry->busy = false;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		entry->busy = false;
		edata = osc_subxact_caught(&subxact);
		if (!osc_error_lasts(edata->sqlerrcode))
			ReThrowError(edata);
		FreeErrorData(edata);
		*value = (Datum) 0;
		*isnull = true;
		known = false;
	}
	PG_END_TRY();
	return known;
}

/* let a column of the row have another value than it has */
static void
set_column(MirrorRow *mr, AttrNumber attnum, Datum value, bool isnull)
{
	bool		now_isnull;
	Datum		now = slot_getattr(mr->row, attnum, &now_isnull);

	if (osc_same_image(mr->rel, attnum, now, now_isnull, value, isnull))
		return;
	mr->attnums[mr->nchanged] = attnum;
	mr->values[mr->nchanged] = value;
	mr->nulls[mr->nchanged] = isnull;
	mr->nchanged++;
}

/* has the update left the column as it was? */
static bool
is_unchanged(const MirrorRow *mr, AttrNumber attnum)
{
	bool		old_isnull,
				isnull;
	Datum		old_value = slot_getattr(mr->old, attnum, &old_isnull);
	Datum		value = slot_getattr(mr->row, attnum, &isnull);

	return osc_same_image(mr->rel, attnum, old_value, old_isnull, value, isnull);
}

/* is the key of the row what it was? */
static bool
key_is_unchanged(const MirrorRow *mr, const OscKey *key)
{
	for (int i = 0; i < key->natts; i++)
		if (!is_unchanged(mr, key->attnums[i]))
			return false;
	return true;
}

/*
 * A new row that comes with a value for the old column, and it is not that of the
 * new one: an INSERT or COPY without a column list, which meets another order of
 * columns than before the swap.  To pass over the value would lose it.
 */
static void
refuse_given_old(const MirrorRow *mr, const OscColumn *c, Datum value, bool isnull)
{
	bool		given_isnull;
	Datum		given = slot_getattr(mr->row, c->old_att, &given_isnull);

	if (given_isnull || osc_same_image(mr->rel, c->old_att, given, given_isnull, value, isnull))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("column \"%s\" of table \"%s\" cannot be written to",
					NameStr(TupleDescAttr(RelationGetDescr(mr->rel), c->old_att - 1)->attname),
					RelationGetRelationName(mr->rel)),
			 errdetail(c->inverse == NULL ? "It only keeps what was there before the change of column \"%s\" until the job is cleaned up." :
					   "It only follows column \"%s\" until the job that changed that is cleaned up.",
					   NameStr(TupleDescAttr(RelationGetDescr(mr->rel), c->new_att - 1)->attname)),
			 errhint("Name the columns of the INSERT or COPY.")));
}

/*
 * One column follows the other.  On the way back an old value stays what it
 * was as long as nobody changes the new one: it may be one of several that
 * stand for it.
 */
static void
follow(MirrorRow *mr, int i, const OscColumn *c)
{
	const OscMirror *mirror = &mr->entry->mirror;
	bool		back = mirror->direction == OSC_MIRROR_BACK;
	Datum		value = (Datum) 0;
	bool		isnull = true;
	bool		known = false;

	if (back && c->inverse == NULL)
	{
		/* no way back: it stays as it was at the swap, and new rows have none */
		if (mr->is_update)
			value = slot_getattr(mr->old, c->old_att, &isnull);
		else
			refuse_given_old(mr, c, value, isnull);
		set_column(mr, c->old_att, value, isnull);
		return;
	}
	if (back && mr->is_update && is_unchanged(mr, c->new_att))
	{
		value = slot_getattr(mr->old, c->old_att, &isnull);
		set_column(mr, c->old_att, value, isnull);
		if (isnull && !slot_attisnull(mr->row, c->new_att) && !key_is_unchanged(mr, &mirror->key_back))
			mr->noted = true;	/* it still cannot be held, and has another key */
		return;
	}
	if (mr->entry->ce)
		known = mr->entry->guarded ? work_out_guarded(mr->entry, i, mr->row, &value, &isnull) :
			work_out(mr->entry, i, mr->row, &value, &isnull);
	if (back && !mr->is_update)
		refuse_given_old(mr, c, value, isnull);
	set_column(mr, back ? c->old_att : c->new_att, value, isnull);
	if (!known || (!back && isnull && c->not_null))
		mr->noted = true;
}

/* two names for one value: both get it */
static void
make_names_equal(MirrorRow *mr, const OscColumn *c, bool first)
{
	OscNamedRow row = {.rel = mr->rel,.old = mr->old,.row = mr->row,.first = first};
	Datum		value;
	bool		isnull;

	if (!osc_value_of_names(&row, c, &value, &isnull))
		return;
	set_column(mr, c->old_att, value, isnull);
	set_column(mr, c->new_att, value, isnull);
}

/*
 * A trigger with a later name sees the row after us, and may change what was
 * followed, or nothing can be followed.  Once for each subtransaction: its fate
 * is that of its writes.
 */
static void
note_overtaken(MirrorEntry *entry)
{
	if (entry->overtaken_in == GetCurrentTransactionId())
		return;
	osc_note_overtaken(&entry->mirror);
	entry->overtaken_in = GetCurrentTransactionId();
}

/*
 * The mirror trigger.
 */
Datum
osc_mirror(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	MirrorRow	mr = {0};
	HeapTuple	tuple;
	ListCell   *lc;
	int			n;
	bool		first;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by a trigger", "osc_mirror")));
	mr.entry = lookup(data->tg_relation);
	first = data->tg_trigger->tgoid == mr.entry->mirror.first_trigger;
	if (!mr.entry->found || (!first && data->tg_trigger->tgoid != mr.entry->mirror.trigger))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" was not made by an online schema change",
						data->tg_trigger->tgname),
				 errhint("Drop the trigger.")));
	mr.rel = data->tg_relation;
	mr.is_update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	mr.old = mr.is_update ? data->tg_trigslot : NULL;
	mr.row = mr.is_update ? data->tg_newslot : data->tg_trigslot;
	tuple = mr.is_update ? data->tg_newtuple : data->tg_trigtuple;
	if (mr.entry->mirror.direction == OSC_MIRROR_OFF || !OSC_PROTECTED("mirror"))
		return PointerGetDatum(tuple);
	/* somebody has changed a column in spite of the guard, or while the job is cleaned up */
	if (!mr.entry->fits)
	{
		note_overtaken(mr.entry);
		return PointerGetDatum(tuple);
	}
	/* there is work before the other triggers while there are two names, only */
	if (first && mr.entry->mirror.direction != OSC_MIRROR_BOTH)
		return PointerGetDatum(tuple);
	n = 2 * list_length(mr.entry->mirror.columns);
	mr.attnums = palloc(sizeof(int) * n);
	mr.values = palloc(sizeof(Datum) * n);
	mr.nulls = palloc(sizeof(bool) * n);
	foreach(lc, mr.entry->mirror.columns)
	{
		if (mr.entry->mirror.direction == OSC_MIRROR_BOTH)
			make_names_equal(&mr, lfirst(lc), first);
		else
			follow(&mr, foreach_current_index(lc), lfirst(lc));
	}
	if (mr.nchanged > 0)
		tuple = heap_modify_tuple_by_cols(tuple, RelationGetDescr(mr.rel), mr.nchanged,
										  mr.attnums, mr.values, mr.nulls);
	if (mr.noted)
		osc_note_key(&mr.entry->mirror, mr.rel, mr.row);
	if (mr.entry->overtaken)
		note_overtaken(mr.entry);
	if (mr.entry->ce)
		ResetPerTupleExprContext(mr.entry->ce->estate);
	return PointerGetDatum(tuple);
}
