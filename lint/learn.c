/*-------------------------------------------------------------------------
 *
 * learn.c
 *	  Taking up what a statement tells about tables, once it was checked.
 *
 * Only what some rule asks for: columns with type, NOT NULL and default,
 * constraints, indexes, domains, the volatility of functions.
 *
 *-------------------------------------------------------------------------
 */
#include "catalog.h"

#include <string.h>

/* The column of "column IS NOT NULL", or NULL if the expression is another. */
const char *
not_null_test(const Node *expr)
{
	const Node *test = tree_get(expr, "NullTest");
	const Node *fields = tree_path(test, "arg.ColumnRef.fields");

	if (test == NULL || fields == NULL || !tree_is(test, "nulltesttype", "IS_NOT_NULL"))
		return NULL;
	return tree_last_name(fields);
}

/* The names of all columns that an expression refers to. */
void
column_names(const Node *expr, Arena *arena, List *names)
{
	List		stack = {0};

	for (const Node *node = tree_walk(expr, NULL, &stack); node != NULL; node = tree_walk(expr, node, &stack))
		if (node->key != NULL && strcmp(node->key, "ColumnRef") == 0)
		{
			const char *name = tree_last_name(tree_get(node, "fields"));

			if (name != NULL)
				list_push(names, arena_strdup(arena, name));
		}
	list_clear(&stack);
}

static void
learn_column_constraints(Catalog *catalog, Table *table, Column *column, const Node *constraints)
{
	for (const Node *item = constraints != NULL ? constraints->child : NULL; item != NULL; item = item->next)
	{
		const Node *constraint = tree_get(item, "Constraint");
		const char *kind = tree_text(constraint, "contype");

		if (kind == NULL)
			continue;
		if (strcmp(kind, "CONSTR_NOTNULL") == 0)
			column->not_null = true;
		else if (strcmp(kind, "CONSTR_DEFAULT") == 0 || strcmp(kind, "CONSTR_GENERATED") == 0)
			column->has_default = true;
		else if (strcmp(kind, "CONSTR_IDENTITY") == 0)
			column->has_default = column->not_null = true;
		else if (strcmp(kind, "CONSTR_PRIMARY") == 0 || strcmp(kind, "CONSTR_UNIQUE") == 0)
		{
			column->not_null |= strcmp(kind, "CONSTR_PRIMARY") == 0;
			table_add_key(catalog, table, NULL, column->name);
		}
		else if (strcmp(kind, "CONSTR_CHECK") == 0 || strcmp(kind, "CONSTR_FOREIGN") == 0)
		{
			Constraint *added = table_add_constraint(catalog, table, constraint);

			if (added->kind == CONSTRAINT_FOREIGN)
				list_push(&added->columns, (void *) column->name);
		}
	}
}

static void
learn_column(Catalog *catalog, Table *table, const Node *definition)
{
	Column	   *column = table_add_column(catalog, table, tree_text(definition, "colname"));

	column->type = type_of(tree_get(definition, "typeName"), &catalog->arena);
	if (type_is_serial(&column->type))
		column->not_null = column->has_default = true;
	learn_column_constraints(catalog, table, column, tree_get(definition, "constraints"));
}

static void
learn_constraint(Catalog *catalog, Table *table, const Node *constraint, int transaction)
{
	const char *kind = tree_text(constraint, "contype");

	if (kind == NULL)
		return;
	if (strcmp(kind, "CONSTR_CHECK") == 0 || strcmp(kind, "CONSTR_FOREIGN") == 0)
		table_add_constraint(catalog, table, constraint)->transaction = transaction;
	else if (strcmp(kind, "CONSTR_PRIMARY") == 0 || strcmp(kind, "CONSTR_UNIQUE") == 0)
	{
		const Node *keys = tree_get(constraint, "keys");

		if (keys == NULL)
			return;				/* USING INDEX */
		table_add_key(catalog, table, keys, NULL);
		for (const Node *key = keys->child; key != NULL && strcmp(kind, "CONSTR_PRIMARY") == 0; key = key->next)
			table_add_column(catalog, table, tree_string(key))->not_null = true;
	}
}

/* a column that is known only in part keeps what is known of it */
static void
copy_like(Catalog *catalog, Table *table, const Node *like)
{
	const Table *from = catalog_find(catalog, tree_path(like, "relation.schemaname") ? tree_path(like, "relation.schemaname")->text : NULL,
									 tree_text(tree_get(like, "relation"), "relname"));

	for (size_t i = 0; from != NULL && i < from->columns.count; i++)
	{
		const Column *column = from->columns.items[i];
		Column	   *copy = table_add_column(catalog, table, column->name);

		copy->type = column->type;
		copy->not_null = column->not_null;
	}
}

static void
learn_create(Catalog *catalog, const Node *node, int file, int transaction)
{
	const Node *elements = tree_get(node, "tableElts");
	Table	   *table;

	if (tree_flag(node, "if_not_exists") &&
		catalog_find(catalog, tree_text(tree_get(node, "relation"), "schemaname"),
					 tree_text(tree_get(node, "relation"), "relname")) != NULL)
		return;
	table = catalog_create(catalog, tree_get(node, "relation"), file, transaction);
	table->partitioned = tree_get(node, "partspec") != NULL;
	table->access_method = arena_strdup(&catalog->arena, tree_text(node, "accessMethod"));
	table->tablespace = arena_strdup(&catalog->arena, tree_text(node, "tablespacename"));
	for (const Node *item = elements != NULL ? elements->child : NULL; item != NULL; item = item->next)
	{
		if (tree_get(item, "ColumnDef") != NULL)
			learn_column(catalog, table, tree_get(item, "ColumnDef"));
		else if (tree_get(item, "Constraint") != NULL)
			learn_constraint(catalog, table, tree_get(item, "Constraint"), transaction);
		else if (tree_get(item, "TableLikeClause") != NULL)
			copy_like(catalog, table, tree_get(item, "TableLikeClause"));
	}
}

static void
forget_constraint(Constraint *constraint)
{
	if (constraint == NULL)
		return;
	constraint->name = constraint->proves = NULL;
	constraint->kind = CONSTRAINT_OTHER;
	constraint->columns.count = 0;
}

static void
forget_index(Index *index)
{
	if (index == NULL)
		return;
	index->name = NULL;
	index->keys.count = index->inner.count = 0;
	index->partial = true;
}

static void
learn_alter_command(Catalog *catalog, Table *table, const Node *command, int transaction)
{
	const char *kind = tree_text(command, "subtype");
	const char *name = tree_text(command, "name");
	const Node *def = tree_get(command, "def");
	Column	   *column = table_column(table, name);

	if (kind == NULL)
		return;
	if (strcmp(kind, "AT_AddColumn") == 0)
		learn_column(catalog, table, tree_get(def, "ColumnDef"));
	else if (strcmp(kind, "AT_DropColumn") == 0 && column != NULL)
		column->name = "";
	else if (strcmp(kind, "AT_AlterColumnType") == 0)
		table_add_column(catalog, table, name)->type = type_of(tree_path(def, "ColumnDef.typeName"), &catalog->arena);
	else if (strcmp(kind, "AT_SetNotNull") == 0)
		table_add_column(catalog, table, name)->not_null = true;
	else if (strcmp(kind, "AT_DropNotNull") == 0 && column != NULL)
		column->not_null = false;
	else if (strcmp(kind, "AT_ColumnDefault") == 0)
		table_add_column(catalog, table, name)->has_default = def != NULL;
	else if (strcmp(kind, "AT_AddIdentity") == 0)
		table_add_column(catalog, table, name)->has_default = true;
	else if (strcmp(kind, "AT_AddConstraint") == 0)
		learn_constraint(catalog, table, tree_get(def, "Constraint"), transaction);
	else if (strcmp(kind, "AT_ValidateConstraint") == 0 && table_constraint(table, name) != NULL)
		table_constraint(table, name)->valid = true;
	else if (strcmp(kind, "AT_SetLogged") == 0 || strcmp(kind, "AT_SetUnLogged") == 0)
		table->unlogged = strcmp(kind, "AT_SetUnLogged") == 0;
	else if (strcmp(kind, "AT_SetTableSpace") == 0)
		table->tablespace = arena_strdup(&catalog->arena, name);
	else if (strcmp(kind, "AT_SetAccessMethod") == 0)
		table->access_method = arena_strdup(&catalog->arena, name);
	else if (strcmp(kind, "AT_DropConstraint") == 0)
		forget_constraint(table_constraint(table, name));
}

static void
learn_index(Catalog *catalog, const Node *node)
{
	Table	   *table = catalog_table(catalog, tree_get(node, "relation"));
	Index	   *index = arena_alloc(&catalog->arena, sizeof(Index));
	const Node *params = tree_get(node, "indexParams");

	index->name = arena_strdup(&catalog->arena, tree_text(node, "idxname"));
	index->access_method = arena_strdup(&catalog->arena, tree_text(node, "accessMethod"));
	index->partial = tree_get(node, "whereClause") != NULL;
	for (const Node *item = params != NULL ? params->child : NULL; item != NULL; item = item->next)
	{
		const Node *element = tree_get(item, "IndexElem");

		list_push(&index->keys, arena_strdup(&catalog->arena, tree_text(element, "name")));
		if (tree_get(element, "expr") != NULL)
			column_names(tree_get(element, "expr"), &catalog->arena, &index->inner);
	}
	if (index->partial)
		column_names(tree_get(node, "whereClause"), &catalog->arena, &index->inner);
	list_push(&table->indexes, index);
}

static void
learn_rename(Catalog *catalog, const Node *node)
{
	const Node *relation = tree_get(node, "relation");
	const char *kind = tree_text(node, "renameType");
	const char *new_name = arena_strdup(&catalog->arena, tree_text(node, "newname"));
	Table	   *table = catalog_find(catalog, tree_text(relation, "schemaname"), tree_text(relation, "relname"));
	Index	   *index;

	if (kind == NULL || new_name == NULL)
		return;
	if (strcmp(kind, "OBJECT_TABLE") == 0 && table != NULL)
		table->name = new_name;
	else if (strcmp(kind, "OBJECT_COLUMN") == 0 && table_column(table, tree_text(node, "subname")) != NULL)
		table_column(table, tree_text(node, "subname"))->name = new_name;
	else if (strcmp(kind, "OBJECT_TABCONSTRAINT") == 0 && table_constraint(table, tree_text(node, "subname")) != NULL)
		table_constraint(table, tree_text(node, "subname"))->name = new_name;
	else if (strcmp(kind, "OBJECT_INDEX") == 0 &&
			 catalog_index_owner(catalog, tree_text(relation, "relname"), &index) != NULL)
		index->name = new_name;
}

static void
learn_drop(Catalog *catalog, const Node *node)
{
	const Node *objects = tree_get(node, "objects");
	bool		tables = tree_is(node, "removeType", "OBJECT_TABLE");

	for (const Node *item = objects != NULL ? objects->child : NULL; item != NULL; item = item->next)
	{
		const Node *names = tree_path(item, "List.items");
		const char *name = tree_last_name(names);

		if (tables)
		{
			Table	   *table = catalog_find(catalog, names != NULL && names->child != NULL && names->child->next != NULL ?
											 tree_string(names->child) : NULL, name);

			if (table != NULL)
				table->dropped = true;
		}
		else if (tree_is(node, "removeType", "OBJECT_INDEX"))
		{
			Index	   *index;

			catalog_index_owner(catalog, name, &index);
			forget_index(index);
		}
	}
}

static void
learn_function(Catalog *catalog, const Node *node)
{
	const Node *options = tree_get(node, "options");
	Routine    *routine = arena_alloc(&catalog->arena, sizeof(Routine));
	const char *name = tree_last_name(tree_get(node, "funcname"));

	routine->name = arena_strdup(&catalog->arena, name != NULL ? name : "");
	routine->volatility = VOLATILITY_VOLATILE;
	for (const Node *item = options != NULL ? options->child : NULL; item != NULL; item = item->next)
	{
		const Node *option = tree_get(item, "DefElem");
		const char *value = tree_string(tree_get(option, "arg"));

		if (tree_is(option, "defname", "volatility") && value != NULL && strcmp(value, "volatile") != 0)
			routine->volatility = VOLATILITY_STABLE;
	}
	list_push(&catalog->routines, routine);
}

/* the entry of a domain or of another type that the text makes */
static Domain *
learn_type(Catalog *catalog, const char *name)
{
	Domain	   *domain = catalog_domain(catalog, name);

	if (domain == NULL)
	{
		domain = arena_alloc(&catalog->arena, sizeof(Domain));
		domain->name = arena_strdup(&catalog->arena, name != NULL ? name : "");
		list_push(&catalog->domains, domain);
	}
	return domain;
}

static void
learn_domain(Catalog *catalog, const Node *node)
{
	Domain	   *domain = learn_type(catalog, tree_last_name(tree_get(node, "domainname")));
	const Node *constraints = tree_get(node, "constraints");

	domain->is_domain = true;
	domain->base = type_of(tree_get(node, "typeName"), &catalog->arena);
	for (const Node *item = constraints != NULL ? constraints->child : NULL; item != NULL; item = item->next)
		domain->constrained |= tree_is(tree_get(item, "Constraint"), "contype", "CONSTR_CHECK") ||
			tree_is(tree_get(item, "Constraint"), "contype", "CONSTR_NOTNULL");
	if (catalog_domain(catalog, domain->base.name) != NULL)
		domain->constrained |= catalog_domain(catalog, domain->base.name)->constrained;
}

/*
 * Take up what a statement of that kind tells.  File and transaction are
 * numbers from 1; 0 for the transaction means none.
 */
void
catalog_learn(Catalog *catalog, const char *kind, const Node *node, int file, int transaction)
{
	if (strcmp(kind, "CreateStmt") == 0)
		learn_create(catalog, node, file, transaction);
	else if (strcmp(kind, "CreateTableAsStmt") == 0)
		catalog_create(catalog, tree_path(node, "into.rel"), file, transaction)->in_sight = false;
	else if (strcmp(kind, "SelectStmt") == 0 && tree_get(node, "intoClause") != NULL)
		catalog_create(catalog, tree_path(node, "intoClause.rel"), file, transaction)->in_sight = false;
	else if (strcmp(kind, "AlterTableStmt") == 0)
	{
		const Node *commands = tree_get(node, "cmds");
		Table	   *table = catalog_table(catalog, tree_get(node, "relation"));

		for (const Node *item = commands != NULL ? commands->child : NULL; item != NULL; item = item->next)
			learn_alter_command(catalog, table, tree_get(item, "AlterTableCmd"), transaction);
	}
	else if (strcmp(kind, "IndexStmt") == 0)
		learn_index(catalog, node);
	else if (strcmp(kind, "RenameStmt") == 0)
		learn_rename(catalog, node);
	else if (strcmp(kind, "DropStmt") == 0)
		learn_drop(catalog, node);
	else if (strcmp(kind, "CreateFunctionStmt") == 0)
		learn_function(catalog, node);
	else if (strcmp(kind, "CreateDomainStmt") == 0)
		learn_domain(catalog, node);
	else if (strcmp(kind, "AlterDomainStmt") == 0 && (tree_is(node, "subtype", "C") || tree_is(node, "subtype", "O")))
		learn_type(catalog, tree_last_name(tree_get(node, "typeName")))->constrained = true;
	else if (strcmp(kind, "CreateEnumStmt") == 0 || strcmp(kind, "CreateRangeStmt") == 0)
		learn_type(catalog, tree_last_name(tree_get(node, "typeName")));
	else if (strcmp(kind, "CompositeTypeStmt") == 0)
		learn_type(catalog, tree_text(tree_get(node, "typevar"), "relname"));
}
