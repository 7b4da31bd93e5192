/*-------------------------------------------------------------------------
 *
 * foreign_keys.c
 *	  Foreign keys that the statement makes anew, and their validation.
 *
 * ALTER TYPE drops and re-makes the foreign keys on the column, in and out,
 * and checks them; during the swap the source has empty storage, so that
 * check would lie: rows that refer to the table would be called orphans, and
 * the table's own would be called valid unseen.  So the keys are marked NOT
 * VALID before the statement, which the re-made ones inherit, and are
 * validated after the swap under the weak locks of VALIDATE CONSTRAINT.  Keys
 * that were NOT VALID before stay so.
 *
 * Locks: for the swap ACCESS EXCLUSIVE on the other tables, as native takes;
 * for the validation SHARE UPDATE EXCLUSIVE and ROW SHARE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/ident.h"
#include "base/run.h"
#include "base/settings.h"
#include "finish/foreign_keys.h"
#include "model/statement.h"
#include "model/tree.h"
#include "store/events.h"

/* is the key among these already?  two members may share it */
static bool
is_known(List *keys, Oid constraint)
{
	ListCell   *lc;

	foreach(lc, keys)
		if (((OscForeignKey *) lfirst(lc))->constraint == constraint)
			return true;
	return false;
}

/*
 * Add the keys (OscForeignKey *) that match a condition on table $1.  What
 * partitions have of a key of their parents, or partitions that it refers to,
 * goes with that key.
 */
static List *
add_keys(List *keys, const char *condition, OscArgs *args)
{
	OscStore	store;
	uint64		rows;

	osc_store_open(&store);
	rows = osc_sql(psprintf("SELECT oid, conrelid, confrelid, conname::text AS name, convalidated"
							" FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND (%s)"
							" ORDER BY oid", condition), args);
	for (uint64 i = 0; i < rows; i++)
	{
		OscForeignKey *key;

		if (is_known(keys, osc_col_oid(i, "oid")))
			continue;
		key = MemoryContextAllocZero(store.caller, sizeof(OscForeignKey));
		key->constraint = osc_col_oid(i, "oid");
		key->referencing = osc_col_oid(i, "conrelid");
		key->referenced = osc_col_oid(i, "confrelid");
		key->name = osc_col_text(&store, i, "name");
		key->validated = osc_col_bool(i, "convalidated");
		keys = osc_keep(&store, keys, key);
	}
	osc_store_close(&store);
	return keys;
}

/*
 * Add to keys the foreign keys (OscForeignKey *) of or to the relation that
 * the statements (OscStatement *, on it) make anew, since they use a column whose type these
 * change, or that they drop.
 */
List *
osc_affected_foreign_keys(List *keys, Oid relid, List *statements)
{
	Datum		attnums[MaxHeapAttributeNumber];
	int			n = 0;
	Datum		dropped[MaxHeapAttributeNumber];
	int			ndropped = 0;
	OscArgs		args = {0};
	ListCell   *lc;

	foreach(lc, osc_commands_of(statements))
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		bool		is_new;

		if (cmd->subtype == AT_AlterColumnType || cmd->subtype == AT_DropColumn)
			attnums[n++] = Int16GetDatum(osc_source_attnum(statements, cmd, relid, &is_new));
		if (cmd->subtype == AT_DropConstraint)
			dropped[ndropped++] = CStringGetTextDatum(cmd->name);
		if (n == MaxHeapAttributeNumber || ndropped == MaxHeapAttributeNumber)
			elog(ERROR, "too many sub-commands");
	}
	osc_arg_oid(&args, relid);
	osc_arg_datum(&args, INT2ARRAYOID,
				  PointerGetDatum(construct_array(attnums, n, INT2OID, 2, true, TYPALIGN_SHORT)),
				  false);
	osc_arg_datum(&args, TEXTARRAYOID,
				  PointerGetDatum(construct_array(dropped, ndropped, TEXTOID, -1, false, TYPALIGN_INT)),
				  false);
	return add_keys(keys,
					"(conrelid = $1 AND (conkey && $2 OR conname::text = ANY ($3)))"
					" OR (confrelid = $1 AND (confkey && $2 OR conindid IN"
					"  (SELECT conindid FROM pg_constraint WHERE conrelid = $1 AND contype IN ('p', 'u')"
					"   AND conname::text = ANY ($3))))", &args);
}

/* did the user ask for this key to be left NOT VALID? */
static bool
was_given_not_valid(List *cmds, const char *name)
{
	bool		any_checked = false;
	ListCell   *lc;

	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		Constraint *con;

		if (cmd->subtype != AT_AddConstraint)
			continue;
		con = castNode(Constraint, cmd->def);
		if (con->contype != CONSTR_FOREIGN)
			continue;
		if (con->conname && strcmp(con->conname, name) == 0)
			return con->skip_validation;
		if (!con->skip_validation)
			any_checked = true;
	}
	return !any_checked;
}

/* is there a key among the sub-commands that was to be left NOT VALID? */
static bool
any_given_not_valid(List *cmds)
{
	ListCell   *lc;

	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddConstraint &&
			castNode(Constraint, cmd->def)->contype == CONSTR_FOREIGN &&
			castNode(Constraint, cmd->def)->skip_validation)
			return true;
	}
	return false;
}

/*
 * All foreign keys of a relation, before a statement is run on it.
 */
List *
osc_foreign_keys_of(Oid relid)
{
	OscArgs		args = {0};

	osc_arg_oid(&args, relid);
	return add_keys(NIL, "conrelid = $1", &args);
}

/*
 * After the statement: add to keys those that are to be validated, since the
 * statement has added them, or says VALIDATE CONSTRAINT.
 */
List *
osc_note_new_foreign_keys(List *keys, Oid relid, List *before, List *cmds)
{
	List	   *after = osc_foreign_keys_of(relid);
	ListCell   *lc,
			   *c;

	foreach(lc, after)
	{
		OscForeignKey *key = lfirst(lc);
		bool		wanted = !is_known(before, key->constraint) &&
			(!key->validated || get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE) &&
			!(any_given_not_valid(cmds) && was_given_not_valid(cmds, key->name));

		/* made anew by ALTER TYPE: it is among the affected ones under its name */
		foreach(c, keys)
		{
			OscForeignKey *known = lfirst(c);

			if (known->referencing == relid && strcmp(known->name, key->name) == 0)
				wanted = false;
		}
		foreach(c, cmds)
		{
			AlterTableCmd *cmd = lfirst_node(AlterTableCmd, c);

			if (cmd->subtype == AT_ValidateConstraint && strcmp(cmd->name, key->name) == 0 &&
				!key->validated)
				wanted = true;
		}
		if (!wanted)
			continue;
		key->validated = true;	/* it shall be */
		key->is_new = true;
		keys = lappend(keys, key);
	}
	return keys;
}

/* a table and its partitions, if it is partitioned */
static List *
with_partitions(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ?
		osc_descendants(relid) : list_make1_oid(relid);
}

/*
 * Add the tables that new foreign keys of the sub-commands refer to.
 */
void
osc_new_foreign_keys_lock(List *cmds, OscLockSet *set)
{
	ListCell   *lc,
			   *c;

	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		List	   *constraints = NIL;

		if (cmd->subtype == AT_AddConstraint)
			constraints = list_make1(cmd->def);
		else if (cmd->subtype == AT_AddColumn)
			constraints = castNode(ColumnDef, cmd->def)->constraints;
		foreach(c, constraints)
		{
			Constraint *con = lfirst_node(Constraint, c);
			Oid			referenced;

			if (con->contype != CONSTR_FOREIGN)
				continue;
			referenced = RangeVarGetRelid(con->pktable, NoLock, true);
			if (OidIsValid(referenced))
				osc_lock_add(set, referenced, ShareRowExclusiveLock);
		}
	}
}

/* ACCESS EXCLUSIVE on the tables that foreign keys of partitions refer to */
static void
add_referenced(OscLockSet *set, Oid partition, Oid parent)
{
	OscStore	store;
	OscArgs		args = {0};
	uint64		rows;
	ListCell   *lc;

	osc_store_open(&store);
	osc_arg_oid(&args, partition);
	osc_arg_oid(&args, parent);
	/* a parent's key is of interest if it is there; another one is about to be made */
	rows = osc_sql("SELECT DISTINCT k.confrelid FROM pg_constraint k"
				   " WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid IN"
				   "  (SELECT $1 UNION SELECT relid FROM pg_partition_tree($1))"
				   " AND ($2 = 0 OR EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = $2"
				   "  AND p.contype = 'f' AND p.confrelid = k.confrelid))", &args);
	for (uint64 i = 0; i < rows; i++)
		foreach(lc, with_partitions(osc_col_oid(i, "confrelid")))
			osc_lock_add(set, lfirst_oid(lc), AccessExclusiveLock);
	osc_store_close(&store);
}

/*
 * Add the tables whose triggers of a foreign key are dropped when a partition's
 * key becomes a part of its parent's: by a new key on partitioned table relid,
 * or by ATTACH PARTITION.  ACCESS EXCLUSIVE, as tryAttachPartitionForeignKey()
 * in tablecmds.c takes it.
 */
void
osc_merged_foreign_keys_lock(Oid relid, List *cmds, OscLockSet *set)
{
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;
	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AttachPartition)
		{
			Oid			partition = RangeVarGetRelid(osc_linked_table(cmd), NoLock, true);

			if (OidIsValid(partition))
				add_referenced(set, partition, relid);
		}
		else if (cmd->subtype == AT_AddConstraint &&
				 castNode(Constraint, cmd->def)->contype == CONSTR_FOREIGN)
			add_referenced(set, relid, InvalidOid);
	}
}

/*
 * Add the tables on either side to the lock set of the swap.
 */
void
osc_foreign_keys_lock(List *keys, OscLockSet *set)
{
	ListCell   *lc,
			   *t;

	foreach(lc, keys)
	{
		OscForeignKey *key = lfirst(lc);

		foreach(t, with_partitions(key->referencing))
			osc_lock_add(set, lfirst_oid(t), AccessExclusiveLock);
		foreach(t, with_partitions(key->referenced))
			osc_lock_add(set, lfirst_oid(t), AccessExclusiveLock);
	}
}

/* say in pg_constraint whether a key is valid */
static void
set_validated(Oid constraint, bool validated)
{
	Relation	rel = table_open(ConstraintRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(CONSTROID, ObjectIdGetDatum(constraint));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	if (((Form_pg_constraint) GETSTRUCT(tuple))->convalidated != validated)
	{
		((Form_pg_constraint) GETSTRUCT(tuple))->convalidated = validated;
		CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	}
	heap_freetuple(tuple);
	table_close(rel, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * The rows (Oid) of pg_constraint that stand for a key and its parts: one for
 * each partition on either side.  of_partitions: only those not valid that
 * partitions with storage have of a key of their parent.
 */
List *
osc_foreign_key_parts(Oid constraint, bool of_partitions)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		rows;

	osc_store_open(&store);
	osc_arg_oid(&args, constraint);
	osc_arg_bool(&args, of_partitions);
	rows = osc_sql("WITH RECURSIVE parts(oid) AS (VALUES ($1) UNION ALL"
				   "  SELECT k.oid FROM pg_constraint k JOIN parts p ON k.conparentid = p.oid)"
				   " SELECT k.oid FROM parts p JOIN pg_constraint k USING (oid) JOIN pg_class c ON c.oid = k.conrelid"
				   " JOIN pg_constraint top ON top.oid = $1"
				   " WHERE NOT $2 OR (c.relkind = 'r' AND k.conrelid <> top.conrelid AND NOT k.convalidated"
				   "  AND NOT EXISTS (SELECT 1 FROM pg_constraint u WHERE u.oid = k.conparentid AND u.conrelid = k.conrelid))"
				   " ORDER BY k.oid", &args);
	for (uint64 i = 0; i < rows; i++)
		result = osc_keep_oid(&store, result, osc_col_oid(i, "oid"));
	osc_store_close(&store);
	return result;
}

/*
 * A key has been validated, or is to be: so are its parts.  VALIDATE
 * CONSTRAINT marks only the row that it is told (tablecmds.c,
 * ATExecValidateConstraint), ALTER TYPE all.
 */
void
osc_foreign_key_set_validated(Oid constraint, bool validated)
{
	ListCell   *lc;

	foreach(lc, osc_foreign_key_parts(constraint, false))
		set_validated(lfirst_oid(lc), validated);
}

/* of a partitioned table a key cannot be NOT VALID before 18 */
static bool
is_of_partitioned(const OscForeignKey *key)
{
	return get_rel_relkind(key->referencing) == RELKIND_PARTITIONED_TABLE;
}

/*
 * Mark the keys NOT VALID, but for those of partitioned tables: their rows
 * stand aside (stand_aside.c).  The caller holds the locks above.
 */
void
osc_foreign_keys_unvalidate(List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
		if (!is_of_partitioned(lfirst(lc)))
			set_validated(((OscForeignKey *) lfirst(lc))->constraint, false);
}

/*
 * After the statements: mark the keys of partitioned tables, too.  They were
 * checked against no rows.
 */
void
osc_foreign_keys_unvalidate_remade(List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		OscForeignKey *key = lfirst(lc);
		Oid			constraint = get_relation_constraint_oid(key->referencing, key->name, true);

		if (is_of_partitioned(key) && OidIsValid(constraint))
			osc_foreign_key_set_validated(constraint, false);
	}
}

/*
 * Those of the keys that were valid, as a JSON array for the member's row.
 */
char *
osc_foreign_keys_to_json(List *keys)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	foreach(lc, keys)
	{
		OscForeignKey *key = lfirst(lc);

		if (!key->validated)
			continue;
		appendStringInfo(&buf, "%s{\"table\": %u, \"name\": ", buf.len > 1 ? ", " : "",
						 key->referencing);
		escape_json(&buf, key->name);
		appendStringInfoChar(&buf, '}');
	}
	appendStringInfoChar(&buf, ']');
	return buf.data;
}

/* the first key on the member's list; false if there is none */
static bool
first_pending(OscMember *m, Oid *table, char **name)
{
	OscStore	store;
	OscArgs		args = {0};
	bool		found;

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	found = osc_sql("SELECT (foreign_keys->0->>'table')::oid AS reltable, foreign_keys->0->>'name' AS name"
					" FROM online_schema.job_member WHERE job_id = $1 AND member = $2"
					" AND jsonb_array_length(foreign_keys) > 0", &args) > 0;
	if (found)
	{
		*table = osc_col_oid(0, "reltable");
		*name = osc_col_text(&store, 0, "name");
	}
	osc_store_close(&store);
	return found;
}

static void
take_off_pending(OscMember *m)
{
	osc_member_update(m, "foreign_keys = foreign_keys - 0", NULL);
}

/* validate one key in a subtransaction; NULL, or the error's message */
static char *
try_validate(OscJob *job, Oid table, const char *name)
{
	OscSubxact	subxact;
	char	   *volatile message = NULL;

	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		OscLockSet	set = {0};
		OscIdentity saved;
		char	   *sql = psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
								   osc_relation_name(table), quote_identifier(name));

		osc_lock_add(&set, table, ShareUpdateExclusiveLock);
		osc_lock_all(&set, "validate foreign key", job->owner);
		/* the key may be another role's: native re-makes it without asking */
		osc_become(&saved, osc_relation_owner(table), 0);
		osc_run_as_user(osc_parse_command(sql), sql);
		osc_foreign_key_set_validated(get_relation_constraint_oid(table, name, false), true);
		osc_unbecome(&saved);
		osc_subxact_commit(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		/* not the key's fault: it is tried again */
		if (!osc_error_lasts(edata->sqlerrcode))
			ReThrowError(edata);
		message = edata->message;
	}
	PG_END_TRY();
	return message;
}

/* validate what one partition has of a key; sets the names of that */
static char *
validate_part(OscJob *job, Oid part, Oid *table, char **name)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(part));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", part);
	*table = ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid;
	*name = pstrdup(NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname));
	ReleaseSysCache(tuple);
	return try_validate(job, *table, *name);
}

/*
 * Validate one of the keys that the swap left NOT VALID; false when none is
 * left.  A key that does not validate stays NOT VALID; the job's last_error
 * and an event say so.  With online_schema.validate_foreign_keys = off all
 * stay so, with an event; osc_check() lists them.
 */
bool
osc_validate_next_foreign_key(OscJob *job, OscMember *m)
{
	Oid			table;
	char	   *name;
	char	   *error;
	Oid			key;
	TimestampTz start = GetCurrentTimestamp();
	StringInfoData detail;

	if (!first_pending(m, &table, &name))
		return false;
	key = get_rel_name(table) ? get_relation_constraint_oid(table, name, true) : InvalidOid;
	if (!OidIsValid(key))
	{
		take_off_pending(m);	/* somebody dropped it meanwhile */
		return true;
	}
	if (!osc_validate_foreign_keys)
	{
		take_off_pending(m);
		error = NULL;
	}
	else if (get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE)
	{
		List	   *parts = osc_foreign_key_parts(key, true);

		/* partition by partition, then the key as a whole */
		if (parts == NIL)
		{
			osc_foreign_key_set_validated(key, true);
			take_off_pending(m);
			return true;
		}
		error = validate_part(job, linitial_oid(parts), &table, &name);
		if (error)
			take_off_pending(m);
	}
	else
	{
		take_off_pending(m);
		error = try_validate(job, table, name);
	}
	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"table\": ");
	escape_json(&detail, osc_relation_name(table));
	appendStringInfoString(&detail, ", \"constraint\": ");
	escape_json(&detail, name);
	appendStringInfo(&detail, ", \"valid\": %s%s}",
					 error || !osc_validate_foreign_keys ? "false" : "true",
					 osc_validate_foreign_keys ? "" : ", \"reason\": \"validate_foreign_keys is off\"");
	osc_event(job, "foreign_key", osc_elapsed_ms(start), detail.data);
	if (error)
		osc_job_record_error(job, psprintf("foreign key \"%s\" of table %s was left NOT VALID: %s",
										   name, osc_relation_name(table), error),
							 NULL, OSC_FAILED);
	return true;
}
