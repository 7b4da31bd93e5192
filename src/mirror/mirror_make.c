/*-------------------------------------------------------------------------
 *
 * mirror_make.c
 *	  Making, turning round and removing the trigger that keeps two columns
 *	  equal, and telling whether it was at work all the time.
 *
 * The trigger is internal, fires always, and gets a name that makes it the last
 * of the BEFORE ROW triggers: these fire in the order of their names.  It was
 * at work without a break if its row in pg_trigger is the one that was written
 * when it was made, and enabled.
 *
 * Locks: ACCESS EXCLUSIVE on the table to install, turn round and remove, held
 * by the caller.  A crash leaves the trigger at work, or nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "mb/pg_wchar.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "base/run.h"
#include "mirror/mirror.h"

/* behind all names that begin with an ASCII letter or digit */
#define TRIGGER_NAME "~osc_mirror"

/* before all that people use, and before all there are */
#define FIRST_NAME "!osc_mirror"
#define VERY_FIRST_NAME "\001osc_mirror"

/* the last of the triggers that see a row before it is written; NULL if there is none */
static const Trigger *
last_before_row(Relation rel)
{
	const Trigger *result = NULL;

	/* they are in the order of their names (relcache.c, RelationBuildTriggers) */
	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *t = &rel->trigdesc->triggers[i];

		if (TRIGGER_FOR_BEFORE(t->tgtype) && TRIGGER_FOR_ROW(t->tgtype) &&
			(TRIGGER_FOR_INSERT(t->tgtype) || TRIGGER_FOR_UPDATE(t->tgtype)))
			result = t;
	}
	return result;
}

static char *
trigger_name(Relation rel)
{
	const Trigger *last = last_before_row(rel);

	if (last == NULL || strcmp(last->tgname, TRIGGER_NAME) < 0)
		return pstrdup(TRIGGER_NAME);
	return psprintf("%.*s~osc_mirror",
					pg_mbcliplen(last->tgname, (int) strlen(last->tgname), NAMEDATALEN - 24),
					last->tgname);
}

/* a name that makes a trigger the first of all */
static char *
first_trigger_name(Relation rel)
{
	/* they are in the order of their names */
	if (rel->trigdesc && strcmp(rel->trigdesc->triggers[0].tgname, FIRST_NAME) <= 0)
		return pstrdup(VERY_FIRST_NAME);
	return pstrdup(FIRST_NAME);
}

static Oid
create_trigger(Oid relid, bool first)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	Relation	rel = table_open(relid, NoLock);
	Oid			func = LookupFuncName(list_make2(makeString(osc_function_schema()),
												 makeString("osc_mirror")), 0, NULL, false);
	ObjectAddress trigger;

	stmt->trigname = first ? first_trigger_name(rel) : trigger_name(rel);
	table_close(rel, NoLock);
	stmt->row = true;
	stmt->timing = TRIGGER_TYPE_BEFORE;
	stmt->events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE;
	trigger = CreateTriggerFiringOn(stmt, NULL, relid, InvalidOid, InvalidOid,
									InvalidOid, func, InvalidOid, NULL, true, false,
									TRIGGER_FIRES_ALWAYS);
	CommandCounterIncrement();
	return trigger.objectId;
}

static void
arg_key(OscArgs *args, const OscKey *key)
{
	Datum		values[INDEX_MAX_KEYS];

	for (int i = 0; i < key->natts; i++)
		values[i] = Int16GetDatum(key->attnums[i]);
	osc_arg_datum(args, INT2ARRAYOID,
				  PointerGetDatum(construct_array(values, key->natts, INT2OID, sizeof(int16), true, TYPALIGN_SHORT)),
				  false);
}

/*
 * Make the trigger, and let the new columns follow the old ones.  The caller
 * holds ACCESS EXCLUSIVE on the table, so no writer is in flight that would
 * not fire it: there is no fence to wait for.
 */
void
osc_mirror_install(const OscJob *job, const OscMember *m, const OscMirror *mirror)
{
	Oid			trigger = create_trigger(m->relid, false);
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_oid(&args, m->relid);
	osc_arg_oid(&args, trigger);
	osc_arg_oid(&args, osc_rows_role(job->owner, osc_relation_owner(m->relid)));
	osc_arg_text(&args, m->columns);
	osc_arg_oid(&args, mirror->notes);
	osc_arg_oid(&args, mirror->notes_back);
	arg_key(&args, &mirror->key);
	arg_key(&args, &mirror->key_back);
	osc_arg_datum(&args, JSONBOID, job->session_settings ? JsonbPGetDatum(job->session_settings) : (Datum) 0,
				  job->session_settings == NULL);
	osc_sql("INSERT INTO online_schema.mirror (relation, row_trigger, direction, owner, columns, notes, notes_back,"
			" key_attnums, key_back_attnums, settings) VALUES ($1, $2, 'f', $3, $4, $5, $6, $7, $8, $9)", &args);
	osc_store_close(&store);
	CacheInvalidateRelcacheByRelid(m->relid);
	CommandCounterIncrement();
}

/*
 * Turn the mirror round, or off.  Under ACCESS EXCLUSIVE on the table.  Where
 * both names are to be live, the trigger that does so before all others is made,
 * too.
 */
void
osc_mirror_set_direction(Oid relid, char direction)
{
	Oid			first = direction == OSC_MIRROR_BOTH ? create_trigger(relid, true) : InvalidOid;
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_datum(&args, CHAROID, CharGetDatum(direction), false);
	osc_arg_oid(&args, first);
	osc_sql("UPDATE online_schema.mirror SET direction = $2, first_trigger = coalesce($3, first_trigger)"
			" WHERE relation = $1", &args);
	osc_store_close(&store);
	CommandCounterIncrement();
	if (get_rel_name(relid) != NULL)
		CacheInvalidateRelcacheByRelid(relid);
}

/* look at a trigger: is it ours, on this table and enabled?  sets who wrote its row */
static bool
trigger_is_intact(Oid trigger, Oid relid, TransactionId *xmin, bool *exists)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		intact = false;

	*exists = false;
	*xmin = InvalidTransactionId;
	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
	scan = systable_beginscan(rel, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		char	   *func = get_func_name(form->tgfoid);

		*exists = form->tgrelid == relid;
		*xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
		intact = *exists && form->tgenabled == TRIGGER_FIRES_ALWAYS &&
			func != NULL && strcmp(func, "osc_mirror") == 0;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return intact;
}

/*
 * What tells whether the trigger is as it was made: the transaction that wrote
 * its row.  NULL if it is not there or not enabled.
 */
char *
osc_mirror_state(const OscMember *m)
{
	OscMirror	mirror;
	TransactionId xmin;
	bool		exists;

	if (!osc_mirror_read(m->relid, &mirror) ||
		!trigger_is_intact(mirror.trigger, m->relid, &xmin, &exists))
		return NULL;
	return psprintf("%u", xmin);
}

/*
 * Is the trigger the last one to see a row of the relation before it is
 * written?  Else sets *last, if given, to the name of the one that is.
 */
bool
osc_mirror_is_last(Relation rel, Oid trigger, const char **last)
{
	const Trigger *t = last_before_row(rel);

	if (last)
		*last = t ? t->tgname : "";
	return t != NULL && t->tgoid == trigger;
}

/*
 * Raise an error unless the trigger is as it was made, and the last one to see
 * a row.
 */
void
osc_mirror_require_intact(const OscMember *m)
{
	char	   *state = osc_mirror_state(m);
	Relation	rel;
	OscMirror	mirror;
	const char *last;

	if (state == NULL || m->capture_state == NULL || strcmp(state, m->capture_state) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the mirror trigger of table \"%s\" was dropped or disabled while the job ran", m->relname),
				 errhint("Start the job again.")));
	(void) osc_mirror_read(m->relid, &mirror);
	rel = table_open(m->relid, AccessShareLock);
	if (!osc_mirror_is_last(rel, mirror.trigger, &last))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" of table \"%s\" fires after the mirror trigger of the job",
						last, m->relname),
				 errhint("Triggers fire in the order of their names: rename it; then osc_validate() tells whether the columns are equal still.")));
	table_close(rel, NoLock);
}

static void
drop_trigger(Oid trigger, Oid relid)
{
	ObjectAddress address;
	TransactionId xmin;
	bool		exists;

	(void) trigger_is_intact(trigger, relid, &xmin, &exists);
	if (!exists)
		return;
	ObjectAddressSet(address, TriggerRelationId, trigger);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY);
}

/*
 * Remove the triggers and their row.  The caller holds ACCESS EXCLUSIVE on the
 * table, if it still exists.
 */
void
osc_mirror_remove(const OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};
	OscMirror	mirror;

	if (osc_mirror_read(m->relid, &mirror))
	{
		drop_trigger(mirror.trigger, m->relid);
		if (OidIsValid(mirror.first_trigger))
			drop_trigger(mirror.first_trigger, m->relid);
	}
	osc_store_open(&store);
	osc_arg_oid(&args, m->relid);
	osc_sql("DELETE FROM online_schema.mirror WHERE relation = $1", &args);
	osc_store_close(&store);
	CommandCounterIncrement();
}
