/*-------------------------------------------------------------------------
 *
 * fix.c
 *	  The edits that --fix makes.
 *
 * An edit touches nothing but what it changes.  Edits that overlap others are
 * left for the next pass: the file is linted and edited until no edit is
 * left.  Where the safe form would change what later statements find, there
 * is no edit:
 *
 *	  - osc_start() called in a transaction works after its commit, for a
 *	    time that nobody knows, and takes one job for a table: so it is used
 *	    there only if no later statement of the file names the table, or an
 *	    index, which may be the table's, and no other job or VALIDATE is left
 *	    for after the commit;
 *	  - VALIDATE belongs behind the COMMIT, and so does not suit a file that a
 *	    tool wraps into a transaction;
 *	  - a constraint without a name is left to osc_start(), for the name that
 *	    the server would choose is not known.
 *
 *-------------------------------------------------------------------------
 */
#include "linter.h"

#include <string.h>

/* Add an edit to a finding: the bytes from..to give way to the text. */
void
fix_replace(Check *check, Finding *finding, size_t from, size_t to, const char *text)
{
	Edit	   *edit = arena_alloc(&check->linter->arena, sizeof(Edit));

	edit->from = from;
	edit->to = to;
	edit->text = text;
	list_push(&finding->edits, edit);
}

static const char *
newline(const Source *source)
{
	const char *first = memchr(source->data, '\n', source->length);

	return first != NULL && first > source->data && first[-1] == '\r' ? "\r\n" : "\n";
}

/* the white space that a statement's line begins with */
static const char *
indent(Check *check)
{
	const char *data = check->source->data;
	size_t		begin = check->statement->start;
	size_t		end;

	while (begin > 0 && data[begin - 1] != '\n')
		begin--;
	end = begin;
	while (end < check->statement->start && (data[end] == ' ' || data[end] == '\t'))
		end++;
	return arena_strndup(&check->linter->arena, data + begin, end - begin);
}

/* behind a statement, and a comment on its line */
static size_t
behind(const Source *source, const Statement *statement)
{
	size_t		at = statement->stop;

	for (;;)
	{
		Token		token;

		while (at < source->length && (source->data[at] == ' ' || source->data[at] == '\t'))
			at++;
		if (at >= source->length || source->data[at] == '\n' || source->data[at] == '\r')
			return at;
		token = token_at(source->data, source->length, at);
		if (token.kind != TOKEN_COMMENT || memchr(source->data + at, '\n', token.end - at) != NULL)
			return statement->stop;
		at = token.end;
	}
}

/* whether a string has the word: osc_start('ALTER TABLE t ...'), 't'::regclass */
static bool
string_has_word(const Source *source, Token token, const char *word)
{
	size_t		length = strlen(word);

	for (size_t at = token.start; length > 0 && at + length <= token.end; at++)
		if (same_word_n(source->data + at, length, word) &&
			(at == token.start || !is_ident_char(source->data[at - 1])) &&
			(at + length == token.end || !is_ident_char(source->data[at + length])))
			return true;
	return false;
}

static bool
names_word(const Source *source, const Statement *statement, const char *word)
{
	Token		token = next_word(source, statement->start, statement->end);

	while (token.kind != TOKEN_END)
	{
		size_t		quote = token.kind == TOKEN_NAME ? 1 : 0;

		if (token.kind == TOKEN_STRING && string_has_word(source, token, word))
			return true;
		if ((token.kind == TOKEN_WORD || token.kind == TOKEN_NAME) && token.end - token.start > 2 * quote &&
			same_word_n(source->data + token.start + quote, token.end - token.start - 2 * quote, word))
			return true;
		token = next_word(source, token.end, statement->end);
	}
	return false;
}

/* the COMMIT of the transaction of this statement; NULL: another statement ends it, or none */
static const Statement *
commit_of(const Check *check)
{
	static const char *const others[] = {"rollback", "abort", "prepare", "begin", "start"};
	const List *statements = &check->source->statements;
	bool		later = false;

	for (size_t i = 0; i < statements->count; i++)
	{
		const Statement *statement = statements->items[i];
		Token		token = next_word(check->source, statement->start, statement->end);

		if (later && (token_is(check->source, token, "commit") || token_is(check->source, token, "end")))
			return statement;
		for (size_t j = 0; later && j < sizeof(others) / sizeof(others[0]); j++)
			if (token_is(check->source, token, others[j]))
				return NULL;
		later |= statement == check->statement;
	}
	return NULL;
}

/* whether a later statement of the transaction has the word, and one of the verbs if there are any */
static bool
later_names(const Check *check, const char *word, const char *const *verbs)
{
	const List *statements = &check->source->statements;
	const Statement *commit = commit_of(check);
	bool		later = false;

	for (size_t i = 0; i < statements->count && statements->items[i] != commit; i++)
	{
		const Statement *statement = statements->items[i];
		bool		has_verb = verbs == NULL;

		for (const char *const *verb = verbs; later && verb != NULL && *verb != NULL; verb++)
			has_verb |= names_word(check->source, statement, *verb);
		if (later && has_verb && names_word(check->source, statement, word))
			return true;
		later |= statement == check->statement;
	}
	return false;
}

/* the name by which later statements would refer to what this one changes */
static const char *
object_name(const Check *check)
{
	const Node *objects = tree_get(check->node, "objects");
	const Node *relations = tree_get(check->node, "rels");

	if (objects != NULL && objects->child != NULL)
		return tree_last_name(tree_path(objects->child, "List.items"));
	if (relations != NULL && relations->child != NULL)
		return tree_text(tree_path(relations->child, "VacuumRelation.relation"), "relname");
	return tree_text(tree_get(check->node, "relation"), "relname");
}

/* whether a statement names an index, whose table may be any: DROP, ALTER or REINDEX INDEX */
static bool
is_on_index(const Source *source, const Statement *statement)
{
	Token		verb = next_word(source, statement->start, statement->end);
	Token		next = next_word(source, verb.end, statement->end);

	if (token_is(source, verb, "reindex"))
		return names_word(source, statement, "index");
	return (token_is(source, verb, "drop") || token_is(source, verb, "alter")) && token_is(source, next, "index");
}

/* whether what follows in the file may name the table; of an index that is not known: changes any */
static bool
named_afterwards(const Check *check, const char *name, bool by_index)
{
	static const char *const changes[] = {"alter", "create", "drop", "reindex", "cluster", "vacuum", "truncate", "osc_start"};
	const List *statements = &check->source->statements;
	bool		later = false;

	for (size_t i = 0; i < statements->count; i++)
	{
		const Statement *statement = statements->items[i];

		if (later && (names_word(check->source, statement, name) || is_on_index(check->source, statement)))
			return true;
		for (size_t j = 0; later && by_index && j < sizeof(changes) / sizeof(changes[0]); j++)
			if (names_word(check->source, statement, changes[j]))
				return true;
		later |= statement == check->statement;
	}
	return false;
}

/* whether a statement starts a job that may be for the same table */
static bool
starts_job_on(const Check *check, const Statement *statement, const char *name, bool by_index)
{
	return names_word(check->source, statement, "osc_start") &&
		(by_index || names_word(check->source, statement, name) ||
		 (names_word(check->source, statement, "index") &&
		  (names_word(check->source, statement, "drop") || names_word(check->source, statement, "reindex"))));
}

/*
 * Whether a job, or a VALIDATE, on the table can be left for after the
 * transaction: a table takes one job at a time, and nothing else meanwhile.
 * If so, note it.
 */
static bool
leave_for_afterwards(Check *check, const char *name, bool job, bool by_index)
{
	Transaction *transaction = &check->linter->transaction;
	const List *statements = &check->source->statements;
	const Statement *commit = commit_of(check);
	bool		inside = transaction->begin == NULL;
	Afterwards *one;

	if (job && named_afterwards(check, name, by_index))
		return false;
	for (const Afterwards *other = transaction->afterwards; other != NULL; other = other->next)
		if ((job || other->job) && (by_index || other->by_index || same_word(other->table, name)))
			return false;
	for (size_t i = 0; i < statements->count && statements->items[i] != commit; i++)
	{
		if (inside && statements->items[i] != check->statement && starts_job_on(check, statements->items[i], name, by_index))
			return false;
		inside |= statements->items[i] == transaction->begin;
	}
	one = arena_alloc(&check->linter->arena, sizeof(Afterwards));
	*one = (Afterwards) {arena_strdup(&check->linter->arena, name), job, by_index, transaction->afterwards};
	transaction->afterwards = one;
	return true;
}

/*
 * The whole statement becomes a call of osc_start(), outside a transaction
 * with a wait for its end, for the next statement counts on it.
 */
void
fix_with_osc_start(Check *check, Finding *finding)
{
	bool		in_block = check->linter->transaction.number != 0;
	const char *name = object_name(check);
	bool		by_index = strcmp(check->kind, "DropStmt") == 0 || tree_is(check->node, "kind", "REINDEX_OBJECT_INDEX");

	if (finding->osc_start == NULL || name == NULL || finding->edits.count > 0)
		return;
	if (in_block && (check->statement->has_variables || !leave_for_afterwards(check, name, true, by_index)))
		return;
	fix_replace(check, finding, check->statement->start, check->statement->end,
				arena_printf(&check->linter->arena, in_block ? "SELECT %s" : "CALL osc_wait(%s)", finding->osc_start));
}

static bool
has_comment(const Check *check)
{
	size_t		at = check->statement->start;

	while (at < check->statement->end)
	{
		Token		token = token_at(check->source->data, check->statement->end, at);

		if (token.kind == TOKEN_COMMENT)
			return true;
		at = token.end;
	}
	return false;
}

/* "ALTER TABLE name" as it is written; *end: where it ends */
static const char *
alter_prefix(Check *check, size_t *end)
{
	*end = skip_name(check->source, spot_of(check, tree_get(check->node, "relation")), check->statement->end);
	return arena_strndup(&check->linter->arena, check->source->data + check->statement->start, *end - check->statement->start);
}

static const char *
token_text(Check *check, Token token)
{
	return arena_strndup(&check->linter->arena, check->source->data + token.start, token.end - token.start);
}

/* add a statement behind another one */
static void
add_behind(Check *check, Finding *finding, const Statement *statement, const char *text)
{
	bool		ended = statement->stop > statement->end;
	size_t		at = ended ? behind(check->source, statement) : statement->end;

	fix_replace(check, finding, at, at,
				arena_printf(&check->linter->arena, "%s%s%s%s%s", ended ? "" : ";", newline(check->source), indent(check), text,
							 ended ? ";" : ""));
}

/*
 * NOT VALID, and VALIDATE behind the statement or the COMMIT.  False if that
 * does not do here.
 */
bool
fix_not_valid(Check *check, Finding *finding, const Node *constraint)
{
	static const char *const verbs[] = {"drop", "rename", "set", NULL};
	const char *name = tree_text(constraint, "conname");
	const Transaction *transaction = &check->linter->transaction;
	const Statement *commit = transaction->number != 0 ? commit_of(check) : check->statement;
	Token		token = next_word(check->source, spot_of(check, constraint), check->statement->end);
	size_t		end;
	size_t		prefix_end;

	if (name == NULL || commit == NULL || transaction->implicit || check->statement->has_variables ||
		!token_is(check->source, token, "constraint"))
		return false;
	if (transaction->number != 0 &&
		(later_names(check, name, NULL) || later_names(check, object_name(check), verbs) ||
		 !leave_for_afterwards(check, object_name(check), false, false)))
		return false;
	end = part_end(check->source, token.start, check->statement->end);
	token = next_word(check->source, token.end, check->statement->end);
	fix_replace(check, finding, end, end, " NOT VALID");
	add_behind(check, finding, commit,
			   arena_printf(&check->linter->arena, "%s VALIDATE CONSTRAINT %s", alter_prefix(check, &prefix_end), token_text(check, token)));
	return true;
}

static bool
is_only_command(const Check *check)
{
	const Node *commands = tree_get(check->node, "cmds");

	return commands != NULL && commands->child != NULL && commands->child->next == NULL;
}

/*
 * A CHECK constraint proves the column before SET NOT NULL.  False if that
 * does not do here.
 */
bool
fix_set_not_null(Check *check, Finding *finding, const char *column_name)
{
	Arena	   *arena = &check->linter->arena;
	size_t		end;
	const char *prefix = alter_prefix(check, &end);
	char		short_name[33] = {0};
	const char *constraint;
	const char *column;
	Token		token;

	if (check->linter->transaction.number != 0 || !is_only_command(check) || has_comment(check) ||
		check->statement->has_variables)
		return false;
	token = next_word(check->source, end, check->statement->end);
	if (token_is(check->source, token, "*"))
		return false;
	token = next_word(check->source, token.end, check->statement->end);
	if (token_is(check->source, token, "column"))
		token = next_word(check->source, token.end, check->statement->end);
	column = token_text(check, token);
	for (size_t i = 0, n = 0; column_name[i] != '\0' && n < sizeof(short_name) - 1; i++)
		if ((column_name[i] >= 'a' && column_name[i] <= 'z') || (column_name[i] >= '0' && column_name[i] <= '9') || column_name[i] == '_')
			short_name[n++] = column_name[i];
	constraint = arena_printf(arena, "osc_lint_%s_not_null", short_name);
	fix_replace(check, finding, check->statement->start, check->statement->start,
				arena_printf(arena, "%s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID;%s%s%s VALIDATE CONSTRAINT %s;%s%s",
							 prefix, constraint, column, newline(check->source), indent(check),
							 prefix, constraint, newline(check->source), indent(check)));
	add_behind(check, finding, check->statement, arena_printf(arena, "%s DROP CONSTRAINT %s", prefix, constraint));
	return true;
}

/*
 * A unique index, built concurrently, for a UNIQUE constraint.  False if that
 * does not do here.
 */
bool
fix_unique(Check *check, Finding *finding, const Node *constraint)
{
	static const char *const refused[] = {"deferrable", "initdeferred", "including", "options", "indexspace", "nulls_not_distinct", NULL};
	Arena	   *arena = &check->linter->arena;
	const Node *relation = tree_get(check->node, "relation");
	const Table *table = catalog_find(&check->linter->catalog, tree_text(relation, "schemaname"), tree_text(relation, "relname"));
	Token		token = next_word(check->source, spot_of(check, constraint), check->statement->end);
	size_t		at = spot_of(check, relation);
	size_t		end;
	const char *prefix = alter_prefix(check, &end);
	const char *table_name = arena_strndup(arena, check->source->data + at, end - at);
	const char *name;
	size_t		columns;

	for (const char *const *key = refused; *key != NULL; key++)
		if (tree_get(constraint, *key) != NULL)
			return false;
	if (check->linter->transaction.number != 0 || !is_only_command(check) || has_comment(check) ||
		check->statement->has_variables || !tree_flag(relation, "inh") || tree_flag(check->node, "missing_ok") ||
		(table != NULL && table->partitioned) || !token_is(check->source, token, "constraint"))
		return false;
	token = next_word(check->source, token.end, check->statement->end);
	name = token_text(check, token);
	token = next_word(check->source, token.end, check->statement->end);
	columns = next_word(check->source, token.end, check->statement->end).start;
	if (!token_is(check->source, token, "unique") || check->source->data[columns] != '(')
		return false;
	end = part_end(check->source, columns, check->statement->end);
	fix_replace(check, finding, check->statement->start, check->statement->end,
				arena_printf(arena, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s %.*s;%s%s%s ADD CONSTRAINT %s UNIQUE USING INDEX %s",
							 name, table_name, (int) (end - columns), check->source->data + columns,
							 newline(check->source), indent(check), prefix, name, name));
	return true;
}

/*
 * CONCURRENTLY behind one of these words.  False if that does not do here.
 */
bool
fix_concurrently(Check *check, Finding *finding, const char *const *after)
{
	Token		token = next_word(check->source, check->statement->start, check->statement->end);

	if (check->linter->transaction.number != 0)
		return false;
	for (; token.kind != TOKEN_END; token = next_word(check->source, token.end, check->statement->end))
		for (const char *const *word = after; *word != NULL; word++)
			if (token_is(check->source, token, *word))
			{
				fix_replace(check, finding, token.end, token.end, " CONCURRENTLY");
				return true;
			}
	return false;
}

/*
 * SET lock_timeout before the statement; before comments for osc-lint, too,
 * for they belong to the statement that follows them.
 */
void
fix_lock_timeout(Check *check, Finding *finding)
{
	const Source *source = check->source;
	size_t		at = check->statement->start;

	for (size_t i = source->directives.count; i-- > 0;)
	{
		const Directive *directive = source->directives.items[i];

		if (directive->start < at && directive->start >= check->statement->lead &&
			(check->statement->lead == 0 || memchr(source->data + check->statement->lead, '\n', directive->start - check->statement->lead) != NULL))
			at = directive->start;
	}
	fix_replace(check, finding, at, at,
				arena_printf(&check->linter->arena, "SET %slock_timeout = '2s';%s%s",
							 check->linter->transaction.number != 0 ? "LOCAL " : "", newline(source), indent(check)));
	finding->edits_last = true;
}

/* ---------------------------------------------------------------- making them */

static bool
overlaps(const List *edits, const Edit *edit)
{
	for (size_t i = 0; i < edits->count; i++)
	{
		const Edit *other = edits->items[i];

		if (edit->from < other->to && other->from < edit->to)
			return true;
		/* two insertions at one place, or one at the edge of a replacement */
		if ((edit->from == edit->to || other->from == other->to) && edit->from <= other->to && other->from <= edit->to)
			return true;
	}
	return false;
}

static void
accept_edits(const Source *source, const List *findings, bool last, List *accepted)
{
	for (size_t i = 0; i < findings->count; i++)
	{
		const Finding *finding = findings->items[i];
		bool		fits = finding->source == source && finding->edits_last == last;

		for (size_t j = 0; fits && j < finding->edits.count; j++)
			fits = !overlaps(accepted, finding->edits.items[j]);
		for (size_t j = 0; fits && j < finding->edits.count; j++)
			list_push(accepted, finding->edits.items[j]);
	}
}

/*
 * Make the edits of a source's findings that do not get in each other's way.
 * False if there is none.  The caller frees the result.
 */
bool
apply_edits(const Source *source, const List *findings, Text *result)
{
	List		edits = {0};
	size_t		at = 0;
	bool		any;

	accept_edits(source, findings, false, &edits);
	if (edits.count == 0)
		accept_edits(source, findings, true, &edits);
	any = edits.count > 0;
	/* in order of place */
	for (size_t i = 1; i < edits.count; i++)
		for (size_t j = i; j > 0 && ((Edit *) edits.items[j - 1])->from > ((Edit *) edits.items[j])->from; j--)
		{
			void	   *swap = edits.items[j];

			edits.items[j] = edits.items[j - 1];
			edits.items[j - 1] = swap;
		}
	for (size_t i = 0; i < edits.count; i++)
	{
		const Edit *edit = edits.items[i];

		text_add(result, source->data + at, edit->from - at);
		text_puts(result, edit->text);
		at = edit->to;
	}
	if (any)
		text_add(result, source->data + at, source->length - at);
	list_clear(&edits);
	return any;
}
