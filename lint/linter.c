/*-------------------------------------------------------------------------
 *
 * linter.c
 *	  From a file to findings: each statement is parsed, checked, and then
 *	  taken up as knowledge for the ones behind it.
 *
 * A statement that does not parse is a problem of its own: nothing is said
 * about it, and the others are checked all the same.
 *
 *-------------------------------------------------------------------------
 */
#include "linter.h"

#include <pg_query.h>
#include <stdio.h>
#include <string.h>

/* words that came with a release behind the grammar's, for the error message */
static const struct
{
	const char *word;
	const char *release;
}			newer_words[] = {
	{"storage", "16"}, {"json_table", "17"}, {"expression", "17"}, {"enforced", "18"}, {"virtual", "18"},
	{"overlaps", "18"}, {"period", "18"}, {"split", "19"}, {"repack", "19"}
};

/*
 * Note what could not be read or parsed.  The file is the source's, or the
 * one given; its strings must live as long as the linter.
 */
void
add_problem(Linter *linter, const Source *source, const char *file, size_t offset,
			const char *message, const char *hint)
{
	Problem    *problem = arena_alloc(&linter->arena, sizeof(Problem));

	problem->file = source != NULL ? source->name : file;
	problem->message = arena_strdup(&linter->arena, message);
	problem->hint = arena_strdup(&linter->arena, hint);
	problem->source = source;
	problem->offset = offset;
	if (source != NULL)
		source_place(source, offset, &problem->line, &problem->column);
	list_push(&linter->problems, problem);
}

/* the byte in the file where a node begins; the statement's start if that is not known */
size_t
spot_of(const Check *check, const Node *node)
{
	long		location = tree_number(node, "location", node != NULL ? 0 : -1);
	size_t		length = check->statement->end - check->statement->start;

	if (location < 0 || (size_t) location >= length)
		location = 0;
	return check->statement->start + (size_t) location;
}

/* Whether a table was created in this file, or is temporary. */
bool
is_new_table(const Check *check, const Node *range_var)
{
	static const char *const tools[] = {"alembic_version", "flyway_schema_history", "schema_migrations", NULL};
	const Table *table = catalog_find(&check->linter->catalog, tree_text(range_var, "schemaname"),
									  tree_text(range_var, "relname"));

	return text_in(tree_text(range_var, "relname"), tools) ||
		(table != NULL && (table->file == check->linter->file || table->temporary));
}

/* A table as messages name it. */
const char *
table_shown(const Check *check, const Node *range_var)
{
	const char *schema = tree_text(range_var, "schemaname");
	const char *name = tree_text(range_var, "relname");

	return arena_printf(&check->linter->arena, "%s%s%s", schema != NULL ? schema : "", schema != NULL ? "." : "",
						name != NULL ? name : "?");
}

static int
lock_strength(const char *lock)
{
	if (lock == NULL)
		return 0;
	if (strncmp(lock, "ACCESS EXCLUSIVE", 16) == 0)
		return 4;
	if (strncmp(lock, "EXCLUSIVE", 9) == 0)
		return 3;
	if (strncmp(lock, "SHARE ROW EXCLUSIVE", 19) == 0)
		return 2;
	if (strncmp(lock, "SHARE", 5) == 0 && strncmp(lock, "SHARE UPDATE", 12) != 0)
		return 1;
	return 0;
}

/* The statement takes this lock on a table that is not new; weak locks do not count. */
void
hold_lock(Check *check, const char *lock)
{
	if (lock_strength(lock) > lock_strength(check->lock))
		check->lock = lock;
}

/*
 * Note a finding, with the lock of its rule.  NULL if the rule is off or
 * ignored here.  The subject says in a few words what it is about, and lives
 * in the linter's arena.
 */
Finding *
report(Check *check, const char *rule_id, size_t spot, const char *subject)
{
	Linter	   *linter = check->linter;
	const OscRule *rule = osc_rule_find(rule_id);
	OscRuleSeverity severity;
	Finding    *finding;

	if (rule == NULL)
		return NULL;
	severity = config_severity(linter->config, rule);
	if (linter->silent || severity == OSC_RULE_FINE || is_ignored(check->source, check->statement, rule))
		return NULL;
	finding = arena_alloc(&linter->arena, sizeof(Finding));
	finding->rule = rule;
	finding->severity = severity;
	finding->source = check->source;
	finding->statement = check->statement;
	finding->spot = spot;
	finding->spot_end = next_word(check->source, spot, check->statement->end).end;
	finding->subject = subject;
	if (rule->kind == OSC_RULE_BLOCKING && rule->strategy != NULL)
		finding->osc_start = statement_osc_start(check);
	list_push(&linter->findings, finding);
	return finding;
}

/*
 * The text alone cannot tell: say what not, and let the finding weigh no more
 * than that.  The finding may be NULL.
 */
void
set_doubt(Finding *finding, OscRuleSeverity most, const char *doubt)
{
	if (finding == NULL)
		return;
	finding->doubt = doubt;
	if (finding->severity > most)
		finding->severity = most;
}

/* whether osc_start() takes the statement */
static bool
osc_start_takes(const Check *check)
{
	const char *kind = check->kind;
	const Node *node = check->node;

	/* psql would not replace them within the quotes; Flyway replaces its own anywhere */
	if (check->statement->has_psql_variables)
		return false;
	if (strcmp(kind, "AlterTableStmt") == 0)
		return tree_is(node, "objtype", "OBJECT_TABLE");
	if (strcmp(kind, "ReindexStmt") == 0 || strcmp(kind, "ClusterStmt") == 0)
		return tree_get(node, "relation") != NULL;
	if (strcmp(kind, "VacuumStmt") == 0)
		return tree_get(node, "rels") != NULL;
	return strcmp(kind, "IndexStmt") == 0 || strcmp(kind, "DropStmt") == 0;
}

/*
 * The call of osc_start() that carries the statement out, or NULL.
 */
const char *
statement_osc_start(const Check *check)
{
	const Statement *statement = check->statement;
	Text		text = {0};
	char	   *result;

	if (!osc_start_takes(check))
		return NULL;
	text_puts(&text, "osc_start('");
	for (size_t i = statement->start; i < statement->end; i++)
		text_add(&text, check->source->data[i] == '\'' ? "''" : check->source->data + i,
				 check->source->data[i] == '\'' ? 2 : 1);
	text_puts(&text, "')");
	result = arena_strdup(&check->linter->arena, text.data);
	text_free(&text);
	return result;
}

/* what to say of text that the grammar does not know */
static const char *
syntax_hint(const Check *check, size_t offset)
{
	Token		token = next_word(check->source, offset, check->statement->end);
	Linter	   *linter = check->linter;

	for (size_t i = 0; i < sizeof(newer_words) / sizeof(newer_words[0]); i++)
		if (token.kind == TOKEN_WORD && token_is(check->source, token, newer_words[i].word))
			return arena_printf(&linter->arena, "This osc-lint reads the grammar of PostgreSQL %s, and nothing is said about the statement. "
								"It may be syntax of PostgreSQL %s.", PG_VERSION, newer_words[i].release);
	return arena_printf(&linter->arena, "This osc-lint reads the grammar of PostgreSQL %s; syntax of later releases is not known to it, "
						"and nothing is said about the statement.", PG_VERSION);
}

static size_t
error_offset(const Check *check, const PgQueryError *error)
{
	size_t		at = check->statement->start;

	for (int left = error->cursorpos - 1; left > 0 && at < check->statement->end; left--)
	{
		at++;
		while (at < check->statement->end && ((unsigned char) check->source->data[at] & 0xC0) == 0x80)
			at++;
	}
	return at;
}

static void
parse_problem(const Check *check, const PgQueryError *error)
{
	size_t		offset = error_offset(check, error);

	if (check->linter->silent)
		return;
	add_problem(check->linter, check->source, NULL, offset, error->message, syntax_hint(check, offset));
}

/* the statement's tree in the scratch arena; NULL: it does not parse */
static const Node *
parse(Check *check)
{
	Linter	   *linter = check->linter;
	PgQueryParseResult result;
	const Node *tree = NULL;

	result = pg_query_parse(statement_text(check->source, check->statement, &linter->scratch, false));
	if (result.error != NULL && check->statement->has_variables)
	{
		PgQueryParseResult second = pg_query_parse(statement_text(check->source, check->statement, &linter->scratch, true));

		pg_query_free_parse_result(result);
		result = second;
	}
	if (result.error != NULL)
		parse_problem(check, result.error);
	else
		tree = tree_parse(&linter->scratch, result.parse_tree);
	pg_query_free_parse_result(result);
	return tree;
}

static void
lint_statement(Linter *linter, const Source *source, const Statement *statement)
{
	Check		check = {.linter = linter, .source = source, .statement = statement};
	const Node *statements;

	if (statement->command != NULL)
	{
		follow_psql(linter, statement->command);
		return;
	}
	if (statement->too_deep)
	{
		if (!linter->silent)
			add_problem(linter, source, NULL, statement->start, "statement is nested too deeply",
						"Nothing is said about the statement.");
		return;
	}
	statements = tree_get(parse(&check), "stmts");
	for (const Node *item = statements != NULL ? statements->child : NULL; item != NULL; item = item->next)
	{
		const Node *inner = tree_get(item, "stmt");

		if (inner == NULL || inner->child == NULL)
			continue;
		check.node = inner->child;
		check.kind = inner->child->key;
		check.lock = NULL;
		follow_transaction(&check);
		check_statement(&check);
		check_context(&check);
		catalog_learn(&linter->catalog, check.kind, check.node, linter->file, linter->transaction.number);
	}
	arena_free(&linter->scratch);
}

static void
check_long_names(Check *check)
{
	const Source *source = check->source;
	List		told = {0};

	for (size_t i = 0; i < source->long_names.count; i++)
	{
		const Token *token = source->long_names.items[i];
		const char *name = arena_strndup(&check->linter->arena, source->data + token->start, token->end - token->start);
		bool		again = false;

		for (size_t j = 0; j < told.count; j++)
			again |= strcmp(told.items[j], name) == 0;
		if (again)
			continue;
		list_push(&told, (void *) name);
		for (size_t j = 0; j < source->statements.count; j++)
		{
			check->statement = source->statements.items[j];
			if (token->start >= check->statement->start && token->end <= check->statement->end)
			{
				report(check, "identifier-too-long", token->start, name);
				break;
			}
		}
	}
	list_clear(&told);
}

/* order of findings: by place, the rule with the greater harm first */
static void
sort_findings(List *findings, size_t from)
{
	for (size_t i = from + 1; i < findings->count; i++)
	{
		Finding    *finding = findings->items[i];
		size_t		j = i;

		while (j > from && ((Finding *) findings->items[j - 1])->spot > finding->spot)
		{
			findings->items[j] = findings->items[j - 1];
			j--;
		}
		findings->items[j] = finding;
	}
}

/*
 * Check a file whose text is there.  Findings and problems are added to the
 * linter's; the source must live as long as these are used.
 */
void
lint_source(Linter *linter, Source *source)
{
	Check		end = {.linter = linter, .source = source};
	size_t		before = linter->findings.count;

	linter->file++;
	source_read(source, &linter->arena);
	check_directives(linter, source);
	begin_file(linter, file_is_transactional(source, linter->config->transactional));
	for (size_t i = 0; i < source->statements.count; i++)
		lint_statement(linter, source, source->statements.items[i]);
	check_transaction_end(&end);
	check_pending_keys(&end);
	check_long_names(&end);
	sort_findings(&linter->findings, before);
}

/* Free all that a linter holds. */
void
lint_free(Linter *linter)
{
	for (size_t i = 0; i < linter->findings.count; i++)
		list_clear(&((Finding *) linter->findings.items[i])->edits);
	list_clear(&linter->findings);
	list_clear(&linter->problems);
	list_clear(&linter->pending_keys);
	catalog_free(&linter->catalog);
	arena_free(&linter->arena);
	arena_free(&linter->scratch);
}
