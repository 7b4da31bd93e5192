/*-------------------------------------------------------------------------
 *
 * check_statement.c
 *	  Statements other than ALTER TABLE and CREATE TABLE, and the choice of
 *	  the rules for a statement.
 *
 *-------------------------------------------------------------------------
 */
#include "linter.h"

#include <string.h>

static bool
is_kind(const Check *check, const char *kind)
{
	return strcmp(check->kind, kind) == 0;
}

/* whether an option is on in a list of DefElem; if it is there twice, the last one counts */
static bool
has_option(const Node *options, const char *name)
{
	bool		result = false;

	for (const Node *item = options != NULL ? options->child : NULL; item != NULL; item = item->next)
	{
		const Node *option = tree_get(item, "DefElem");
		const Node *value = tree_get(option, "arg");
		const char *text = tree_string(value);

		if (!tree_is(option, "defname", name))
			continue;
		if (text != NULL)
			result = !same_word(text, "false") && !same_word(text, "off");
		else if (tree_get(value, "Boolean") != NULL)
			result = tree_flag(tree_get(value, "Boolean"), "boolval");
		else if (tree_get(value, "Integer") != NULL)
			result = tree_number(tree_get(value, "Integer"), "ival", 0) != 0;
		else
			result = true;
	}
	return result;
}

/* ---------------------------------------------------------------- indexes */

static void
check_create_index(Check *check)
{
	static const char *const after[] = {"index", NULL};
	const Node *relation = tree_get(check->node, "relation");
	const char *name = tree_text(check->node, "idxname");
	const Table *table = catalog_find(&check->linter->catalog, tree_text(relation, "schemaname"), tree_text(relation, "relname"));
	Finding    *finding;

	if (tree_flag(check->node, "concurrent"))
	{
		check_no_transaction(check, "CREATE INDEX CONCURRENTLY");
		return;
	}
	if (is_new_table(check, relation) || (!tree_flag(relation, "inh") && table != NULL && table->partitioned))
		return;
	hold_lock(check, "SHARE");
	/* ON ONLY is for partitioned tables: a catalog entry without a scan */
	if (!tree_flag(relation, "inh"))
		return;
	finding = report(check, "create-index", check->statement->start,
					 arena_printf(&check->linter->arena, "%s%son %s", name != NULL ? name : "", name != NULL ? " " : "",
								  table_shown(check, relation)));
	if (finding != NULL && ((table != NULL && table->partitioned) || !fix_concurrently(check, finding, after)))
		fix_with_osc_start(check, finding);
}

/* the table of the index that a list of names names, NULL if it is not known */
static const Table *
owner_of(const Check *check, const Node *names)
{
	Index	   *index;

	return catalog_index_owner(&check->linter->catalog, tree_last_name(names), &index);
}

static void
check_drop_index(Check *check)
{
	static const char *const after[] = {"index", NULL};
	const Node *objects = tree_get(check->node, "objects");
	bool		all_new = true;
	Finding    *finding;

	if (tree_flag(check->node, "concurrent"))
	{
		check_no_transaction(check, "DROP INDEX CONCURRENTLY");
		return;
	}
	for (const Node *item = objects != NULL ? objects->child : NULL; item != NULL; item = item->next)
	{
		const Table *table = owner_of(check, tree_path(item, "List.items"));

		all_new &= table != NULL && table->file == check->linter->file;
	}
	if (all_new)
		return;
	hold_lock(check, "ACCESS EXCLUSIVE");
	finding = report(check, "drop-index", check->statement->start,
					 arena_strdup(&check->linter->arena, tree_last_name(tree_path(objects->child, "List.items"))));
	if (finding == NULL)
		return;
	if (objects->child->next != NULL || tree_is(check->node, "behavior", "DROP_CASCADE") ||
		!fix_concurrently(check, finding, after))
		fix_with_osc_start(check, finding);
}

static void
check_reindex(Check *check)
{
	static const char *const after[] = {"index", "table", "schema", "database", NULL};
	const Node *relation = tree_get(check->node, "relation");
	const char *kind = tree_text(check->node, "kind");
	bool		is_index = kind != NULL && strcmp(kind, "REINDEX_OBJECT_INDEX") == 0;
	bool		one = relation != NULL;
	Index	   *index;
	const Table *owner = is_index ? catalog_index_owner(&check->linter->catalog, tree_text(relation, "relname"), &index) : NULL;
	Finding    *finding;

	if (has_option(tree_get(check->node, "params"), "concurrently"))
	{
		check_no_transaction(check, "REINDEX CONCURRENTLY");
		return;
	}
	if (!one)
		check_no_transaction(check, "REINDEX of a schema or database");
	if (one && !is_index && is_new_table(check, relation))
		return;
	if (owner != NULL && owner->file == check->linter->file)
		return;
	hold_lock(check, "ACCESS EXCLUSIVE");
	finding = report(check, "reindex", check->statement->start,
					 one ? table_shown(check, relation) : arena_strdup(&check->linter->arena, tree_text(check->node, "name")));
	if (finding != NULL && !fix_concurrently(check, finding, after) && one)
		fix_with_osc_start(check, finding);
}

/* ---------------------------------------------------------------- whole tables */

static void
check_vacuum(Check *check)
{
	const Node *relations = tree_get(check->node, "rels");
	const Node *first = relations == NULL ? NULL : tree_path(relations->child, "VacuumRelation.relation");
	Finding    *finding;

	if (!tree_flag(check->node, "is_vacuumcmd"))
		return;
	check_no_transaction(check, "VACUUM");
	if (!has_option(tree_get(check->node, "options"), "full") || (first != NULL && is_new_table(check, first)))
		return;
	hold_lock(check, "ACCESS EXCLUSIVE");
	finding = report(check, "vacuum-full", check->statement->start,
					 first != NULL ? table_shown(check, first) : "every table of the database");
	if (finding != NULL && relations != NULL && relations->child->next == NULL)
		fix_with_osc_start(check, finding);
}

static void
check_cluster(Check *check)
{
	const Node *relation = tree_get(check->node, "relation");
	Finding    *finding;

	if (relation == NULL)
		check_no_transaction(check, "CLUSTER of all tables");
	else if (is_new_table(check, relation))
		return;
	hold_lock(check, "ACCESS EXCLUSIVE");
	finding = report(check, "cluster", check->statement->start,
					 relation != NULL ? table_shown(check, relation) : "every table that was clustered before");
	if (finding != NULL && relation != NULL)
		fix_with_osc_start(check, finding);
}

static void
check_truncate(Check *check)
{
	const Node *relations = tree_get(check->node, "relations");

	for (const Node *item = relations != NULL ? relations->child : NULL; item != NULL; item = item->next)
	{
		const Node *relation = tree_get(item, "RangeVar");

		if (is_new_table(check, relation))
			continue;
		hold_lock(check, "ACCESS EXCLUSIVE");
		report(check, "truncate", spot_of(check, relation), table_shown(check, relation));
	}
	if (check->lock != NULL && tree_is(check->node, "behavior", "DROP_CASCADE"))
		report(check, "cascade", check->statement->start, "TRUNCATE");
}

/* a RangeVar of a list of names, as the functions on tables want it */
static bool
is_new_name(const Check *check, const Node *names)
{
	const char *schema = names != NULL && names->child != NULL && names->child->next != NULL ? tree_string(names->child) : NULL;
	const char *name = tree_last_name(names);
	const Table *table = catalog_find(&check->linter->catalog, schema, name);

	return same_word(name, "alembic_version") ||
		(table != NULL && (table->file == check->linter->file || table->temporary));
}

static void
check_drop(Check *check)
{
	static const char *const of_tables[] = {"OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE", NULL};
	const Node *objects = tree_get(check->node, "objects");
	const char *type = tree_text(check->node, "removeType");
	bool		all_new = type != NULL && strcmp(type, "OBJECT_TABLE") == 0;

	if (type == NULL)
		return;
	if (strcmp(type, "OBJECT_INDEX") == 0)
		check_drop_index(check);
	for (const Node *item = objects != NULL && all_new ? objects->child : NULL; item != NULL; item = item->next)
	{
		const Node *names = tree_path(item, "List.items");

		if (is_new_name(check, names))
			continue;
		all_new = false;
		hold_lock(check, "ACCESS EXCLUSIVE");
		report(check, "drop-table", check->statement->start, arena_strdup(&check->linter->arena, tree_last_name(names)));
	}
	if (text_in(type, of_tables) && objects != NULL)
	{
		/* the names end with that of the trigger; before it stands the table's */
		const Node *names = objects->child != NULL ? tree_path(objects->child, "List.items") : NULL;
		const Node *table = NULL;

		for (const Node *name = names != NULL ? names->child : NULL; name != NULL && name->next != NULL; name = name->next)
			table = name;
		if (table == NULL || catalog_find(&check->linter->catalog, NULL, tree_string(table)) == NULL ||
			catalog_find(&check->linter->catalog, NULL, tree_string(table))->file != check->linter->file)
			hold_lock(check, "ACCESS EXCLUSIVE");
	}
	if (!all_new && tree_is(check->node, "behavior", "DROP_CASCADE"))
		report(check, "cascade", check->statement->start, "DROP");
}

/* ---------------------------------------------------------------- names */

/* whether the transaction goes on to make a view of the old name */
static bool
view_follows(const Check *check, const char *name)
{
	const List *statements = &check->source->statements;
	bool		behind = false;

	if (check->linter->transaction.number == 0 || name == NULL)
		return false;
	for (size_t i = 0; i < statements->count; i++)
	{
		const Statement *statement = statements->items[i];
		Token		token;
		bool		view = false;

		if (!behind)
		{
			behind = statement == check->statement;
			continue;
		}
		token = next_word(check->source, statement->start, statement->end);
		if (token_is(check->source, token, "commit") || token_is(check->source, token, "end"))
			return false;
		if (!token_is(check->source, token, "create"))
			continue;
		while (token.kind != TOKEN_END && !token_is(check->source, token, "as"))
		{
			size_t		quote = token.kind == TOKEN_NAME ? 1 : 0;

			if (view && token.end - token.start > 2 * quote &&
				same_word_n(check->source->data + token.start + quote, token.end - token.start - 2 * quote, name))
				return true;
			view |= token_is(check->source, token, "view");
			token = next_word(check->source, token.end, statement->end);
		}
	}
	return false;
}

static void
check_rename(Check *check)
{
	const Node *relation = tree_get(check->node, "relation");
	const char *type = tree_text(check->node, "renameType");
	const char *column = tree_text(check->node, "subname");
	size_t		spot = check->statement->start;

	if (type == NULL || relation == NULL || is_new_table(check, relation))
		return;
	if (strcmp(type, "OBJECT_TABLE") == 0 && tree_text(relation, "relname") != NULL)
	{
		hold_lock(check, "ACCESS EXCLUSIVE");
		if (!view_follows(check, tree_text(relation, "relname")))
			report(check, "rename-table", spot, table_shown(check, relation));
	}
	else if (strcmp(type, "OBJECT_COLUMN") == 0 && tree_is(check->node, "relationType", "OBJECT_TABLE"))
	{
		hold_lock(check, "ACCESS EXCLUSIVE");
		report(check, "rename-column", spot,
			   arena_printf(&check->linter->arena, "%s.%s", table_shown(check, relation), column != NULL ? column : ""));
	}
	else if (strcmp(type, "OBJECT_TABCONSTRAINT") == 0 || strcmp(type, "OBJECT_TRIGGER") == 0 ||
			 strcmp(type, "OBJECT_POLICY") == 0 || strcmp(type, "OBJECT_RULE") == 0)
		hold_lock(check, "ACCESS EXCLUSIVE");
}

static void
check_set_schema(Check *check)
{
	const Node *relation = tree_get(check->node, "relation");

	if (!tree_is(check->node, "objectType", "OBJECT_TABLE") || is_new_table(check, relation))
		return;
	hold_lock(check, "ACCESS EXCLUSIVE");
	if (!view_follows(check, tree_text(relation, "relname")))
		report(check, "set-schema", check->statement->start, table_shown(check, relation));
}

/* ---------------------------------------------------------------- the rest */

static void
check_alter_domain(Check *check)
{
	const char *type = tree_text(check->node, "subtype");
	const char *name = arena_strdup(&check->linter->arena, tree_last_name(tree_get(check->node, "typeName")));

	if (type == NULL)
		return;
	if (type[0] == 'C' && !tree_flag(tree_path(check->node, "def.Constraint"), "skip_validation"))
	{
		hold_lock(check, "SHARE");
		report(check, "alter-domain-check", check->statement->start, name);
	}
	else if (type[0] == 'O')
	{
		hold_lock(check, "SHARE");
		report(check, "alter-domain-not-null", check->statement->start, name);
	}
	else if (type[0] == 'V')
		hold_lock(check, "SHARE");
	if (tree_is(check->node, "behavior", "DROP_CASCADE") && type[0] == 'X')
		report(check, "cascade", check->statement->start, name);
}

static void
check_lock_table(Check *check)
{
	static const char *const modes[] = {NULL, NULL, NULL, NULL, NULL, "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};
	const Node *relations = tree_get(check->node, "relations");
	long		mode = tree_number(check->node, "mode", 8);

	for (const Node *item = relations != NULL ? relations->child : NULL; item != NULL; item = item->next)
		if (!is_new_table(check, tree_get(item, "RangeVar")) && mode >= 0 && mode <= 8)
			hold_lock(check, modes[mode]);
}

/* CALL of a procedure of ours that commits by itself */
static void
check_call(Check *check)
{
	const char *name = tree_last_name(tree_path(check->node, "funccall.funcname"));

	if (same_word(name, "osc_wait") || same_word(name, "osc_run"))
		check_no_transaction(check, arena_strdup(&check->linter->arena, name));
}

/*
 * Check a statement by the rules for its kind.
 */
void
check_statement(Check *check)
{
	static const char *const on_relation[][3] = {
		{"CreateTrigStmt", "relation", "SHARE ROW EXCLUSIVE"}, {"RuleStmt", "relation", "ACCESS EXCLUSIVE"},
		{"CreatePolicyStmt", "table", "ACCESS EXCLUSIVE"}, {"AlterPolicyStmt", "table", "ACCESS EXCLUSIVE"},
		{NULL, NULL, NULL}
	};
	static const char *const no_block[] = {"CreatedbStmt", "DropdbStmt", "CreateTableSpaceStmt", "DropTableSpaceStmt",
	"AlterSystemStmt", NULL};

	for (size_t i = 0; on_relation[i][0] != NULL; i++)
		if (is_kind(check, on_relation[i][0]) && !is_new_table(check, tree_get(check->node, on_relation[i][1])))
			hold_lock(check, on_relation[i][2]);
	if (is_kind(check, "AlterTableStmt"))
		check_alter_table(check);
	else if (is_kind(check, "CreateStmt"))
		check_create_table(check);
	else if (is_kind(check, "IndexStmt"))
		check_create_index(check);
	else if (is_kind(check, "DropStmt"))
		check_drop(check);
	else if (is_kind(check, "ReindexStmt"))
		check_reindex(check);
	else if (is_kind(check, "VacuumStmt"))
		check_vacuum(check);
	else if (is_kind(check, "ClusterStmt"))
		check_cluster(check);
	else if (is_kind(check, "TruncateStmt"))
		check_truncate(check);
	else if (is_kind(check, "RenameStmt"))
		check_rename(check);
	else if (is_kind(check, "AlterObjectSchemaStmt"))
		check_set_schema(check);
	else if (is_kind(check, "AlterDomainStmt"))
		check_alter_domain(check);
	else if (is_kind(check, "LockStmt"))
		check_lock_table(check);
	else if (is_kind(check, "CallStmt"))
		check_call(check);
	else if (is_kind(check, "AlterTableMoveAllStmt"))
	{
		hold_lock(check, "ACCESS EXCLUSIVE");
		report(check, "set-tablespace", check->statement->start, "all tables of a tablespace");
	}
	else if (text_in(check->kind, no_block))
		check_no_transaction(check, "the statement");
}
