/*-------------------------------------------------------------------------
 *
 * slices.c
 *	  Cutting the text of a statement into that of its sub-commands.
 *
 * The server can parse SQL, but not print a raw parse tree.  Where a plan
 * splits a statement, the parts are cut from the user's own text, with the
 * server's scanner to tell what is a comma and what is within a string: a
 * comma outside of brackets parts sub-commands.
 *
 * Locks: none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "parser/scanner.h"

#include "plan/slices.h"

/* tokens: keywords are numbered from here, others have the scanner's codes */
#define FIRST_KEYWORD 20000

typedef struct Tokens
{
	core_yyscan_t scanner;
	core_yy_extra_type extra;
	int			token;			/* 0 at the end */
	int			start;			/* of the token, in the statement's text */
	char		word[NAMEDATALEN];	/* a keyword, or an identifier */
} Tokens;

static void
next_token(Tokens *scan)
{
	core_YYSTYPE value;
	YYLTYPE		place = 0;

	scan->token = core_yylex(&value, &place, scan->scanner);
	scan->start = place;
	scan->word[0] = '\0';
	if (scan->token >= FIRST_KEYWORD)
		strlcpy(scan->word, value.keyword, NAMEDATALEN);
}

static void
begin_scan(Tokens *scan, const char *text)
{
	static uint16 tokens[2048];

	if (tokens[0] == 0)
	{
		Assert(ScanKeywords.num_keywords < (int) lengthof(tokens));
		for (int i = 0; i < (int) lengthof(tokens); i++)
			tokens[i] = FIRST_KEYWORD + i;
	}
	scan->scanner = scanner_init(text, &scan->extra, &ScanKeywords, tokens);
	next_token(scan);
}

static bool
skip_word(Tokens *scan, const char *word)
{
	if (strcmp(scan->word, word) != 0)
		return false;
	next_token(scan);
	return true;
}

/* go on behind ALTER TABLE [IF EXISTS] [ONLY] name [*] */
static void
skip_to_subcommands(Tokens *scan)
{
	bool		bracket = false;

	(void) skip_word(scan, "alter");
	(void) skip_word(scan, "table");
	if (skip_word(scan, "if"))
		(void) skip_word(scan, "exists");
	(void) skip_word(scan, "only");
	if (scan->token == '(')
	{
		bracket = true;
		next_token(scan);
	}
	next_token(scan);
	while (scan->token == '.')
	{
		next_token(scan);
		next_token(scan);
	}
	if (scan->token == '*' || bracket)
		next_token(scan);
}

/*
 * The places (OscSlice *) of an ALTER TABLE's sub-commands in its source.
 */
List *
osc_subcommand_slices(const OscStatement *s)
{
	Tokens		scan;
	List	   *result = NIL;
	int			depth = 0;
	OscSlice   *slice = palloc(sizeof(OscSlice));

	begin_scan(&scan, s->text);
	skip_to_subcommands(&scan);
	slice->start = s->start + scan.start;
	while (scan.token != 0)
	{
		if (scan.token == '(' || scan.token == '[')
			depth++;
		else if (scan.token == ')' || scan.token == ']')
			depth--;
		else if (scan.token == ',' && depth == 0)
		{
			slice->end = s->start + scan.start;
			result = lappend(result, slice);
			slice = palloc(sizeof(OscSlice));
			next_token(&scan);
			slice->start = s->start + scan.start;
			continue;
		}
		next_token(&scan);
	}
	scanner_finish(scan.scanner);
	slice->end = s->start + (int) strlen(s->text);
	return lappend(result, slice);
}

/*
 * The text of a place, without space around it.
 */
char *
osc_slice_text(const OscStatement *s, OscSlice slice)
{
	const char *text = s->source + slice.start;
	int			length = slice.end - slice.start;

	while (length > 0 && isspace((unsigned char) *text))
		text++, length--;
	while (length > 0 && isspace((unsigned char) text[length - 1]))
		length--;
	return pnstrdup(text, length);
}

/*
 * The statement's text from the first place of a keyword outside of brackets
 * on; NULL if it does not occur.
 */
char *
osc_text_from_keyword(const OscStatement *s, const char *keyword)
{
	Tokens		scan;
	char	   *result = NULL;
	int			depth = 0;

	begin_scan(&scan, s->text);
	while (scan.token != 0 && result == NULL)
	{
		if (scan.token == '(')
			depth++;
		else if (scan.token == ')')
			depth--;
		else if (depth == 0 && strcmp(scan.word, keyword) == 0)
			result = pstrdup(s->text + scan.start);
		next_token(&scan);
	}
	scanner_finish(scan.scanner);
	return result;
}
