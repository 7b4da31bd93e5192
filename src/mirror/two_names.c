/*-------------------------------------------------------------------------
 *
 * two_names.c
 *	  The value of a column that has two names, in a row that is written.
 *
 * While both names of a renamed column are live, a statement may give either.
 * The mirror makes them equal twice for each row: before all other BEFORE
 * triggers, so that these meet one value under both names, and after them,
 * since they may have changed either.
 *
 * The first time, the name that was given, or changed, wins.  Which ones were
 * given a trigger cannot see, and a default must not count as a value.  So both
 * columns have a default of the form osc_default(value, relation, column), NULL
 * for the old name.  The server works it out for the row that is about to be
 * written (nodeModifyTable.c, copyfrom.c), right before its triggers, and the
 * function notes that it was taken.  The second time, the name that differs
 * from what the first time left wins.
 *
 * Notes and values are kept for each command: that of the active snapshot,
 * which is one and the same while a command works out its rows and fires their
 * BEFORE triggers.  A command that such a trigger, or a function in an
 * expression, runs has a higher number, and is over when we are back.  Within a
 * command the notes of a row are the last ones: each column at most once.
 * Earlier ones are of rows that never came to their triggers (the WHERE of a
 * COPY), or that a WITH query of the same command holds up: that one's rows
 * must not take them, which shows where the old name has a value.  It does not
 * show if such a WITH query gives a NULL by the old name, and is run by an
 * expression that follows a default of the outer row.
 *
 * What a subtransaction leaves behind when it fails is found by its number, and
 * dropped.  All of it is in the backend's memory, and ends with the transaction.
 *
 * Locks: none but the writer's.  A crash leaves nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/ident.h"
#include "base/run.h"
#include "mirror/two_names.h"

/* defaults taken that are remembered: those of a row, and of rows that are held up */
#define MAX_TAKEN 16

/* a command that writes to a table with two names for one value */
typedef struct Command
{
	Oid			relid;
	CommandId	id;
	int			level;			/* the subtransaction in which it runs */
	SubTransactionId subid;
	int			ntaken;
	AttrNumber	taken[MAX_TAKEN];	/* columns whose default was worked out, in this order */
	bool		has_value;		/* what the first look at a row has left: */
	bool		isnull;
	Datum		value;
	Pointer		copy;			/* its memory; NULL: none */
} Command;

/* the innermost one last; in TopTransactionContext */
static Command *commands = NULL;
static int	ncommands = 0;
static int	max_commands = 0;

PG_FUNCTION_INFO_V1(osc_default);

static void
at_transaction_end(XactEvent event, void *arg)
{
	commands = NULL;
	ncommands = max_commands = 0;
}

/* called once, by _PG_init */
void
osc_init_two_names(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
}

static void
forget_value(Command *command)
{
	if (command->copy)
		pfree(command->copy);
	command->copy = NULL;
	command->has_value = false;
}

/* is the command over, so that nothing will come of it any more? */
static bool
is_over(const Command *command, CommandId now)
{
	int			level = GetCurrentTransactionNestLevel();

	return command->id > now || command->level > level ||
		(command->level == level && command->subid != GetCurrentSubTransactionId());
}

/* what is known of the running command and the relation; NULL: nothing, and it shall not be made */
static Command *
running_command(Oid relid, bool make)
{
	CommandId	now = ActiveSnapshotSet() ? GetActiveSnapshot()->curcid : GetCurrentCommandId(false);
	Command    *command;

	while (ncommands > 0 && is_over(&commands[ncommands - 1], now))
		forget_value(&commands[--ncommands]);
	for (int i = ncommands - 1; i >= 0 && commands[i].id == now; i--)
		if (commands[i].relid == relid)
			return &commands[i];
	if (!make)
		return NULL;
	if (commands == NULL)
	{
		max_commands = 8;
		commands = MemoryContextAlloc(TopTransactionContext, sizeof(Command) * max_commands);
	}
	else if (ncommands == max_commands)
	{
		max_commands *= 2;
		commands = repalloc(commands, sizeof(Command) * max_commands);
	}
	command = &commands[ncommands++];
	memset(command, 0, sizeof(Command));
	command->relid = relid;
	command->id = now;
	command->level = GetCurrentTransactionNestLevel();
	command->subid = GetCurrentSubTransactionId();
	return command;
}

/*
 * The value, with a note that it is a default.
 */
Datum
osc_default(PG_FUNCTION_ARGS)
{
	Command    *command;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation and column must not be null")));
	command = running_command(PG_GETARG_OID(1), true);
	if (command->ntaken == MAX_TAKEN)
		memmove(command->taken, command->taken + 1, sizeof(AttrNumber) * --command->ntaken);
	command->taken[command->ntaken++] = (AttrNumber) PG_GETARG_INT32(2);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/*
 * Raise an error unless everybody may call the function: whoever inserts without
 * the right to would fail.
 */
void
osc_require_default_callable(void)
{
	OscStore	store;
	OscArgs		args = {0};
	bool		callable;

	osc_store_open(&store);
	osc_arg_text(&args, osc_function_schema());
	callable = osc_sql("SELECT 1 FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace"
					   " WHERE s.nspname = $1::name AND p.proname = 'osc_default'"
					   " AND has_function_privilege('public', p.oid, 'EXECUTE')", &args) > 0;
	osc_store_close(&store);
	if (!callable)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function %s.osc_default() cannot be called by all roles", quote_identifier(osc_function_schema())),
				 errdetail("It is part of the default of a column while that has two names."),
				 errhint("GRANT EXECUTE ON FUNCTION %s.osc_default TO PUBLIC.", quote_identifier(osc_function_schema()))));
}

/* take the last note out if it is of this column */
static bool
take_last(Command *command, AttrNumber attnum)
{
	if (command->ntaken == 0 || command->taken[command->ntaken - 1] != attnum)
		return false;
	command->ntaken--;
	return true;
}

/* of which of its columns has the row the default?  the notes of it are used up */
static void
take_notes(const OscNamedRow *n, const OscColumn *c, bool *old_default, bool *new_default)
{
	Command    *command = running_command(RelationGetRelid(n->rel), false);
	bool		old_may_be = slot_attisnull(n->row, c->old_att);

	*old_default = *new_default = false;
	if (command == NULL)
		return;
	/* the order depends on the statement */
	*new_default = take_last(command, c->new_att);
	*old_default = old_may_be && take_last(command, c->old_att);
	*new_default = *new_default || take_last(command, c->new_att);
}

/* remember what both names have now */
static void
remember_value(const OscNamedRow *n, const OscColumn *c, Datum value, bool isnull)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(n->rel), c->old_att - 1);
	Command    *command = running_command(RelationGetRelid(n->rel), true);
	MemoryContext old;

	forget_value(command);
	command->has_value = true;
	command->isnull = isnull;
	command->value = value;
	if (isnull || att->attbyval)
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	command->value = datumCopy(value, false, att->attlen);
	command->copy = DatumGetPointer(command->value);
	MemoryContextSwitchTo(old);
}

static void
refuse_contradiction(const OscNamedRow *n, const OscColumn *c)
{
	TupleDesc	desc = RelationGetDescr(n->rel);

	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("columns \"%s\" and \"%s\" of table \"%s\" are given different values",
					NameStr(TupleDescAttr(desc, c->old_att - 1)->attname),
					NameStr(TupleDescAttr(desc, c->new_att - 1)->attname),
					RelationGetRelationName(n->rel)),
			 errdetail("Both are names of one value until the job that renames the column is cleaned up."),
			 errhint("Give one of the two, or the same value to both.")));
}

/*
 * The default of the column, worked out as the server would in this session.
 * In the current memory context.
 */
static Datum
work_out_default(Relation rel, AttrNumber attnum, bool *isnull)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	Expr	   *expr = (Expr *) build_column_default(rel, attnum);
	EState	   *estate;
	Command    *command;
	Datum		value;

	*isnull = true;
	if (expr == NULL)
		return (Datum) 0;
	estate = CreateExecutorState();
	value = ExecEvalExprSwitchContext(ExecPrepareExpr(expr, estate), GetPerTupleExprContext(estate), isnull);
	value = *isnull ? (Datum) 0 : datumCopy(value, att->attbyval, att->attlen);
	FreeExecutorState(estate);
	/* that was none that the statement took */
	command = running_command(RelationGetRelid(rel), false);
	if (command)
		(void) take_last(command, attnum);
	return value;
}

/* a value under a name, and whether the row came with it */
typedef struct NamedValue
{
	Datum		value;
	bool		isnull;
	bool		changed;
} NamedValue;

static NamedValue
named_value(const OscNamedRow *n, AttrNumber attnum)
{
	NamedValue	v = {.changed = true};
	Datum		before;
	bool		before_isnull;

	v.value = slot_getattr(n->row, attnum, &v.isnull);
	if (n->old)
	{
		before = slot_getattr(n->old, attnum, &before_isnull);
		v.changed = !osc_same_image(n->rel, attnum, before, before_isnull, v.value, v.isnull);
	}
	return v;
}

/* nobody but the statement has had a hand in the row */
static NamedValue
first_value(const OscNamedRow *n, const OscColumn *c)
{
	bool		old_default,
				new_default;
	NamedValue	old_value = named_value(n, c->old_att);
	NamedValue	new_value = named_value(n, c->new_att);

	take_notes(n, c, &old_default, &new_default);
	if (n->old == NULL)
	{
		/* without a default a NULL cannot be told from a column that is left out */
		if (!old_default && !new_default)
		{
			old_value.changed = !old_value.isnull;
			new_value.changed = !new_value.isnull;
		}
		else
		{
			/* the new column's default is the real one */
			old_value.changed = !old_default;
			new_value.changed = !new_default || old_default;
		}
	}
	else if (old_default)
	{
		/* SET ... = DEFAULT: that is a value, and counts once */
		if (!new_default)
			old_value.value = work_out_default(n->rel, c->new_att, &old_value.isnull);
		old_value.changed = !new_default;
		new_value.changed = new_value.changed || new_default;
	}
	if (!old_value.changed)
		return new_value;
	if (new_value.changed &&
		!osc_same_image(n->rel, c->old_att, old_value.value, old_value.isnull, new_value.value, new_value.isnull))
		refuse_contradiction(n, c);
	return old_value;
}

/* other triggers have had the row, with one value under both names */
static NamedValue
last_value(const OscNamedRow *n, const OscColumn *c, Command *command)
{
	NamedValue	old_value = named_value(n, c->old_att);
	NamedValue	new_value = named_value(n, c->new_att);

	old_value.changed = !osc_same_image(n->rel, c->old_att, command->value, command->isnull,
										old_value.value, old_value.isnull);
	new_value.changed = !osc_same_image(n->rel, c->new_att, command->value, command->isnull,
										new_value.value, new_value.isnull);
	forget_value(command);
	if (!old_value.changed)
		return new_value;
	if (new_value.changed &&
		!osc_same_image(n->rel, c->old_att, old_value.value, old_value.isnull, new_value.value, new_value.isnull))
		refuse_contradiction(n, c);
	return old_value;
}

/*
 * The value that both columns of the pair shall have in the row, in the row's
 * memory or the current context; false if they have it already, since neither was
 * touched.  Raises check_violation if the two are given different values, and the
 * errors of the default.
 */
bool
osc_value_of_names(const OscNamedRow *n, const OscColumn *c, Datum *value, bool *isnull)
{
	Command    *command = running_command(RelationGetRelid(n->rel), false);
	bool		touched;
	NamedValue	v;

	if (!n->first && command && command->has_value)
	{
		v = last_value(n, c, command);
		touched = v.changed;
	}
	else
	{
		/* one of a row that was suppressed */
		if (command)
			forget_value(command);
		v = first_value(n, c);
		touched = v.changed || n->old == NULL;
	}
	if (n->first && touched)
		remember_value(n, c, v.value, v.isnull);
	*value = v.value;
	*isnull = v.isnull;
	return touched;
}
