/*-------------------------------------------------------------------------
 *
 * check_alter.c
 *	  ALTER TABLE: each sub-command by its rule.
 *
 *-------------------------------------------------------------------------
 */
#include "linter.h"

#include <pg_query.h>
#include <string.h>

/* one sub-command */
typedef struct Command
{
	Check	   *check;
	const Node *relation;
	const Node *node;			/* AlterTableCmd */
	const Node *def;
	const char *kind;
	const char *name;
	const Table *table;			/* as it was before the statement; may be NULL */
	bool		is_new;
	size_t		spot;
	const char *subject;
} Command;

/* sub-commands that are fine as they are, for the lock that they take */
static const char *const fine[][2] = {
	{"AT_ColumnDefault", "set-default"}, {"AT_DropNotNull", "drop-not-null"}, {"AT_DropExpression", "drop-expression"},
	{"AT_AddIdentity", "change-identity"}, {"AT_SetIdentity", "change-identity"}, {"AT_DropIdentity", "change-identity"},
	{"AT_SetStorage", "set-storage"}, {"AT_SetCompression", "set-compression"}, {"AT_SetStatistics", "set-statistics"},
	{"AT_SetOptions", "set-attribute-options"}, {"AT_ResetOptions", "set-attribute-options"},
	{"AT_AlterConstraint", "alter-constraint"}, {"AT_DropConstraint", "drop-constraint"},
	{"AT_SetRelOptions", "set-storage-parameter"}, {"AT_ResetRelOptions", "set-storage-parameter"},
	{"AT_ClusterOn", "cluster-on"}, {"AT_DropCluster", "cluster-on"}, {"AT_ChangeOwner", "change-owner"},
	{"AT_EnableRowSecurity", "row-security"}, {"AT_DisableRowSecurity", "row-security"},
	{"AT_ForceRowSecurity", "row-security"}, {"AT_NoForceRowSecurity", "row-security"},
	{"AT_ReplicaIdentity", "replica-identity"}, {"AT_AddInherit", "inherit"}, {"AT_DropInherit", "inherit"},
	{"AT_AddOf", "of-type"}, {"AT_DropOf", "of-type"}, {"AT_GenericOptions", "set-default"},
	{"AT_AlterColumnGenericOptions", "set-default"}, {"AT_DetachPartitionFinalize", "detach-partition-concurrently"},
	{"AT_DropOids", "set-storage"},
	{"AT_EnableRule", "enable-rule"}, {"AT_EnableAlwaysRule", "enable-rule"}, {"AT_EnableReplicaRule", "enable-rule"},
	{"AT_DisableRule", "enable-rule"}, {"AT_EnableTrig", "enable-trigger"}, {"AT_EnableAlwaysTrig", "enable-trigger"},
	{"AT_EnableReplicaTrig", "enable-trigger"}, {"AT_EnableTrigAll", "enable-trigger"},
	{"AT_EnableTrigUser", "enable-trigger"}, {"AT_DisableTrig", "enable-trigger"},
	{"AT_DisableTrigAll", "enable-trigger"}, {"AT_DisableTrigUser", "enable-trigger"},
	{NULL, NULL}
};

/* the finding of a rule, and its lock */
static Finding *
found(Command *command, const char *rule, size_t spot)
{
	hold_lock(command->check, osc_rule_find(rule)->lock);
	return report(command->check, rule, spot, command->subject);
}

static void
harmless(Command *command, const char *rule)
{
	hold_lock(command->check, osc_rule_find(rule)->lock);
}

/* ---------------------------------------------------------------- ADD COLUMN */

/* the constraint of that kind on a column, or NULL */
static const Node *
column_constraint(const Node *definition, const char *kind)
{
	const Node *constraints = tree_get(definition, "constraints");

	for (const Node *item = constraints != NULL ? constraints->child : NULL; item != NULL; item = item->next)
		if (tree_is(tree_get(item, "Constraint"), "contype", kind))
			return tree_get(item, "Constraint");
	return NULL;
}

/* the worst function of an expression */
static Volatility
expression_volatility(Command *command, const Node *expr, const Node **call)
{
	Volatility	worst = VOLATILITY_STABLE;
	List		stack = {0};

	*call = NULL;
	for (const Node *node = tree_walk(expr, NULL, &stack); node != NULL; node = tree_walk(expr, node, &stack))
	{
		Volatility	this;

		if (node->key == NULL || strcmp(node->key, "FuncCall") != 0)
			continue;
		this = catalog_volatility(&command->check->linter->catalog, node);
		if (this > worst)
		{
			worst = this;
			*call = node;
		}
	}
	list_clear(&stack);
	return worst;
}

static void
check_default(Command *command, const Node *constraint)
{
	const Node *call;
	Arena	   *arena = &command->check->linter->arena;
	Finding    *finding;

	switch (expression_volatility(command, tree_get(constraint, "raw_expr"), &call))
	{
		case VOLATILITY_STABLE:
			harmless(command, "add-column-default");
			break;
		case VOLATILITY_VOLATILE:
			finding = found(command, "add-column-volatile-default", spot_of(command->check, call));
			if (finding != NULL)
				fix_with_osc_start(command->check, finding);
			break;
		case VOLATILITY_UNKNOWN:
			finding = found(command, "add-column-volatile-default", spot_of(command->check, call));
			set_doubt(finding, OSC_RULE_WARNING,
					  arena_printf(arena, "The text does not tell whether %s() is volatile: if it is, the table is rewritten; "
								   "if it is stable or immutable, nothing happens but a change of the catalog.",
								   tree_last_name(tree_get(call, "funcname"))));
			if (finding != NULL)
				fix_with_osc_start(command->check, finding);
	}
}

static void
check_new_type(Command *command, const Node *definition, const Type *type)
{
	Arena	   *arena = &command->check->linter->arena;
	const Domain *domain = catalog_domain(&command->check->linter->catalog, type->name);
	static const char *const known[] = {"hstore", "ltree", "geometry", "geography", "vector", "halfvec", "cube",
	"isbn", "seg", "raster", "roaringbitmap", "ulid", NULL};
	size_t		spot = spot_of(command->check, tree_get(definition, "typeName"));
	Finding    *finding;

	if (type_is_serial(type))
		finding = found(command, "add-column-serial", spot);
	else if (domain != NULL && domain->constrained)
		finding = found(command, "add-column-domain", spot);
	else if (domain != NULL || type_is_built_in(type) || text_in(type->name, known))
		return;
	else
	{
		set_doubt(report(command->check, "add-column-domain", spot, command->subject), OSC_RULE_INFO,
				  arena_printf(arena, "The text does not tell what %s is: if it is a domain with constraints, the table is "
							   "rewritten; if not, nothing happens but a change of the catalog.", type_show(type, arena)));
		return;
	}
	if (finding != NULL)
		fix_with_osc_start(command->check, finding);
}

static void
check_add_column(Command *command)
{
	static const char *const kinds[][2] = {
		{"CONSTR_IDENTITY", "add-column-identity"}, {"CONSTR_GENERATED", "add-column-generated"},
		{"CONSTR_CHECK", "add-column-check"}, {"CONSTR_UNIQUE", "add-column-unique"},
		{"CONSTR_PRIMARY", "add-column-primary-key"}, {NULL, NULL}
	};
	Check	   *check = command->check;
	const Node *definition = tree_get(command->def, "ColumnDef");
	const Node *key = column_constraint(definition, "CONSTR_FOREIGN");
	const Node *value = column_constraint(definition, "CONSTR_DEFAULT");
	Type		type = type_of(tree_get(definition, "typeName"), &check->linter->scratch);
	bool		filled = value != NULL || type_is_serial(&type) || column_constraint(definition, "CONSTR_IDENTITY") != NULL ||
		column_constraint(definition, "CONSTR_GENERATED") != NULL;
	const Node *constant = tree_path(value, "raw_expr.A_Const");

	check_column_design(check, definition);
	if (key != NULL)
		check_foreign_key(check, command->relation, key, tree_text(definition, "colname"), true);
	if (command->is_new)
		return;
	harmless(command, "add-column");
	check_new_type(command, definition, &type);
	if (value != NULL)
		check_default(command, value);
	if (column_constraint(definition, "CONSTR_NOTNULL") != NULL && (!filled || tree_flag(constant, "isnull")))
		found(command, "add-column-not-null", spot_of(check, column_constraint(definition, "CONSTR_NOTNULL")));
	for (size_t i = 0; kinds[i][0] != NULL; i++)
	{
		const Node *constraint = column_constraint(definition, kinds[i][0]);
		Finding    *finding;

		/* VIRTUAL, of PostgreSQL 18, stores nothing */
		if (constraint == NULL || tree_is(constraint, "generated_kind", "v"))
			continue;
		finding = found(command, kinds[i][1], spot_of(check, constraint));
		if (finding != NULL)
			fix_with_osc_start(check, finding);
	}
	/* without a default the column is all NULL, and its foreign key needs no check */
	if (key != NULL && (value != NULL || type_is_serial(&type) || column_constraint(definition, "CONSTR_GENERATED") != NULL))
	{
		Finding    *finding = found(command, "add-column-references-default", spot_of(check, key));

		if (finding != NULL)
			fix_with_osc_start(check, finding);
	}
}

/* ---------------------------------------------------------------- ALTER COLUMN TYPE */

/* what must be checked or built again though the rows stay as they are; NULL: nothing */
static const char *
recheck_reason(const Command *command, TypeChange change, const Node *definition)
{
	const Table *table = command->table;

	for (size_t i = 0; table != NULL && i < table->constraints.count; i++)
	{
		const Constraint *constraint = table->constraints.items[i];

		for (size_t j = 0; constraint->kind == CONSTRAINT_CHECK && constraint->valid && j < constraint->columns.count; j++)
			if (strcmp(constraint->columns.items[j], command->name) == 0)
				return "a CHECK constraint";
	}
	for (size_t i = 0; table != NULL && i < table->indexes.count; i++)
	{
		const Index *index = table->indexes.items[i];

		for (size_t j = 0; j < index->inner.count; j++)
			if (strcmp(index->inner.items[j], command->name) == 0)
				return "an index with an expression or predicate";
		for (size_t j = 0; j < index->keys.count; j++)
			if (index->keys.items[j] != NULL && strcmp(index->keys.items[j], command->name) == 0 &&
				(change != TYPE_SAME_BYTES || tree_get(definition, "collClause") != NULL))
				return "an index whose operators change";
	}
	return NULL;
}

/* the change with USING taken into account: a cast of the column itself adds a step */
static TypeChange
change_with_using(Command *command, const Type *from, const Type *to, const Node *using)
{
	Arena	   *arena = &command->check->linter->scratch;
	const Node *cast = tree_get(using, "TypeCast");
	const Node *column = cast != NULL ? tree_path(cast, "arg.ColumnRef.fields") : tree_path(using, "ColumnRef.fields");
	const char *name = column != NULL ? tree_last_name(column) : NULL;
	TypeChange	first;
	TypeChange	second;
	Type		between;
	const Catalog *catalog = &command->check->linter->catalog;

	if (using == NULL)
		return catalog_type_change(catalog, from, to);
	if (name == NULL || strcmp(name, command->name) != 0)
		return TYPE_REWRITE;
	if (cast == NULL)
		return catalog_type_change(catalog, from, to);
	between = type_of(tree_get(cast, "typeName"), arena);
	first = catalog_type_change(catalog, from, &between);
	second = catalog_type_change(catalog, &between, to);
	return first > second ? first : second;
}

static void
doubt_unknown_origin(Command *command, Finding *finding, const Type *to, const Node *using)
{
	Arena	   *arena = &command->check->linter->arena;
	const char *origin = type_safe_origin(to, arena);
	const Node *cast = tree_get(using, "TypeCast");

	if (using != NULL && tree_path(using, "ColumnRef.fields") == NULL &&
		tree_path(cast, "arg.ColumnRef.fields") == NULL)
		return;					/* computed: rewritten whatever it was */
	if (origin != NULL)
		set_doubt(finding, OSC_RULE_WARNING,
				  arena_printf(arena, "The type that %s has now is not in sight: if it is %s, the rows stay as they are; "
							   "otherwise the table is rewritten.", command->name, origin));
	else
		set_doubt(finding, OSC_RULE_ERROR,
				  arena_printf(arena, "The type that %s has now is not in sight: unless it is %s already, the table is rewritten.",
							   command->name, type_show(to, arena)));
}

static void
check_alter_type(Command *command)
{
	Check	   *check = command->check;
	Arena	   *arena = &check->linter->arena;
	const Node *definition = tree_get(command->def, "ColumnDef");
	const Node *using = tree_get(definition, "raw_default");
	Type		to = type_of(tree_get(definition, "typeName"), arena);
	const Column *column = table_column(command->table, command->name);
	bool		known = column != NULL && column->type.name != NULL;
	TypeChange	change = known ? change_with_using(command, &column->type, &to, using) : TYPE_UNKNOWN;
	const char *again = NULL;
	size_t		spot = spot_of(check, tree_get(definition, "typeName"));
	const Transaction *transaction = &check->linter->transaction;
	bool		utc = transaction->zone_set ? transaction->zone_utc : check->linter->config->utc;
	Finding    *finding;

	check_column_design(check, definition);
	if (command->is_new)
		return;
	if (change == TYPE_NEEDS_UTC && utc)
		change = TYPE_OTHER_OPERATORS;
	if (change == TYPE_SAME_BYTES || change == TYPE_OTHER_OPERATORS)
	{
		again = recheck_reason(command, change, definition);
		if (again == NULL)
		{
			harmless(command, "alter-type-compatible");
			return;
		}
		finding = found(command, "alter-type-recheck", spot);
	}
	else
		finding = found(command, "alter-type", spot);
	if (finding == NULL)
		return;
	fix_with_osc_start(check, finding);
	if (change == TYPE_NEEDS_UTC && !transaction->zone_set)
		set_doubt(finding, OSC_RULE_WARNING, "If TimeZone is UTC, the rows stay as they are; the text does not set it.");
	else if (!known)
		doubt_unknown_origin(command, finding, &to, using);
	else if (change == TYPE_UNKNOWN)
		set_doubt(finding, OSC_RULE_WARNING,
				  arena_printf(arena, "The text does not tell how %s becomes %s: by a cast WITHOUT FUNCTION the rows stay as they are.",
							   type_show(&column->type, arena), type_show(&to, arena)));
	if (known)
		finding->subject = arena_printf(arena, "%s, %s to %s%s%s", command->subject, type_show(&column->type, arena),
										type_show(&to, arena), again != NULL ? ", because of " : "", again != NULL ? again : "");
}

/* ---------------------------------------------------------------- constraints */

/* ADD PRIMARY KEY USING INDEX: are the columns NOT NULL? */
static void
check_key_using_index(Command *command, const Node *constraint)
{
	Index	   *index;
	const char *nullable = NULL;
	bool		sure = command->table != NULL && command->table->in_sight;
	Arena	   *arena = &command->check->linter->arena;
	Finding    *finding;

	catalog_index_owner(&command->check->linter->catalog, tree_text(constraint, "indexname"), &index);
	for (size_t i = 0; index != NULL && i < index->keys.count; i++)
	{
		const Column *column = table_column(command->table, index->keys.items[i]);

		if (column == NULL || !column->not_null)
			nullable = index->keys.items[i] != NULL ? index->keys.items[i] : "an expression";
	}
	harmless(command, "add-constraint-using-index");
	if (index != NULL && nullable == NULL)
		return;
	finding = report(command->check, "add-primary-key-nullable", spot_of(command->check, constraint), command->subject);
	if (!sure || index == NULL)
		set_doubt(finding, OSC_RULE_INFO,
				  arena_printf(arena, "The text does not tell whether %s is NOT NULL already; if so, nothing is scanned.",
							   nullable != NULL ? nullable : "the key"));
}

static void
check_add_constraint(Command *command)
{
	Check	   *check = command->check;
	const Node *constraint = tree_get(command->def, "Constraint");
	const char *kind = tree_text(constraint, "contype");
	/* what is not enforced (PostgreSQL 18) is not checked either */
	bool		later = tree_flag(constraint, "skip_validation") ||
		(PG_VERSION_NUM >= 180000 && !tree_flag(constraint, "is_enforced") &&
		 (tree_is(constraint, "contype", "CONSTR_CHECK") || tree_is(constraint, "contype", "CONSTR_FOREIGN")));
	size_t		spot = spot_of(check, constraint);
	Finding    *finding = NULL;

	if (kind == NULL)
		return;
	if (strcmp(kind, "CONSTR_FOREIGN") == 0)
	{
		check_foreign_key(check, command->relation, constraint, NULL, false);
		if (command->is_new)
			return;
		if (later)
			harmless(command, "add-foreign-key-not-valid");
		else if ((finding = found(command, "add-foreign-key", spot)) != NULL)
		{
			bool		refused = command->table != NULL && command->table->partitioned && check->linter->config->postgresql < 18;

			if (refused)
				finding->advice = "Before PostgreSQL 18 NOT VALID is refused on a partitioned table: add the key to each partition first.";
			if (refused || !fix_not_valid(check, finding, constraint))
				fix_with_osc_start(check, finding);
		}
	}
	else if (command->is_new)
		return;
	else if ((strcmp(kind, "CONSTR_CHECK") == 0 || strcmp(kind, "CONSTR_NOTNULL") == 0) && later)
		harmless(command, "add-check-not-valid");
	else if (strcmp(kind, "CONSTR_NOTNULL") == 0)
		found(command, "set-not-null", spot);	/* PostgreSQL 18 */
	else if (strcmp(kind, "CONSTR_CHECK") == 0)
	{
		if ((finding = found(command, "add-check", spot)) != NULL && !fix_not_valid(check, finding, constraint))
			fix_with_osc_start(check, finding);
	}
	else if (tree_get(constraint, "indexname") != NULL)
	{
		if (strcmp(kind, "CONSTR_PRIMARY") == 0)
			check_key_using_index(command, constraint);
		else
			harmless(command, "add-constraint-using-index");
	}
	else if (strcmp(kind, "CONSTR_UNIQUE") == 0)
	{
		if ((finding = found(command, "add-unique", spot)) != NULL && !fix_unique(check, finding, constraint))
			fix_with_osc_start(check, finding);
	}
	else if (strcmp(kind, "CONSTR_PRIMARY") == 0 || strcmp(kind, "CONSTR_EXCLUSION") == 0)
	{
		finding = found(command, strcmp(kind, "CONSTR_PRIMARY") == 0 ? "add-primary-key" : "add-exclude", spot);
		if (finding != NULL)
			fix_with_osc_start(check, finding);
	}
}

static void
check_validate(Command *command, bool with_strong_lock)
{
	const Transaction *transaction = &command->check->linter->transaction;
	const Constraint *constraint = table_constraint(command->table, command->name);

	if (command->is_new)
		return;
	if (with_strong_lock)
		report(command->check, "validate-in-same-transaction", command->spot,
			   arena_printf(&command->check->linter->arena, "%s, in one statement with a strong lock", command->subject));
	else if (transaction->number != 0 && constraint != NULL && constraint->transaction == transaction->number)
		report(command->check, "validate-in-same-transaction", command->spot, command->subject);
	else if (transaction->number != 0 && transaction->lock != NULL)
		report(command->check, "validate-in-same-transaction", command->spot,
			   arena_printf(&command->check->linter->arena, "%s, while the %s lock of line %d is held", command->subject,
							transaction->lock, transaction->lock_line));
}

static void
check_set_not_null(Command *command)
{
	const Column *column = table_column(command->table, command->name);
	bool		proved = column != NULL && column->not_null;
	Finding    *finding;

	for (size_t i = 0; command->table != NULL && i < command->table->constraints.count; i++)
	{
		const Constraint *constraint = command->table->constraints.items[i];

		proved |= constraint->valid && constraint->proves != NULL && strcmp(constraint->proves, command->name) == 0;
	}
	if (proved)
	{
		harmless(command, "set-not-null-proved");
		return;
	}
	finding = found(command, "set-not-null", command->spot);
	if (finding == NULL)
		return;
	if (command->check->linter->config->postgresql >= 18)
		finding->advice = "PostgreSQL 18 has ADD CONSTRAINT ... NOT NULL column NOT VALID for it.";
	if (!fix_set_not_null(command->check, finding, command->name))
		fix_with_osc_start(command->check, finding);
}

/* ---------------------------------------------------------------- the rest */

static void
check_drop_column(Command *command)
{
	const Column *column = table_column(command->table, command->name);

	found(command, "drop-column", command->spot);
	if (column != NULL && column->not_null && !column->has_default)
		found(command, "drop-not-null-column", command->spot);
	if (tree_is(command->node, "behavior", "DROP_CASCADE"))
		found(command, "cascade", command->spot);
}

static void
check_partition(Command *command)
{
	Check	   *check = command->check;
	const Node *partition = tree_path(command->def, "PartitionCmd.name");
	const Table *table = catalog_find(&check->linter->catalog, tree_text(partition, "schemaname"), tree_text(partition, "relname"));
	Finding    *finding;

	if (strcmp(command->kind, "AT_DetachPartition") == 0)
	{
		if (tree_flag(tree_get(command->def, "PartitionCmd"), "concurrent"))
			check_no_transaction(check, "DETACH PARTITION CONCURRENTLY");
		else if (!command->is_new && check->linter->config->postgresql >= 14)
			found(command, "detach-partition", command->spot);
		else if (!command->is_new)
			hold_lock(check, "ACCESS EXCLUSIVE");
		return;
	}
	if (strcmp(command->kind, "AT_AttachPartition") != 0 || is_new_table(check, partition))
		return;
	hold_lock(check, "ACCESS EXCLUSIVE");
	for (size_t i = 0; table != NULL && i < table->constraints.count; i++)
	{
		const Constraint *constraint = table->constraints.items[i];

		if (constraint->kind == CONSTRAINT_CHECK && constraint->valid)
			return;				/* trusted to prove the bound */
	}
	finding = found(command, "attach-partition", spot_of(check, partition));
	if (table == NULL || !table->in_sight)
		set_doubt(finding, OSC_RULE_WARNING, "The partition's CHECK constraints are not in sight: if one proves the bound, nothing is scanned.");
	if (finding != NULL)
		fix_with_osc_start(check, finding);
}

/* whether a change of storage asks for what the table has already, as far as it is in sight */
static bool
stays_as_it_is(const Command *command)
{
	const Table *table = command->table;

	if (table == NULL || !table->in_sight)
		return false;
	if (table->partitioned)
		return true;			/* for partitions to come only */
	if (strcmp(command->kind, "AT_SetLogged") == 0)
		return !table->unlogged;
	if (strcmp(command->kind, "AT_SetUnLogged") == 0)
		return table->unlogged;
	if (strcmp(command->kind, "AT_SetAccessMethod") == 0)
		return strcmp(table->access_method != NULL ? table->access_method : "heap", command->name) == 0;
	return table->tablespace != NULL && strcmp(table->tablespace, command->name) == 0;
}

/*
 * A sub-command that the grammar knows, but not the rules: it came with a
 * later PostgreSQL, so nothing can be said about it.
 */
static void
unknown_command(const Command *command)
{
	const Check *check = command->check;

	if (!check->linter->silent)
		add_problem(check->linter, check->source, NULL, command->spot,
					arena_printf(&check->linter->arena, "sub-command of ALTER TABLE is not known (%s)", command->kind),
					"It is younger than the rules of this osc-lint; nothing is said about it.");
}

static void
check_storage(Command *command)
{
	static const char *const kinds[][2] = {
		{"AT_SetLogged", "set-logged"}, {"AT_SetUnLogged", "set-logged"},
		{"AT_SetAccessMethod", "set-access-method"}, {"AT_SetTableSpace", "set-tablespace"}, {NULL, NULL}
	};

	bool		known = false;

	for (size_t i = 0; kinds[i][0] != NULL; i++)
	{
		Finding    *finding;

		if (strcmp(command->kind, kinds[i][0]) != 0)
			continue;
		known = true;
		hold_lock(command->check, "ACCESS EXCLUSIVE");
		if (!stays_as_it_is(command) && (finding = found(command, kinds[i][1], command->spot)) != NULL)
			fix_with_osc_start(command->check, finding);
	}
	for (size_t i = 0; fine[i][0] != NULL; i++)
		if (strcmp(command->kind, fine[i][0]) == 0)
		{
			harmless(command, fine[i][1]);
			known = true;
		}
	if (!known)
		unknown_command(command);
	if (strcmp(command->kind, "AT_DropConstraint") == 0 && tree_is(command->node, "behavior", "DROP_CASCADE"))
		found(command, "cascade", command->spot);
}

static void
check_command(Command *command, bool strong_before)
{
	if (strcmp(command->kind, "AT_AddColumn") == 0)
		check_add_column(command);
	else if (strcmp(command->kind, "AT_AlterColumnType") == 0)
		check_alter_type(command);
	else if (strcmp(command->kind, "AT_AddConstraint") == 0)
		check_add_constraint(command);
	else if (strcmp(command->kind, "AT_ValidateConstraint") == 0)
		check_validate(command, strong_before);
	else if (strcmp(command->kind, "AT_AttachPartition") == 0 || strcmp(command->kind, "AT_DetachPartition") == 0)
		check_partition(command);
	else if (command->is_new)
		return;
	else if (strcmp(command->kind, "AT_SetNotNull") == 0)
		check_set_not_null(command);
	else if (strcmp(command->kind, "AT_DropColumn") == 0)
		check_drop_column(command);
	else
		check_storage(command);
}

/* where the first sub-command begins */
static size_t
commands_start(const Check *check, const Node *relation)
{
	size_t		at = skip_name(check->source, spot_of(check, relation), check->statement->end);
	Token		token = next_word(check->source, at, check->statement->end);

	return token_is(check->source, token, "*") ? token.end : at;
}

/*
 * ALTER TABLE, and ALTER INDEX as far as it does the same.
 */
void
check_alter_table(Check *check)
{
	const Node *relation = tree_get(check->node, "relation");
	const Node *commands = tree_get(check->node, "cmds");
	size_t		at = commands_start(check, relation);
	bool		is_index = tree_is(check->node, "objtype", "OBJECT_INDEX");

	if (!tree_is(check->node, "objtype", "OBJECT_TABLE") && !tree_is(check->node, "objtype", "OBJECT_MATVIEW") && !is_index)
		return;
	for (const Node *item = commands != NULL ? commands->child : NULL; item != NULL; item = item->next)
	{
		Token		first = next_word(check->source, at, check->statement->end);
		Command		command = {
			.check = check, .relation = relation, .node = tree_get(item, "AlterTableCmd"),
			.table = catalog_find(&check->linter->catalog, tree_text(relation, "schemaname"), tree_text(relation, "relname")),
			.is_new = is_new_table(check, relation), .spot = first.start,
		};
		const char *name;

		command.def = tree_get(command.node, "def");
		command.kind = tree_text(command.node, "subtype");
		command.name = name = tree_text(command.node, "name");
		if (command.name == NULL)
			command.name = "";
		if (name == NULL)
			name = tree_text(tree_get(command.def, "ColumnDef"), "colname");
		command.subject = arena_printf(&check->linter->arena, "%s%s%s", table_shown(check, relation), name != NULL ? "." : "",
									   name != NULL ? name : "");
		if (is_index ? command.kind != NULL && strcmp(command.kind, "AT_SetTableSpace") == 0 : command.kind != NULL)
			check_command(&command, check->lock != NULL);
		at = part_end(check->source, first.start, check->statement->end);
		at = next_word(check->source, at, check->statement->end).end;	/* the comma */
	}
}
