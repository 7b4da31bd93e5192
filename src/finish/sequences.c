/*-------------------------------------------------------------------------
 *
 * sequences.c
 *	  Sequences that a copy has drawn values from.
 *
 * A serial or identity column that the statement adds gets its values from the
 * shadow's own sequence while rows are copied and replayed.  In the swap the
 * statement natively makes the user's sequence, with its own name, owner and
 * options, which are the same; it goes on where the shadow's stands, so behind
 * every value that was given, whichever way it counts.
 *
 * The shadow's sequences of columns that were there before have never been
 * drawn from: those of the source stay where they are.
 *
 * Locks: on the sequences, as setval() takes them; the source and the shadow
 * are locked by the caller.  What setval() does to a sequence that was made in
 * this transaction goes with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "commands/sequence.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "base/ident.h"
#include "base/run.h"
#include "finish/sequences.h"

/* the column that a sequence belongs to */
static int32
column_of(Oid sequence)
{
	Oid			table;
	int32		attnum;

	if (sequenceIsOwned(sequence, DEPENDENCY_AUTO, &table, &attnum) ||
		sequenceIsOwned(sequence, DEPENDENCY_INTERNAL, &table, &attnum))
		return attnum;
	return 0;
}

static Oid
sequence_of_column(Oid relid, int32 attnum)
{
	ListCell   *lc;

	foreach(lc, getOwnedSequences(relid))
		if (column_of(lfirst_oid(lc)) == attnum)
			return lfirst_oid(lc);
	return InvalidOid;
}

/* where does the sequence stand?  false: nothing was drawn from it */
static bool
read_sequence(Oid sequence, int64 *last_value)
{
	OscStore	store;
	bool		is_called;

	osc_store_open(&store);
	osc_sql(psprintf("SELECT last_value, is_called FROM %s", osc_relation_name(sequence)), NULL);
	*last_value = osc_col_int8(0, "last_value");
	is_called = osc_col_bool(0, "is_called");
	osc_store_close(&store);
	return is_called;
}

/*
 * Let the sequences of the source's new columns go on behind those of the
 * shadow.  To be called when the statements have run on both.
 */
void
osc_carry_sequences(Oid source, Oid shadow)
{
	ListCell   *lc;

	foreach(lc, getOwnedSequences(shadow))
	{
		Oid			partner = sequence_of_column(source, column_of(lfirst_oid(lc)));
		int64		last_value;

		if (!OidIsValid(partner) || !read_sequence(lfirst_oid(lc), &last_value))
			continue;
		DirectFunctionCall3(setval3_oid, ObjectIdGetDatum(partner),
							Int64GetDatum(last_value), BoolGetDatum(true));
	}
}
