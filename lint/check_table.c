/*-------------------------------------------------------------------------
 *
 * check_table.c
 *	  CREATE TABLE, the types of columns, and foreign keys without an index.
 *
 *-------------------------------------------------------------------------
 */
#include "linter.h"

#include <string.h>

/* whether a column definition has a constraint of that kind */
static bool
has_constraint(const Node *definition, const char *kind)
{
	const Node *constraints = tree_get(definition, "constraints");

	for (const Node *item = constraints != NULL ? constraints->child : NULL; item != NULL; item = item->next)
		if (tree_is(tree_get(item, "Constraint"), "contype", kind))
			return true;
	return false;
}

/* whether the statement makes the column its primary key, alone, by a constraint of the table */
static bool
is_sole_key(const Check *check, const char *column)
{
	const Node *elements = tree_get(check->node, "tableElts");

	for (const Node *item = elements != NULL ? elements->child : NULL; item != NULL; item = item->next)
	{
		const Node *constraint = tree_get(item, "Constraint");
		const Node *keys = tree_get(constraint, "keys");

		if (tree_is(constraint, "contype", "CONSTR_PRIMARY") && keys != NULL && keys->child != NULL &&
			keys->child->next == NULL && same_word(tree_string(keys->child), column))
			return true;
	}
	return false;
}

/*
 * The type of a new column, or the new type of an old one (then the definition
 * has no name).
 */
void
check_column_design(Check *check, const Node *definition)
{
	const Node *type_name = tree_get(definition, "typeName");
	Arena	   *arena = &check->linter->arena;
	Type		type = type_of(type_name, arena);
	size_t		spot = spot_of(check, type_name);
	const char *name = tree_text(definition, "colname");
	const char *subject = name != NULL ? arena_strdup(arena, name) : type_show(&type, arena);

	if (type.name == NULL || type.schema != NULL)
		return;
	if (strcmp(type.name, "bpchar") == 0 && type.nmods == 1)
		report(check, "char-type", spot, subject);
	else if (strcmp(type.name, "varchar") == 0 && type.nmods == 1)
		report(check, "prefer-text", spot, subject);
	else if (strcmp(type.name, "json") == 0)
		report(check, "json-type", spot, subject);
	if (type_is_small_integer(&type) && name != NULL &&
		(has_constraint(definition, "CONSTR_PRIMARY") || has_constraint(definition, "CONSTR_IDENTITY") ||
		 type_is_serial(&type) || is_sole_key(check, name)))
		report(check, "small-key", spot, arena_printf(arena, "%s %s", subject, type_show(&type, arena)));
}

/*
 * A foreign key of this file: takes its lock on the referenced table, and is
 * remembered until the end of the file has shown whether it has an index.
 * The column is that of a constraint on a column.
 */
void
check_foreign_key(Check *check, const Node *range_var, const Node *constraint, const char *column, bool new_column)
{
	Linter	   *linter = check->linter;
	const Node *columns = tree_get(constraint, "fk_attrs");
	PendingKey *key = arena_alloc(&linter->arena, sizeof(PendingKey));
	const Table *table = catalog_find(&linter->catalog, tree_text(range_var, "schemaname"), tree_text(range_var, "relname"));

	if (!is_new_table(check, tree_get(constraint, "pktable")) &&
		!same_word(tree_text(tree_get(constraint, "pktable"), "relname"), tree_text(range_var, "relname")))
		hold_lock(check, "SHARE ROW EXCLUSIVE");
	key->statement = check->statement;
	key->spot = spot_of(check, constraint);
	key->schema = arena_strdup(&linter->arena, tree_text(range_var, "schemaname"));
	key->table = arena_strdup(&linter->arena, tree_text(range_var, "relname"));
	key->certain = new_column || strcmp(check->kind, "CreateStmt") == 0 || (table != NULL && table->in_sight);
	if (column != NULL)
		list_push(&key->columns, arena_strdup(&linter->arena, column));
	for (const Node *item = column == NULL && columns != NULL ? columns->child : NULL; item != NULL; item = item->next)
	{
		const char *name = tree_string(item);

		list_push(&key->columns, arena_strdup(&linter->arena, name != NULL ? name : ""));
	}
	list_push(&linter->pending_keys, key);
}

/* CREATE TABLE: locks on the tables that it refers to, the types of its columns */
void
check_create_table(Check *check)
{
	const Node *relation = tree_get(check->node, "relation");
	const Node *elements = tree_get(check->node, "tableElts");
	const Node *parents = tree_get(check->node, "inhRelations");

	if (tree_get(check->node, "partbound") != NULL && parents != NULL && parents->child != NULL &&
		!is_new_table(check, tree_get(parents->child, "RangeVar")))
		hold_lock(check, "ACCESS EXCLUSIVE");
	if (is_new_table(check, relation))
		return;					/* made by a migration tool for itself */
	for (const Node *item = elements != NULL ? elements->child : NULL; item != NULL; item = item->next)
	{
		const Node *definition = tree_get(item, "ColumnDef");
		const Node *constraint = tree_get(item, "Constraint");
		const Node *constraints = tree_get(definition, "constraints");

		if (definition != NULL)
			check_column_design(check, definition);
		if (tree_is(constraint, "contype", "CONSTR_FOREIGN"))
			check_foreign_key(check, relation, constraint, NULL, true);
		for (const Node *inner = constraints != NULL ? constraints->child : NULL; inner != NULL; inner = inner->next)
			if (tree_is(tree_get(inner, "Constraint"), "contype", "CONSTR_FOREIGN"))
				check_foreign_key(check, relation, tree_get(inner, "Constraint"), tree_text(definition, "colname"), true);
	}
}

/*
 * The end of the file: foreign keys that have no index by now.
 */
void
check_pending_keys(Check *check)
{
	Linter	   *linter = check->linter;
	Arena	   *arena = &linter->arena;

	for (size_t i = 0; i < linter->pending_keys.count; i++)
	{
		PendingKey *key = linter->pending_keys.items[i];
		const Table *table = catalog_find(&linter->catalog, key->schema, key->table);
		Text		columns = {0};

		check->statement = key->statement;
		if (!table_has_index_on(table, &key->columns) && key->columns.count > 0 && table != NULL)
		{
			Finding    *finding;

			for (size_t j = 0; j < key->columns.count; j++)
				text_printf(&columns, "%s%s", j > 0 ? ", " : "", (char *) key->columns.items[j]);
			finding = report(check, "foreign-key-without-index", key->spot,
							 arena_printf(arena, "%s (%s)", key->table, columns.data));
			if (!key->certain)
				set_doubt(finding, OSC_RULE_INFO, "The table's indexes are not in sight: there may be one.");
			text_free(&columns);
		}
		list_clear(&key->columns);
	}
	list_clear(&linter->pending_keys);
}
