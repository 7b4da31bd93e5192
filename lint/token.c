/*-------------------------------------------------------------------------
 *
 * token.c
 *	  The tokens of SQL as psql reads it.
 *
 * Finer than a scanner for a grammar needs to be, coarser elsewhere: strings,
 * names, comments and dollar quotes must end where the server thinks they
 * end, and operators may be taken one character at a time.  Backslash
 * commands and variables of psql, and ${placeholders}, are tokens of their
 * own.
 *
 *-------------------------------------------------------------------------
 */
#include "reader.h"

#include <string.h>

/* the end of a quoted thing whose quote is doubled inside it; 0: none */
static size_t
quoted_end(const char *data, size_t length, size_t at, bool backslash)
{
	char		quote = data[at++];

	while (at < length)
	{
		if (backslash && data[at] == '\\' && at + 1 < length)
			at += 2;
		else if (data[at] != quote)
			at++;
		else if (at + 1 < length && data[at + 1] == quote)
			at += 2;
		else
			return at + 1;
	}
	return 0;
}

/* the end of a comment with slash and star, which nest; 0: none */
static size_t
comment_end(const char *data, size_t length, size_t at)
{
	int			depth = 0;

	while (at + 1 < length)
	{
		if (data[at] == '/' && data[at + 1] == '*')
		{
			depth++;
			at += 2;
		}
		else if (data[at] == '*' && data[at + 1] == '/')
		{
			at += 2;
			if (--depth == 0)
				return at;
		}
		else
			at++;
	}
	return 0;
}

/* length of the $tag$ at a place, 0 if there is none */
static size_t
dollar_tag(const char *data, size_t length, size_t at)
{
	size_t		end = at + 1;

	if (end < length && is_ident_start(data[end]))
		while (end < length && is_ident_char(data[end]) && data[end] != '$')
			end++;
	return end < length && data[end] == '$' ? end + 1 - at : 0;
}

static Token
string_token(const char *data, size_t length, size_t start, size_t quote, bool backslash)
{
	size_t		end = quoted_end(data, length, quote, backslash);
	Token		token = {data[quote] == '"' ? TOKEN_NAME : TOKEN_STRING, start, end};

	if (end == 0)
		token = (Token) {TOKEN_BROKEN, start, length};
	return token;
}

static Token
dollar_token(const char *data, size_t length, size_t at)
{
	size_t		tag = dollar_tag(data, length, at);
	size_t		end = at + 1;

	if (tag > 0)
	{
		const char *from = data + at + tag;
		const char *limit = data + length - tag;

		for (; from <= limit; from++)
			if (*from == '$' && memcmp(from, data + at, tag) == 0)
				return (Token) {TOKEN_STRING, at, (size_t) (from - data) + tag};
		return (Token) {TOKEN_BROKEN, at, length};
	}
	if (end < length && data[end] == '{')
	{
		const char *brace = memchr(data + end, '}', length - end);
		const char *line = memchr(data + end, '\n', length - end);

		if (brace != NULL && (line == NULL || brace < line))
			return (Token) {TOKEN_VARIABLE, at, (size_t) (brace - data) + 1};
	}
	while (end < length && data[end] >= '0' && data[end] <= '9')
		end++;
	return (Token) {TOKEN_OPERATOR, at, end};
}

/* a colon: cast, assignment, variable of psql, or itself */
static Token
colon_token(const char *data, size_t length, size_t at)
{
	size_t		end = at + 1;

	if (end < length && (data[end] == ':' || data[end] == '='))
		return (Token) {TOKEN_OPERATOR, at, end + 1};
	if (end < length && (data[end] == '\'' || data[end] == '"'))
	{
		end = quoted_end(data, length, end, false);
		if (end > 0)
			return (Token) {TOKEN_VARIABLE, at, end};
		return (Token) {TOKEN_OPERATOR, at, at + 1};
	}
	if (end + 1 < length && data[end] == '{' && data[end + 1] == '?')
	{
		const char *brace = memchr(data + end, '}', length - end);

		if (brace != NULL)
			return (Token) {TOKEN_VARIABLE, at, (size_t) (brace - data) + 1};
	}
	while (end < length && is_ident_char(data[end]) && data[end] != '$')
		end++;
	return (Token) {end > at + 1 ? TOKEN_VARIABLE : TOKEN_OPERATOR, at, end};
}

/* a word, unless it is the prefix of a string */
static Token
word_token(const char *data, size_t length, size_t at)
{
	size_t		end = at;
	char		c = data[at];

	if (at + 1 < length && data[at + 1] == '\'' && strchr("eEbBxXnN", c) != NULL)
		return string_token(data, length, at, at + 1, c == 'e' || c == 'E');
	if (at + 2 < length && (c == 'u' || c == 'U') && data[at + 1] == '&' &&
		(data[at + 2] == '\'' || data[at + 2] == '"'))
		return string_token(data, length, at, at + 2, false);
	while (end < length && is_ident_char(data[end]) &&
		   !(data[end] == '$' && end + 1 < length && data[end + 1] == '{'))
		end++;
	return (Token) {TOKEN_WORD, at, end};
}

/*
 * The token at or behind a place.  Comments are tokens; white space is not.
 */
Token
token_at(const char *data, size_t length, size_t at)
{
	size_t		end;
	char		c;

	while (at < length && is_space(data[at]))
		at++;
	if (at >= length)
		return (Token) {TOKEN_END, length, length};
	c = data[at];
	end = at + 1;
	if (c == '-' && end < length && data[end] == '-')
	{
		while (end < length && data[end] != '\n' && data[end] != '\r')
			end++;
		return (Token) {TOKEN_COMMENT, at, end};
	}
	if (c == '/' && end < length && data[end] == '*')
	{
		end = comment_end(data, length, at);
		return (Token) {end > 0 ? TOKEN_COMMENT : TOKEN_BROKEN, at, end > 0 ? end : length};
	}
	if (c == '\'' || c == '"')
		return string_token(data, length, at, at, false);
	if (c == '$')
		return dollar_token(data, length, at);
	if (c == ':')
		return colon_token(data, length, at);
	if (c == '\\')
	{
		while (end < length && data[end] != '\n')
			end++;
		return (Token) {TOKEN_COMMAND, at, end};
	}
	if (is_ident_start(c))
		return word_token(data, length, at);
	if (c >= '0' && c <= '9')
	{
		while (end < length && (is_ident_char(data[end]) || data[end] == '.'))
			end++;
		return (Token) {TOKEN_NUMBER, at, end};
	}
	return (Token) {TOKEN_OPERATOR, at, end};
}

/*
 * The token at or behind a place that is no comment, of kind TOKEN_END at the
 * end given.
 */
Token
next_word(const Source *source, size_t at, size_t end)
{
	Token		token;

	do
	{
		token = token_at(source->data, end, at);
		at = token.end;
	} while (token.kind == TOKEN_COMMENT);
	return token;
}

/* Whether a token is that word or character, whatever the case of letters. */
bool
token_is(const Source *source, Token token, const char *word)
{
	return (token.kind == TOKEN_WORD || token.kind == TOKEN_OPERATOR) &&
		same_word_n(source->data + token.start, token.end - token.start, word);
}

/*
 * Where a name ends, with its schema; the place given is where it begins.
 */
size_t
skip_name(const Source *source, size_t at, size_t end)
{
	for (;;)
	{
		Token		token = next_word(source, at, end);

		at = token.end;
		token = next_word(source, at, end);
		if (!token_is(source, token, "."))
			return at;
		at = token.end;
	}
}

/*
 * Where the part of a statement that begins at a place ends: behind its last
 * token before a comma, a closing bracket, or the end given.
 */
size_t
part_end(const Source *source, size_t at, size_t end)
{
	int			depth = 0;
	size_t		result = at;

	for (;;)
	{
		Token		token = next_word(source, at, end);

		if (token.kind == TOKEN_END || (depth == 0 && (token_is(source, token, ",") || token_is(source, token, ")"))))
			return result;
		if (token_is(source, token, "(") || token_is(source, token, "["))
			depth++;
		else if (token_is(source, token, ")") || token_is(source, token, "]"))
			depth--;
		at = result = token.end;
	}
}
