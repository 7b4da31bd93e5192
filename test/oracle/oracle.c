/*-------------------------------------------------------------------------
 *
 * oracle.c
 *	  What PostgreSQL's parser says of SQL texts, told by libpg_query: the
 *	  oracle of test/t/012_oracle.pl.
 *
 * Reads texts from standard input, each ended by a NUL byte, and writes one
 * line of JSON for each:
 *
 *	  {"error": null or "message", "tree": parse tree or null,
 *	   "split": [[location, length], ...]}
 *
 * A program of its own: libpg_query is never linked into the server, whose
 * symbols it has, too.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pg_query.h>

/* a JSON string, or null */
static void
put_string(const char *s)
{
	if (s == NULL)
	{
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (; *s; s++)
	{
		unsigned char c = (unsigned char) *s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
tell(const char *sql)
{
	PgQueryParseResult parsed = pg_query_parse(sql);
	PgQuerySplitResult split = pg_query_split_with_parser(sql);
	int			i;

	fputs("{\"error\": ", stdout);
	put_string(parsed.error ? parsed.error->message : NULL);
	printf(", \"tree\": %s, \"split\": [", parsed.error ? "null" : parsed.parse_tree);
	for (i = 0; split.error == NULL && i < split.n_stmts; i++)
		printf("%s[%d, %d]", i ? ", " : "", split.stmts[i]->stmt_location, split.stmts[i]->stmt_len);
	puts("]}");
	pg_query_free_split_result(split);
	pg_query_free_parse_result(parsed);
}

int
main(void)
{
	char	   *text = NULL;
	size_t		size = 0;

	while (getdelim(&text, &size, '\0', stdin) > 0)
		tell(text);
	free(text);
	pg_query_exit();
	return ferror(stdin) ? 1 : 0;
}
