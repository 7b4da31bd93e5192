/*-------------------------------------------------------------------------
 *
 * column_owned.c
 *	  Strategy column: the sequences and the extended statistics of a column.
 *
 * The same sequence serves on: a serial's is given to the new column, that of
 * an identity moves with the identity (finish/swap_column.c) and gets the new
 * type, as native gives it.
 *
 * Locks: ACCESS SHARE on the table, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "base/run.h"
#include "plan/column_plan.h"

/* sequences that belong to the column: $2 'a', serial; 'i', identity */
static List *
sequences_of(const OscColumnPlan *p, const OscColumn *c, const char *deptype)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		n;

	osc_store_open(&store);
	osc_arg_oid(&args, RelationGetRelid(p->rel));
	osc_arg_int4(&args, c->old_att);
	osc_arg_text(&args, deptype);
	n = osc_sql("SELECT d.objid::regclass::text AS name FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
				" WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
				" AND d.refobjid = $1 AND d.refobjsubid = $2 AND d.deptype::text = $3 ORDER BY 1", &args);
	for (uint64 i = 0; i < n; i++)
		result = osc_keep(&store, result, osc_col_text(&store, i, "name"));
	osc_store_close(&store);
	return result;
}

/*
 * The sequences of a column: those that it owns, and that of an identity.
 */
void
osc_plan_column_sequences(OscColumnPlan *p, const OscColumn *c)
{
	Oid			relid = RelationGetRelid(p->rel);
	Form_pg_attribute att;
	ListCell   *lc;

	/* a serial column is not added so */
	if (osc_column_is_added(c))
		return;
	att = TupleDescAttr(RelationGetDescr(p->rel), c->old_att - 1);
	foreach(lc, sequences_of(p, c, "a"))
		osc_column_at_swap_late(p, relid,
					 psprintf("ALTER SEQUENCE %s OWNED BY %s.%s", (char *) lfirst(lc), p->name, quote_identifier(c->final_name)),
					 psprintf("ALTER SEQUENCE %s OWNED BY %s.%s", (char *) lfirst(lc), p->name, quote_identifier(c->old_name)));
	/* so does native (parse_utilcmd.c, transformAlterTableStmt) */
	foreach(lc, sequences_of(p, c, "i"))
		osc_column_at_swap_late(p, relid,
					 psprintf("ALTER SEQUENCE %s AS %s", (char *) lfirst(lc), format_type_be(exprType(c->forward))),
					 psprintf("ALTER SEQUENCE %s AS %s", (char *) lfirst(lc), format_type_be(att->atttypid)));
}

/*
 * Extended statistics that use one of the columns: made anew, as native does.
 */
void
osc_plan_column_statistics(OscColumnPlan *p)
{
	OscStore	store;
	OscArgs		args = {0};
	uint64		n;
	ListCell   *lc;
	char	  **names;
	char	  **definitions;
	char	  **comments;

	osc_store_open(&store);
	osc_arg_oid(&args, RelationGetRelid(p->rel));
	n = osc_sql("SELECT format('%I.%I', s.nspname, e.stxname) AS name, pg_get_statisticsobjdef(e.oid) AS def,"
				" obj_description(e.oid, 'pg_statistic_ext') AS comment,"
				" array_to_string(ARRAY(SELECT d.refobjsubid FROM pg_depend d WHERE d.classid = 'pg_statistic_ext'::regclass"
				"  AND d.objid = e.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1), ' ') AS attnums"
				" FROM pg_statistic_ext e JOIN pg_namespace s ON s.oid = e.stxnamespace WHERE e.stxrelid = $1 ORDER BY e.oid", &args);
	names = MemoryContextAllocZero(store.caller, sizeof(char *) * (n + 1));
	definitions = MemoryContextAllocZero(store.caller, sizeof(char *) * (n + 1));
	comments = MemoryContextAllocZero(store.caller, sizeof(char *) * (n + 1));
	for (uint64 i = 0; i < n; i++)
	{
		char	   *attnums = psprintf(" %s ", osc_col_text(&store, i, "attnums"));

		foreach(lc, p->columns)
			if (strstr(attnums, psprintf(" %d ", ((OscColumn *) lfirst(lc))->old_att)))
			{
				names[i] = osc_col_text(&store, i, "name");
				definitions[i] = osc_col_text(&store, i, "def");
				comments[i] = osc_col_text(&store, i, "comment");
			}
	}
	osc_store_close(&store);
	for (uint64 i = 0; i < n; i++)
	{
		char	   *drop = psprintf("DROP STATISTICS %s", names[i]);

		if (names[i] == NULL)
			continue;
		if (comments[i])
			osc_column_at_swap(p, RelationGetRelid(p->rel), psprintf("COMMENT ON STATISTICS %s IS NULL", names[i]),
							   psprintf("COMMENT ON STATISTICS %s IS %s", names[i], quote_literal_cstr(comments[i])));
		osc_column_at_swap(p, RelationGetRelid(p->rel), drop, definitions[i]);
		osc_column_at_swap_late(p, RelationGetRelid(p->rel), definitions[i], drop);
		if (comments[i])
			osc_column_at_swap_late(p, RelationGetRelid(p->rel),
									psprintf("COMMENT ON STATISTICS %s IS %s", names[i], quote_literal_cstr(comments[i])),
									psprintf("COMMENT ON STATISTICS %s IS NULL", names[i]));
	}
}
