/*-------------------------------------------------------------------------
 *
 * column_owned.c
 *	  Strategy column: sequences, extended statistics and statistics targets.
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
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
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
 * The statistics targets of an index that is made anew, by its user's name.
 */
void
osc_plan_index_targets(OscColumnPlan *p, const char *index)
{
	Oid			nsp = RelationGetNamespace(p->rel);
	char	   *name = quote_qualified_identifier(get_namespace_name(nsp), index);
	OscStore	store;
	OscArgs		args = {0};
	List	   *targets = NIL;
	ListCell   *lc;
	uint64		n;

	osc_store_open(&store);
	osc_arg_oid(&args, get_relname_relid(index, nsp));
	n = osc_sql("SELECT format('ALTER COLUMN %s SET STATISTICS %s', attnum, attstattarget) AS target"
				" FROM pg_attribute WHERE attrelid = $1 AND attstattarget >= 0 ORDER BY attnum", &args);
	for (uint64 i = 0; i < n; i++)
		targets = osc_keep(&store, targets, osc_col_text(&store, i, "target"));
	osc_store_close(&store);
	foreach(lc, targets)
		osc_column_at_swap_late(p, RelationGetRelid(p->rel), psprintf("ALTER INDEX %s %s", name, (char *) lfirst(lc)), NULL);
}

/* where a definition refers to a column, and the column's name there and then */
typedef struct ColumnUses
{
	const char *from;
	List	   *locations;		/* int */
} ColumnUses;

static bool
find_uses(Node *node, void *context)
{
	ColumnUses *uses = context;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		ColumnRef  *ref = (ColumnRef *) node;

		if (IsA(linitial(ref->fields), String) && strcmp(strVal(linitial(ref->fields)), uses->from) == 0)
			uses->locations = lappend_int(uses->locations, ref->location);
		return false;
	}
	return raw_expression_tree_walker(node, find_uses, context);
}

/* the place behind " ON " where a definition of statistics begins to list these columns */
static int
location_of_columns(const char *definition, List *elements)
{
	StringInfoData list;
	ListCell   *lc;
	const char *found;

	initStringInfo(&list);
	appendStringInfoString(&list, " ON ");
	foreach(lc, elements)
		if (lfirst_node(StatsElem, lc)->name)
			appendStringInfo(&list, "%s%s", list.len > 4 ? ", " : "", quote_identifier(lfirst_node(StatsElem, lc)->name));
	found = strstr(definition, list.data);
	if (found == NULL)
		elog(ERROR, "unexpected definition of statistics: %s", definition);
	return (int) (found - definition) + 4;
}

/*
 * The definition of statistics with a column by another name, as the server would
 * print it: it names plain columns first, and no table in expressions
 * (ruleutils.c, pg_get_statisticsobj_worker).
 */
static char *
renamed_statistics(const char *definition, const char *from, const char *to)
{
	CreateStatsStmt *stmt = castNode(CreateStatsStmt, linitial_node(RawStmt, raw_parser(definition, RAW_PARSE_DEFAULT))->stmt);
	ColumnUses	uses = {.from = from};
	int			at = location_of_columns(definition, stmt->exprs);
	int			done = 0;
	StringInfoData result;
	ListCell   *lc;

	foreach(lc, stmt->exprs)
	{
		StatsElem  *element = lfirst_node(StatsElem, lc);

		if (element->name && strcmp(element->name, from) == 0)
			uses.locations = lappend_int(uses.locations, at);
		if (element->name)
			at += strlen(quote_identifier(element->name)) + 2;
		else
			(void) find_uses(element->expr, &uses);
	}
	list_sort(uses.locations, list_int_cmp);
	initStringInfo(&result);
	foreach(lc, uses.locations)
	{
		appendBinaryStringInfo(&result, definition + done, lfirst_int(lc) - done);
		appendStringInfoString(&result, quote_identifier(to));
		done = lfirst_int(lc) + (int) strlen(quote_identifier(from));
	}
	appendStringInfoString(&result, definition + done);
	return result.data;
}

/*
 * Extended statistics that use one of the columns: made anew, as native does when
 * a type changes.  A rename leaves them as they are, so their target is kept.
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
	char	  **targets;

	osc_store_open(&store);
	osc_arg_oid(&args, RelationGetRelid(p->rel));
	n = osc_sql("SELECT format('%I.%I', s.nspname, e.stxname) AS name, pg_get_statisticsobjdef(e.oid) AS def,"
				" CASE WHEN e.stxstattarget >= 0 THEN e.stxstattarget::text END AS target,"
				" obj_description(e.oid, 'pg_statistic_ext') AS comment,"
				" array_to_string(ARRAY(SELECT d.refobjsubid FROM pg_depend d WHERE d.classid = 'pg_statistic_ext'::regclass"
				"  AND d.objid = e.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1), ' ') AS attnums"
				" FROM pg_statistic_ext e JOIN pg_namespace s ON s.oid = e.stxnamespace WHERE e.stxrelid = $1 ORDER BY e.oid", &args);
	names = MemoryContextAllocZero(store.caller, sizeof(char *) * (n + 1));
	definitions = MemoryContextAllocZero(store.caller, sizeof(char *) * (n + 1));
	comments = MemoryContextAllocZero(store.caller, sizeof(char *) * (n + 1));
	targets = MemoryContextAllocZero(store.caller, sizeof(char *) * (n + 1));
	for (uint64 i = 0; i < n; i++)
	{
		char	   *attnums = psprintf(" %s ", osc_col_text(&store, i, "attnums"));

		foreach(lc, p->columns)
			if (strstr(attnums, psprintf(" %d ", ((OscColumn *) lfirst(lc))->old_att)))
			{
				names[i] = osc_col_text(&store, i, "name");
				definitions[i] = osc_col_text(&store, i, "def");
				comments[i] = osc_col_text(&store, i, "comment");
				targets[i] = osc_col_text(&store, i, "target");
			}
	}
	osc_store_close(&store);
	for (uint64 i = 0; i < n; i++)
	{
		const OscColumn *c = linitial(p->columns);
		char	   *drop = psprintf("DROP STATISTICS %s", names[i]);
		char	   *definition = definitions[i];

		if (names[i] == NULL)
			continue;
		if (osc_column_is_rename(c))
			definition = renamed_statistics(definition, c->name, c->final_name);
		/* undone behind the one that makes them again */
		if (osc_column_is_rename(c) && targets[i])
			osc_column_at_swap(p, RelationGetRelid(p->rel), psprintf("ALTER STATISTICS %s SET STATISTICS -1", names[i]),
							   psprintf("ALTER STATISTICS %s SET STATISTICS %s", names[i], targets[i]));
		if (comments[i])
			osc_column_at_swap(p, RelationGetRelid(p->rel), psprintf("COMMENT ON STATISTICS %s IS NULL", names[i]),
							   psprintf("COMMENT ON STATISTICS %s IS %s", names[i], quote_literal_cstr(comments[i])));
		osc_column_at_swap(p, RelationGetRelid(p->rel), drop, definitions[i]);
		osc_column_at_swap_late(p, RelationGetRelid(p->rel), definition, drop);
		if (osc_column_is_rename(c) && targets[i])
			osc_column_at_swap_late(p, RelationGetRelid(p->rel),
									psprintf("ALTER STATISTICS %s SET STATISTICS %s", names[i], targets[i]), NULL);
		if (comments[i])
			osc_column_at_swap_late(p, RelationGetRelid(p->rel),
									psprintf("COMMENT ON STATISTICS %s IS %s", names[i], quote_literal_cstr(comments[i])),
									psprintf("COMMENT ON STATISTICS %s IS NULL", names[i]));
	}
}
