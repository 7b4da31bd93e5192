/*-------------------------------------------------------------------------
 *
 * default_taken.c
 *	  Whether the row at hand has the default of a column.
 *
 * While a column has two names, an INSERT may give either.  A trigger cannot
 * see which columns were given and which have their default, and a default must
 * not count as a value.  So both columns have a default of the form
 * osc_default(value, relation, column): the server works it out for the row
 * that is about to be inserted (nodeModifyTable.c, copyfrom.c), right before
 * its BEFORE triggers, and the function notes that it was called.  The mirror
 * trigger, which is the last of them, looks at the notes and clears them.
 *
 * A row that an earlier trigger suppressed leaves its notes behind.  Rows of
 * the same statement have the same defaults, so they do no harm there; notes
 * of another statement or transaction count as none.
 *
 * The notes are a few numbers in the backend's own memory.  No locks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "mirror/default_taken.h"

#define MAX_NOTES 32

/* a default that was taken */
typedef struct DefaultNote
{
	Oid			relid;
	AttrNumber	attnum;
} DefaultNote;

static DefaultNote notes[MAX_NOTES];
static int	nnotes = 0;

/* when the notes were made */
static TimestampTz of_transaction;
static TimestampTz of_statement;

PG_FUNCTION_INFO_V1(osc_default);

/* forget what is of another statement */
static void
forget_old_notes(void)
{
	if (of_transaction == GetCurrentTransactionStartTimestamp() &&
		of_statement == GetCurrentStatementStartTimestamp())
		return;
	nnotes = 0;
	of_transaction = GetCurrentTransactionStartTimestamp();
	of_statement = GetCurrentStatementStartTimestamp();
}

/*
 * Was the default of this column taken for the row at hand?
 */
bool
osc_default_was_taken(Oid relid, AttrNumber attnum)
{
	forget_old_notes();
	for (int i = 0; i < nnotes; i++)
		if (notes[i].relid == relid && notes[i].attnum == attnum)
			return true;
	return false;
}

/*
 * The row is done.
 */
void
osc_defaults_forget(void)
{
	nnotes = 0;
}

/*
 * The value, with a note that it is a default.
 */
Datum
osc_default(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation and column must not be null")));
	if (!osc_default_was_taken(PG_GETARG_OID(1), (AttrNumber) PG_GETARG_INT32(2)) && nnotes < MAX_NOTES)
		notes[nnotes++] = (DefaultNote) {PG_GETARG_OID(1), (AttrNumber) PG_GETARG_INT32(2)};
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
