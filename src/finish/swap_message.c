/*-------------------------------------------------------------------------
 *
 * swap_message.c
 *	  Telling logical decoders that a table has a new shape.
 *
 * A transactional logical message (prefix online_schema) in the transaction of
 * the swap.  A decoder sees it where that transaction commits: every change of
 * the old shape was committed before the swap had its locks, and every change
 * of the new shape waits until it has committed.
 *
 * Locks: those of the swap, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"

#include "base/compat.h"
#include "base/run.h"
#include "finish/swap_message.h"

/*
 * Write the message for one member, whose table has its new shape in this
 * transaction.  Does nothing unless wal_level is logical.
 */
void
osc_log_swap_message(const OscJob *job, const OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};
	char	   *message;

	if (!XLogLogicalInfoActive())
		return;
	osc_store_open(&store);
	osc_arg_int8(&args, job->job_id);
	osc_arg_oid(&args, m->relid);
	osc_arg_text(&args, job->ddl);
	osc_sql("SELECT json_build_object('job', $1,"
			"  'relation', (SELECT quote_ident(nspname) || '.' || quote_ident(relname)"
			"   FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = $2),"
			"  'oid', $2, 'ddl', $3,"
			"  'columns', (SELECT json_agg(json_build_object('name', attname,"
			"    'type', format_type(atttypid, atttypmod), 'not_null', attnotnull) ORDER BY attnum)"
			"   FROM pg_attribute WHERE attrelid = $2 AND attnum > 0 AND NOT attisdropped))::text AS message",
			&args);
	message = osc_col_text(&store, 0, "message");
	osc_store_close(&store);
	(void) osc_log_logical_message("online_schema", message, strlen(message));
}
