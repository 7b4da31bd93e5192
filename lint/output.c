/*-------------------------------------------------------------------------
 *
 * output.c
 *	  Showing findings to people, and to GitHub; and the rules themselves.
 *
 *-------------------------------------------------------------------------
 */
#include "output.h"

#include <pg_query.h>
#include <string.h>

#define MAX_LINES 8				/* of a statement are shown whole */

static void write_text(FILE *out, const Linter *linter, const Counts *counts, bool colour);
static void write_github(FILE *out, const Linter *linter, const Counts *counts, bool colour);

static const Format formats[] = {
	{"text", write_text}, {"json", write_json}, {"sarif", write_sarif}, {"github", write_github}
};

/* The format of that name, or NULL. */
const Format *
format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

/* How many findings there are of each severity. */
Counts
count_findings(const Linter *linter, size_t files)
{
	Counts		counts = {.files = files};

	for (size_t i = 0; i < linter->findings.count; i++)
	{
		const Finding *finding = linter->findings.items[i];

		counts.errors += finding->severity == OSC_RULE_ERROR;
		counts.warnings += finding->severity == OSC_RULE_WARNING;
		counts.infos += finding->severity == OSC_RULE_INFO;
	}
	return counts;
}

/* A kind of harm in a word. */
const char *
kind_name(OscRuleKind kind)
{
	static const char *const names[] = {"none", "blocking", "locking", "breaking", "failing", "transaction", "design"};

	return names[kind];
}

/* What a finding says, in one line. */
const char *
headline(const Finding *finding, Arena *arena)
{
	const OscRule *rule = finding->rule;
	const char *subject = finding->subject != NULL ? arena_printf(arena, " (%s)", finding->subject) : "";

	if ((rule->kind == OSC_RULE_BLOCKING && rule->strategy != NULL) || strcmp(rule->id, "detach-partition") == 0)
		return arena_printf(arena, "%s%s: %s; lock: %s; blocks: %s", rule->change, subject, rule->native, rule->lock, rule->blocks);
	return arena_printf(arena, "%s%s", rule->change, subject);
}

/* ---------------------------------------------------------------- text */

typedef struct Paint
{
	const char *bold;
	const char *red;
	const char *yellow;
	const char *blue;
	const char *dim;
	const char *off;
} Paint;

static const Paint plain = {"", "", "", "", "", ""};
static const Paint coloured = {"\033[1m", "\033[1;31m", "\033[1;33m", "\033[1;34m", "\033[2m", "\033[0m"};

static const char *
severity_paint(const Paint *paint, OscRuleSeverity severity)
{
	if (severity == OSC_RULE_ERROR)
		return paint->red;
	return severity == OSC_RULE_WARNING ? paint->yellow : paint->blue;
}

static size_t
line_end(const Source *source, size_t at)
{
	while (at < source->length && source->data[at] != '\n')
		at++;
	return at > 0 && at <= source->length && source->data[at - 1] == '\r' ? at - 1 : at;
}

/* one line of a file; control characters of a hostile file are not for the terminal */
static void
write_line(FILE *out, const Paint *paint, const Source *source, size_t from, int number)
{
	size_t		end = line_end(source, from);

	fprintf(out, "%s%6d |%s ", paint->dim, number, paint->off);
	for (size_t i = from; i < end; i++)
	{
		unsigned char c = (unsigned char) source->data[i];

		fputc((c < 0x20 && c != '\t') || c == 0x7F ? '?' : c, out);
	}
	fputc('\n', out);
}

static void
write_caret(FILE *out, const Paint *paint, const Source *source, size_t from, size_t spot, size_t spot_end)
{
	size_t		end = line_end(source, from);

	fprintf(out, "%s       |%s ", paint->dim, paint->off);
	for (size_t i = from; i < spot; i++)
		if (((unsigned char) source->data[i] & 0xC0) != 0x80)
			fputc(source->data[i] == '\t' ? '\t' : ' ', out);
	fputs(paint->bold, out);
	fputc('^', out);
	for (size_t i = spot + 1; i < spot_end && i < end; i++)
		if (((unsigned char) source->data[i] & 0xC0) != 0x80)
			fputc('~', out);
	fprintf(out, "%s\n", paint->off);
}

/* the lines of the statement around a spot, with a caret under it */
static void
write_excerpt(FILE *out, const Paint *paint, const Source *source, size_t start, size_t end, size_t spot, size_t spot_end)
{
	int			number;
	int			column;
	int			lines = 1;
	size_t		at = start;

	for (size_t i = start; i < end; i++)
		lines += source->data[i] == '\n';
	if (lines > MAX_LINES)
		at = spot;
	source_place(source, at, &number, &column);
	while (at > 0 && source->data[at - 1] != '\n')
		at--;
	do
	{
		size_t		next = at;

		while (next < source->length && source->data[next] != '\n')
			next++;
		write_line(out, paint, source, at, number++);
		if (spot >= at && spot <= next)
			write_caret(out, paint, source, at, spot, spot_end);
		at = next + 1;
	} while (at < end && lines <= MAX_LINES);
}

static void
write_finding(FILE *out, const Paint *paint, const Finding *finding, Arena *arena)
{
	const Source *source = finding->source;
	int			line;
	int			column;

	source_place(source, finding->spot, &line, &column);
	fprintf(out, "%s%s:%d:%d:%s %s%s:%s %s%s%s [%s]\n", paint->bold, source->name, line, column, paint->off,
			severity_paint(paint, finding->severity), severity_name(finding->severity), paint->off,
			paint->bold, headline(finding, arena), paint->off, finding->rule->id);
	write_excerpt(out, paint, source, finding->statement->start, finding->statement->end, finding->spot, finding->spot_end);
	fprintf(out, "  why:    %s\n", finding->rule->why);
	if (finding->doubt != NULL)
		fprintf(out, "  unsure: %s\n", finding->doubt);
	fprintf(out, "  safe:   %s\n", finding->rule->safe);
	if (finding->advice != NULL)
		fprintf(out, "          %s\n", finding->advice);
	if (finding->osc_start != NULL)
		fprintf(out, "  online: SELECT %s;\n", finding->osc_start);
	fputc('\n', out);
}

static void
write_problem(FILE *out, const Paint *paint, const Problem *problem)
{
	if (problem->line > 0)
		fprintf(out, "%s%s:%d:%d:%s ", paint->bold, problem->file, problem->line, problem->column, paint->off);
	else
		fprintf(out, "%s%s:%s ", paint->bold, problem->file, paint->off);
	fprintf(out, "%sfatal:%s %s\n", paint->red, paint->off, problem->message);
	if (problem->source != NULL)
		write_excerpt(out, paint, problem->source, problem->offset, problem->offset, problem->offset, problem->offset + 1);
	if (problem->hint != NULL)
		fprintf(out, "  %s\n", problem->hint);
	fputc('\n', out);
}

static void
write_text(FILE *out, const Linter *linter, const Counts *counts, bool colour)
{
	const Paint *paint = colour ? &coloured : &plain;
	Arena		arena = {0};

	for (size_t i = 0; i < linter->findings.count; i++)
		write_finding(out, paint, linter->findings.items[i], &arena);
	for (size_t i = 0; i < linter->problems.count; i++)
		write_problem(out, paint, linter->problems.items[i]);
	fprintf(out, "%zu file%s: %zu error%s, %zu warning%s, %zu info", counts->files, counts->files == 1 ? "" : "s",
			counts->errors, counts->errors == 1 ? "" : "s", counts->warnings, counts->warnings == 1 ? "" : "s", counts->infos);
	if (linter->problems.count > 0)
		fprintf(out, ", %zu not read", linter->problems.count);
	fputc('\n', out);
	arena_free(&arena);
}

/* ---------------------------------------------------------------- GitHub */

static void
write_command_text(FILE *out, const char *text, bool property)
{
	for (; *text != '\0'; text++)
	{
		if (*text == '%' || *text == '\r' || *text == '\n' || (property && (*text == ':' || *text == ',')))
			fprintf(out, "%%%02X", (unsigned char) *text);
		else
			fputc(*text, out);
	}
}

static void
write_command(FILE *out, const char *level, const char *file, int line, int column, const char *title)
{
	fprintf(out, "::%s file=", level);
	write_command_text(out, file, true);
	if (line > 0)
		fprintf(out, ",line=%d,col=%d", line, column);
	fputs(",title=", out);
	write_command_text(out, title, true);
	fputs("::", out);
}

static void
write_github(FILE *out, const Linter *linter, const Counts *counts, bool colour)
{
	Arena		arena = {0};

	(void) counts;
	(void) colour;
	for (size_t i = 0; i < linter->findings.count; i++)
	{
		const Finding *finding = linter->findings.items[i];
		int			line;
		int			column;

		source_place(finding->source, finding->spot, &line, &column);
		write_command(out, finding->severity == OSC_RULE_INFO ? "notice" : severity_name(finding->severity),
					  finding->source->name, line, column, finding->rule->id);
		write_command_text(out, arena_printf(&arena, "%s.\n%s%s%s\n%s%s%s%s", headline(finding, &arena), finding->rule->why,
											 finding->doubt != NULL ? "\n" : "", finding->doubt != NULL ? finding->doubt : "",
											 finding->rule->safe, finding->osc_start != NULL ? "\nSELECT " : "",
											 finding->osc_start != NULL ? finding->osc_start : "",
											 finding->osc_start != NULL ? ";" : ""), false);
		fputc('\n', out);
	}
	for (size_t i = 0; i < linter->problems.count; i++)
	{
		const Problem *problem = linter->problems.items[i];

		write_command(out, "error", problem->file, problem->line, problem->column, "osc-lint");
		write_command_text(out, problem->message, false);
		if (problem->hint != NULL)
		{
			fputs("%0A", out);
			write_command_text(out, problem->hint, false);
		}
		fputc('\n', out);
	}
	arena_free(&arena);
}

/* ---------------------------------------------------------------- rules */

/* --rules: one line for each */
void
write_rules(FILE *out)
{
	const OscRule *rule;

	for (size_t i = 0; (rule = osc_rule_at(i)) != NULL; i++)
		if (rule->severity != OSC_RULE_FINE)
			fprintf(out, "%-30s %-8s %s\n", rule->id, severity_name(rule->severity), rule->change);
}

/* --explain: all that is known of one */
void
write_rule(FILE *out, const OscRule *rule)
{
	fprintf(out, "%s (%s)\n\n", rule->id, rule->severity == OSC_RULE_FINE ? "fine as it is" : severity_name(rule->severity));
	fprintf(out, "  change:     %s\n", rule->change);
	fprintf(out, "  PostgreSQL: %s\n", rule->native);
	fprintf(out, "  lock:       %s\n", rule->lock);
	fprintf(out, "  blocks:     %s\n", rule->blocks);
	fprintf(out, "  why:        %s\n", rule->why);
	fprintf(out, "  safe:       %s\n", rule->safe);
	if (rule->strategy != NULL)
		fprintf(out, "  osc_start:  strategy %s: %s\n", rule->strategy, rule->note);
}
