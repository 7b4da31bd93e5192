/*-------------------------------------------------------------------------
 *
 * reader.c
 *	  Taking a file apart into statements.
 *
 * As psql does: a semicolon ends a statement, unless it stands in brackets or
 * in the body of a function written with BEGIN ATOMIC; a backslash command
 * stands for itself, and some of them end the statement before them.  The
 * data behind COPY ... FROM STDIN is passed over.
 *
 * libpg_query recurses over the tree that it prints, without a limit.  How
 * deep a tree can be is bounded here from the tokens: operators, casts, joins
 * and UNIONs nest at most once for each token of their part (what stands
 * between two commas), one level deeper in each pair of brackets.
 *
 *-------------------------------------------------------------------------
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAME 63				/* bytes: NAMEDATALEN - 1 */
#define MAX_DEPTH 20000			/* tokens; the parser bears 50,000 on a stack of 8 MB */

/* how deep the tokens so far can nest; one Level for each open bracket */
typedef struct Level
{
	int			tokens;			/* since the last comma */
	int			inner;			/* deepest bracket since the last comma */
	int			deepest;		/* of the parts before that */
} Level;

typedef struct Depth
{
	Level	   *levels;
	size_t		count;
	size_t		size;
} Depth;

/* the state of the search for the end of a statement */
typedef struct Search
{
	Source	   *source;
	Arena	   *arena;
	Statement  *statement;		/* NULL between statements */
	Depth		depth;
	int			brackets;
	int			begins;			/* of BEGIN ATOMIC, and CASE inside it */
	int			words;			/* so far */
	bool		or_replace;
	bool		is_create;		/* CREATE [OR REPLACE] FUNCTION or PROCEDURE */
	bool		is_copy;
	bool		from_stdin;
	Token		before;			/* the token before */
	size_t		lead;
} Search;

static void
depth_push(Depth *depth)
{
	if (depth->count == depth->size)
	{
		depth->size = depth->size > 0 ? depth->size * 2 : 64;
		depth->levels = xrealloc(depth->levels, depth->size * sizeof(Level));
	}
	depth->levels[depth->count++] = (Level) {0};
}

static void
level_close_part(Level *level)
{
	if (level->tokens + level->inner > level->deepest)
		level->deepest = level->tokens + level->inner;
	level->tokens = level->inner = 0;
}

static void
depth_token(Depth *depth, char c, Statement *statement)
{
	Level	   *level;

	if (depth->count == 0)
		depth_push(depth);
	level = &depth->levels[depth->count - 1];
	if (c == '(' || c == '[')
	{
		level->tokens++;
		depth_push(depth);
	}
	else if ((c == ')' || c == ']') && depth->count > 1)
	{
		Level	   *outer = level - 1;

		level_close_part(level);
		if (level->deepest > outer->inner)
			outer->inner = level->deepest;
		depth->count--;
	}
	else if (c == ',')
		level_close_part(level);
	else
		level->tokens++;
	level = &depth->levels[depth->count - 1];	/* pushing may have moved it */
	if (level->tokens + level->inner > MAX_DEPTH || depth->count > MAX_DEPTH)
		statement->too_deep = true;
}

static void
start_statement(Search *search, Token token)
{
	Statement  *statement = arena_alloc(search->arena, sizeof(Statement));

	statement->lead = search->lead;
	statement->start = token.start;
	list_push(&search->source->statements, statement);
	search->statement = statement;
	search->brackets = search->begins = search->words = 0;
	search->is_create = search->or_replace = search->is_copy = search->from_stdin = false;
	search->before = (Token) {0};
	search->depth.count = 0;
}

static void
end_statement(Search *search, size_t stop)
{
	search->statement->stop = stop;
	search->lead = stop;
	search->statement = NULL;
}

/* note what the first words and BEGIN, CASE and END say about the statement */
static void
take_word(Search *search, Token token)
{
	Source	   *source = search->source;
	int			place = search->words++;

	if (place == 0)
	{
		search->is_create = token_is(source, token, "create");
		search->is_copy = token_is(source, token, "copy");
	}
	else if (place == 1 && token_is(source, token, "or"))
		search->or_replace = true;
	else if (place == (search->or_replace ? 3 : 1) && search->is_create)
		search->is_create = token_is(source, token, "function") || token_is(source, token, "procedure");
	if (search->is_copy && token_is(source, token, "stdin") && token_is(source, search->before, "from"))
		search->from_stdin = true;
	if (!search->is_create || search->brackets > 0)
		return;
	if (token_is(source, token, "atomic") && token_is(source, search->before, "begin"))
		search->begins = 1;
	else if (search->begins > 0 && (token_is(source, token, "case") || token_is(source, token, "begin")))
		search->begins++;
	else if (search->begins > 0 && token_is(source, token, "end"))
		search->begins--;
}

/* keep "osc-lint: ..." of a comment */
static void
take_comment(Search *search, Token token)
{
	static const char mark[] = "osc-lint:";
	const char *data = search->source->data;
	size_t		from = token.start + 2;
	size_t		to = token.end;
	Directive  *directive;

	if (data[token.start] == '/')
		to -= 2;
	while (from < to && is_space(data[from]))
		from++;
	if (to - from < strlen(mark) || memcmp(data + from, mark, strlen(mark)) != 0)
		return;
	from += strlen(mark);
	while (from < to && is_space(data[from]))
		from++;
	while (to > from && is_space(data[to - 1]))
		to--;
	directive = arena_alloc(search->arena, sizeof(Directive));
	directive->start = token.start;
	directive->text = arena_strndup(search->arena, data + from, to - from);
	list_push(&search->source->directives, directive);
}

static void
check_name_length(Search *search, Token token)
{
	size_t		length = token.end - token.start;
	const char *data = search->source->data;

	if (token.kind == TOKEN_NAME)
	{
		size_t		doubled = 0;

		if (data[token.start] != '"')
			return;				/* U&: its length is not that of the text */
		for (size_t i = token.start + 1; i + 2 < token.end; i++)
			if (data[i] == '"' && data[i + 1] == '"')
			{
				doubled++;
				i++;
			}
		length -= 2 + doubled;
	}
	if (length > MAX_NAME)
	{
		Token	   *copy = arena_alloc(search->arena, sizeof(Token));

		*copy = token;
		list_push(&search->source->long_names, copy);
	}
}

/*
 * A backslash command: a statement of its own, or the end of the one before
 * it.  Returns where to go on.
 */
static size_t
take_command(Search *search, Token token)
{
	static const char *const ends[] = {"g", "gx", "gset", "gexec", "gdesc", "crosstabview", "watch", NULL};
	const char *data = search->source->data;
	size_t		end = token.start + 1;
	char		name[16] = {0};

	if (end < token.end && data[end] == ';')
	{
		if (search->statement != NULL)
			end_statement(search, end + 1);
		return end + 1;
	}
	while (end < token.end && is_ident_start(data[end]) && end - token.start <= sizeof(name) - 1)
	{
		name[end - token.start - 1] = data[end];
		end++;
	}
	if (search->statement != NULL)
	{
		if (text_in(name, ends))
			end_statement(search, token.end);
	}
	else
	{
		start_statement(search, token);
		search->statement->command = arena_strndup(search->arena, data + token.start, token.end - token.start);
		search->statement->end = token.end;
		end_statement(search, token.end);
	}
	return token.end;
}

/* behind the line "\." that ends the data of COPY; where it began if there is none */
static size_t
skip_copy_data(const Source *source, size_t at)
{
	const char *line = memchr(source->data + at, '\n', source->length - at);

	while (line != NULL)
	{
		const char *text = line + 1;
		size_t		left = source->length - (size_t) (text - source->data);

		if (left >= 2 && memcmp(text, "\\.", 2) == 0 && (left == 2 || text[2] == '\n' || text[2] == '\r'))
			return (size_t) (text - source->data) + 2;
		line = memchr(text, '\n', left);
	}
	return at;
}

/* one token; returns where to go on */
static size_t
take_token(Search *search, Token token)
{
	Source	   *source = search->source;
	char		c = token.kind == TOKEN_OPERATOR ? source->data[token.start] : '\0';

	if (token.kind == TOKEN_COMMENT)
	{
		take_comment(search, token);
		return token.end;
	}
	if (token.kind == TOKEN_COMMAND)
		return take_command(search, token);
	if (c == ';' && search->statement == NULL)
	{
		search->lead = token.end;
		return token.end;
	}
	if (c == ';' && search->brackets == 0 && search->begins == 0)
	{
		bool		skip = search->from_stdin;

		end_statement(search, token.end);
		if (skip)
			search->lead = skip_copy_data(source, token.end);
		return search->lead;
	}
	if (search->statement == NULL)
		start_statement(search, token);
	search->statement->end = token.end;
	depth_token(&search->depth, c, search->statement);
	if (c == '(')
		search->brackets++;
	else if (c == ')' && search->brackets > 0)
		search->brackets--;
	else if (token.kind == TOKEN_WORD)
		take_word(search, token);
	else if (token.kind == TOKEN_VARIABLE)
	{
		search->statement->has_variables = true;
		search->statement->has_psql_variables |= source->data[token.start] == ':';
	}
	if (token.kind == TOKEN_WORD || token.kind == TOKEN_NAME)
		check_name_length(search, token);
	search->before = token;
	return token.end;
}

/* Note where the lines of a file begin: source_place() needs it. */
void
source_find_lines(Source *source)
{
	size_t		size = 64;

	source->lines = xmalloc(size * sizeof(size_t));
	source->lines[0] = 0;
	source->line_count = 1;
	for (size_t i = 0; i < source->length; i++)
	{
		if (source->data[i] != '\n')
			continue;
		if (source->line_count == size)
		{
			size *= 2;
			source->lines = xrealloc(source->lines, size * sizeof(size_t));
		}
		source->lines[source->line_count++] = i + 1;
	}
}

/*
 * Find the statements of a file, and what its comments tell osc-lint.  They
 * live in the arena; source_free() frees the lists.
 */
void
source_read(Source *source, Arena *arena)
{
	Search		search = {.source = source, .arena = arena};
	size_t		at = 0;

	source_find_lines(source);
	if (source->length >= 3 && memcmp(source->data, "\xEF\xBB\xBF", 3) == 0)
		at = search.lead = 3;
	for (;;)
	{
		Token		token = token_at(source->data, source->length, at);

		if (token.kind == TOKEN_END)
			break;
		at = take_token(&search, token);
	}
	if (search.statement != NULL)
		end_statement(&search, search.statement->end);
	if (search.depth.levels != NULL)
		free(search.depth.levels);
}

/* Free what source_read() did not put into the arena. */
void
source_free(Source *source)
{
	list_clear(&source->statements);
	list_clear(&source->directives);
	list_clear(&source->long_names);
	free(source->lines);
	source->lines = NULL;
	source->line_count = 0;
}

/*
 * A variable gives way to a name, string or number as long as itself, so that
 * places in the text stay what they are: :name and ${name} become a name of
 * underscores and letters, :'name' a string, :"name" a name in quotes.
 */
static void
substitute_variable(char *text, size_t start, size_t end)
{
	if (text[start] == ':' && (text[start + 1] == '\'' || text[start + 1] == '"'))
	{
		text[start] = ' ';
		return;
	}
	for (size_t i = start; i < end; i++)
		if (!is_ident_char(text[i]) || text[i] == '$')
			text[i] = '_';
}

/*
 * The text of a statement, with psql's variables and ${placeholders} replaced
 * if asked for.
 */
const char *
statement_text(const Source *source, const Statement *statement, Arena *arena, bool substitute)
{
	size_t		length = statement->end - statement->start;
	char	   *text = arena_strndup(arena, source->data + statement->start, length);

	for (size_t at = 0; substitute && at < length;)
	{
		Token		token = token_at(source->data, statement->end, statement->start + at);

		if (token.kind == TOKEN_VARIABLE)
			substitute_variable(text, token.start - statement->start, token.end - statement->start);
		at = token.end - statement->start;
	}
	return text;
}

/* the number, from 0, of the line that a byte is in */
static size_t
line_of(const Source *source, size_t offset)
{
	size_t		low = 0;
	size_t		high = source->line_count;

	while (high - low > 1)
	{
		size_t		middle = low + (high - low) / 2;

		if (source->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/*
 * Line and column of a byte, both from 1; columns count characters.
 */
void
source_place(const Source *source, size_t offset, int *line, int *column)
{
	size_t		number = line_of(source, offset);
	size_t		begin = number < source->line_count ? source->lines[number] : 0;

	*line = (int) number + 1;
	*column = 1;
	if (begin == 0 && source->length >= 3 && memcmp(source->data, "\xEF\xBB\xBF", 3) == 0)
		begin = 3;
	for (size_t i = begin; i < offset && i < source->length; i++)
		if (((unsigned char) source->data[i] & 0xC0) != 0x80)
			(*column)++;
}
