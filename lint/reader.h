/*-------------------------------------------------------------------------
 *
 * reader.h
 *	  Taking a file apart: tokens, statements, comments.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_READER_H
#define LINT_READER_H

#include "util.h"

typedef enum TokenKind
{
	TOKEN_END,
	TOKEN_COMMENT,
	TOKEN_WORD,					/* a key word or a name without quotes */
	TOKEN_NAME,					/* a name in double quotes */
	TOKEN_STRING,
	TOKEN_NUMBER,
	TOKEN_VARIABLE,				/* of psql, or ${name} */
	TOKEN_COMMAND,				/* a backslash command of psql, its line included */
	TOKEN_OPERATOR,				/* one character, or :: and := */
	TOKEN_BROKEN				/* a string, name or comment without an end */
} TokenKind;

typedef struct Token
{
	TokenKind	kind;
	size_t		start;
	size_t		end;
} Token;

/* one statement of a file; offsets are in bytes of the file */
typedef struct Statement
{
	size_t		lead;			/* behind the end of the one before */
	size_t		start;			/* its first token that is no comment */
	size_t		end;			/* behind its last token */
	size_t		stop;			/* behind the semicolon that ends it */
	bool		has_variables;	/* of psql, or ${placeholders} */
	bool		has_psql_variables;
	bool		too_deep;		/* nested deeper than the parser can bear */
	const char *command;		/* set: not SQL, but this command of psql */
} Statement;

/* an instruction to osc-lint in a comment */
typedef struct Directive
{
	size_t		start;			/* of the comment */
	const char *text;			/* behind "osc-lint:", trimmed */
} Directive;

typedef struct Source
{
	const char *name;			/* as it is shown */
	const char *data;			/* terminated */
	size_t		length;
	List		statements;		/* Statement * */
	List		directives;		/* Directive * */
	List		long_names;		/* Token *: names of more than 63 bytes */
	size_t	   *lines;			/* where each line begins */
	size_t		line_count;
} Source;

extern Token token_at(const char *data, size_t length, size_t at);
extern Token next_word(const Source *source, size_t at, size_t end);
extern bool token_is(const Source *source, Token token, const char *word);
extern size_t skip_name(const Source *source, size_t at, size_t end);
extern size_t part_end(const Source *source, size_t at, size_t end);
extern void source_find_lines(Source *source);
extern void source_read(Source *source, Arena *arena);
extern void source_free(Source *source);
extern const char *statement_text(const Source *source, const Statement *statement, Arena *arena, bool substitute);
extern void source_place(const Source *source, size_t offset, int *line, int *column);

#endif							/* LINT_READER_H */
