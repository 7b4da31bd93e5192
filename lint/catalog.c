/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  What the text has told about tables so far.
 *
 * The catalog lives as long as the program: what one file creates is in sight
 * of the next.  A table that was never created in sight has an entry, too,
 * once a statement has told something about it (a constraint, a column).
 *
 * Names without a schema match a table of that name in any schema: the
 * search_path is not known.
 *
 *-------------------------------------------------------------------------
 */
#include "catalog.h"

#include <stdlib.h>
#include <string.h>

/* The table, the one created last if there are several; NULL if none is known. */
Table *
catalog_find(const Catalog *catalog, const char *schema, const char *name)
{
	if (name == NULL)
		return NULL;
	for (size_t i = catalog->tables.count; i-- > 0;)
	{
		Table	   *table = catalog->tables.items[i];

		if (!table->dropped && strcmp(table->name, name) == 0 &&
			(schema == NULL || table->schema == NULL || strcmp(schema, table->schema) == 0))
			return table;
	}
	return NULL;
}

/* The table that a RangeVar names; a new entry if it is not known. */
Table *
catalog_table(Catalog *catalog, const Node *range_var)
{
	const char *schema = tree_text(range_var, "schemaname");
	const char *name = tree_text(range_var, "relname");
	Table	   *table = catalog_find(catalog, schema, name);

	if (table == NULL)
	{
		table = catalog_create(catalog, range_var, 0, 0);
		table->in_sight = false;
	}
	return table;
}

/* A new entry, for a table that is being created. */
Table *
catalog_create(Catalog *catalog, const Node *range_var, int file, int transaction)
{
	Table	   *table = arena_alloc(&catalog->arena, sizeof(Table));
	const char *name = tree_text(range_var, "relname");

	table->schema = arena_strdup(&catalog->arena, tree_text(range_var, "schemaname"));
	table->name = arena_strdup(&catalog->arena, name != NULL ? name : "");
	table->temporary = tree_is(range_var, "relpersistence", "t");
	table->unlogged = tree_is(range_var, "relpersistence", "u");
	table->in_sight = true;
	table->file = file;
	table->transaction = transaction;
	list_push(&catalog->tables, table);
	return table;
}

/* The table that has an index of that name. */
Table *
catalog_index_owner(const Catalog *catalog, const char *name, Index **index)
{
	for (size_t i = catalog->tables.count; name != NULL && i-- > 0;)
	{
		Table	   *table = catalog->tables.items[i];

		for (size_t j = 0; j < table->indexes.count; j++)
		{
			*index = table->indexes.items[j];
			if ((*index)->name != NULL && strcmp((*index)->name, name) == 0 && !table->dropped)
				return table;
		}
	}
	*index = NULL;
	return NULL;
}

/* A column, or NULL; the table may be NULL. */
Column *
table_column(const Table *table, const char *name)
{
	for (size_t i = 0; table != NULL && name != NULL && i < table->columns.count; i++)
	{
		Column	   *column = table->columns.items[i];

		if (strcmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}

/* A new column, or the one that is there. */
Column *
table_add_column(Catalog *catalog, Table *table, const char *name)
{
	Column	   *column = table_column(table, name);

	if (column == NULL)
	{
		column = arena_alloc(&catalog->arena, sizeof(Column));
		column->name = arena_strdup(&catalog->arena, name != NULL ? name : "");
		list_push(&table->columns, column);
	}
	return column;
}

/* A constraint by its name, or NULL; the table may be NULL. */
Constraint *
table_constraint(const Table *table, const char *name)
{
	for (size_t i = 0; table != NULL && name != NULL && i < table->constraints.count; i++)
	{
		Constraint *constraint = table->constraints.items[i];

		if (constraint->name != NULL && strcmp(constraint->name, name) == 0)
			return constraint;
	}
	return NULL;
}

static void
add_names(Arena *arena, List *list, const Node *names)
{
	for (const Node *name = names != NULL ? names->child : NULL; name != NULL; name = name->next)
		list_push(list, arena_strdup(arena, tree_string(name)));
}

/* Note a CHECK or foreign key, from its Constraint node. */
Constraint *
table_add_constraint(Catalog *catalog, Table *table, const Node *node)
{
	Constraint *constraint = arena_alloc(&catalog->arena, sizeof(Constraint));

	constraint->name = arena_strdup(&catalog->arena, tree_text(node, "conname"));
	constraint->valid = !tree_flag(node, "skip_validation");
	constraint->kind = CONSTRAINT_OTHER;
	if (tree_is(node, "contype", "CONSTR_CHECK"))
	{
		constraint->kind = CONSTRAINT_CHECK;
		constraint->proves = arena_strdup(&catalog->arena, not_null_test(tree_get(node, "raw_expr")));
		column_names(tree_get(node, "raw_expr"), &catalog->arena, &constraint->columns);
	}
	else if (tree_is(node, "contype", "CONSTR_FOREIGN"))
	{
		constraint->kind = CONSTRAINT_FOREIGN;
		add_names(&catalog->arena, &constraint->columns, tree_get(node, "fk_attrs"));
	}
	list_push(&table->constraints, constraint);
	return constraint;
}

/* Note the index of a UNIQUE, PRIMARY KEY or EXCLUDE: on the columns of a list, or on one. */
void
table_add_key(Catalog *catalog, Table *table, const Node *names, const char *column)
{
	Index	   *index = arena_alloc(&catalog->arena, sizeof(Index));

	index->access_method = "btree";
	if (column != NULL)
		list_push(&index->keys, arena_strdup(&catalog->arena, column));
	else
		add_names(&catalog->arena, &index->keys, names);
	list_push(&table->indexes, index);
}

static bool
has_name(const List *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->items[i] != NULL && name != NULL && strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

/* Whether an index begins with these columns, in whatever order. */
bool
table_has_index_on(const Table *table, const List *columns)
{
	for (size_t i = 0; table != NULL && i < table->indexes.count; i++)
	{
		const Index *index = table->indexes.items[i];
		size_t		found = 0;

		if (index->partial)
			continue;
		while (found < columns->count && found < index->keys.count && has_name(columns, index->keys.items[found]))
			found++;
		if (found == columns->count)
			return true;
	}
	return false;
}

/* A domain, or NULL. */
Domain *
catalog_domain(const Catalog *catalog, const char *name)
{
	for (size_t i = catalog->domains.count; name != NULL && i-- > 0;)
	{
		Domain	   *domain = catalog->domains.items[i];

		if (strcmp(domain->name, name) == 0)
			return domain;
	}
	return NULL;
}

/*
 * What a change of type does where domains are known: leaving one for its base
 * type keeps the bytes; entering one that has constraints checks every row by
 * writing it anew.
 */
TypeChange
catalog_type_change(const Catalog *catalog, const Type *from, const Type *to)
{
	const Domain *old_domain = catalog_domain(catalog, from->name);
	const Domain *new_domain = catalog_domain(catalog, to->name);

	if (type_equal(from, to))
		return TYPE_SAME_BYTES;
	if (new_domain != NULL && new_domain->is_domain && new_domain->constrained)
		return TYPE_REWRITE;
	return type_change(old_domain != NULL && old_domain->is_domain ? &old_domain->base : from,
					   new_domain != NULL && new_domain->is_domain ? &new_domain->base : to);
}

/* What is known of the function of a FuncCall. */
Volatility
catalog_volatility(const Catalog *catalog, const Node *call)
{
	const Node *names = tree_get(call, "funcname");
	const char *name = tree_last_name(names);
	const char *schema = names != NULL && names->child != NULL && names->child->next != NULL ?
		tree_string(names->child) : NULL;

	for (size_t i = catalog->routines.count; name != NULL && i-- > 0;)
	{
		const Routine *routine = catalog->routines.items[i];

		if (strcmp(routine->name, name) == 0)
			return routine->volatility;
	}
	return function_volatility(schema, name);
}

/* Forget the tables that a transaction created. */
void
catalog_roll_back(Catalog *catalog, int transaction)
{
	for (size_t i = 0; i < catalog->tables.count; i++)
	{
		Table	   *table = catalog->tables.items[i];

		if (table->transaction == transaction)
			table->dropped = true;
	}
}

/* Free all of it. */
void
catalog_free(Catalog *catalog)
{
	for (size_t i = 0; i < catalog->tables.count; i++)
	{
		Table	   *table = catalog->tables.items[i];

		for (size_t j = 0; j < table->constraints.count; j++)
			list_clear(&((Constraint *) table->constraints.items[j])->columns);
		for (size_t j = 0; j < table->indexes.count; j++)
		{
			list_clear(&((Index *) table->indexes.items[j])->keys);
			list_clear(&((Index *) table->indexes.items[j])->inner);
		}
		list_clear(&table->columns);
		list_clear(&table->constraints);
		list_clear(&table->indexes);
	}
	list_clear(&catalog->tables);
	list_clear(&catalog->routines);
	list_clear(&catalog->domains);
	arena_free(&catalog->arena);
}
