/*-------------------------------------------------------------------------
 *
 * fuzz.c
 *	  The whole way from bytes to output, for libFuzzer.
 *
 * The first byte chooses the settings, the rest is a file: it is linted, its
 * edits are made, the result is linted again, and all formats are written.
 * An edited file must parse as well as the original did.
 *
 *-------------------------------------------------------------------------
 */
#include <pg_query.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *sink;

static void
write_all(const Linter *linter)
{
	static const char *const names[] = {"text", "json", "sarif", "github"};
	Counts		counts = count_findings(linter, 1);

	if (sink == NULL)
		sink = fopen("/dev/null", "w");
	for (size_t i = 0; sink != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		format_find(names[i])->write(sink, linter, &counts, i % 2 == 0);
}

/* lint; returns whether there were edits, and how many places did not parse */
static bool
lint_once(const Config *config, const char *data, size_t length, Text *edited, size_t *problems)
{
	Linter		linter = {.config = config};
	Source		source = {.name = "fuzz.sql", .data = data, .length = length};
	bool		any;

	lint_source(&linter, &source);
	write_all(&linter);
	*problems = linter.problems.count;
	any = apply_edits(&source, &linter.findings, edited);
	source_free(&source);
	lint_free(&linter);
	return any;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Config		config = {.postgresql = 15};
	Text		current = {0};
	size_t		problems;
	size_t		first_problems = 0;

	if (size == 0)
		return 0;
	config.transactional = data[0] & 1;
	config.utc = data[0] & 2;
	config.postgresql = 12 + (data[0] >> 2 & 7);
	text_add(&current, (const char *) data + 1, size - 1);
	if (utf8_fault(current.data, current.length) == current.length)
		for (int pass = 0; pass < 5; pass++)
		{
			Text		edited = {0};
			bool		any = lint_once(&config, current.data, current.length, &edited, &problems);

			if (pass == 0)
				first_problems = problems;
			else if (problems > first_problems)
				abort();
			text_free(&current);
			current = edited;
			if (!any)
				break;
		}
	text_free(&current);
	return 0;
}
