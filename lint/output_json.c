/*-------------------------------------------------------------------------
 *
 * output_json.c
 *	  Findings for programs: JSON of our own, and SARIF 2.1.0.
 *
 *-------------------------------------------------------------------------
 */
#include "output.h"

#include <pg_query.h>
#include <string.h>

static void
write_string(FILE *out, const char *text, size_t length)
{
	fputc('"', out);
	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c == '\t')
			fputs("\\t", out);
		else if (c < 0x20 || c == 0x7F)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

/* "key": "value" and what comes before it; nothing for NULL */
static void
write_field(FILE *out, const char *before, const char *key, const char *value)
{
	if (value == NULL)
		return;
	fprintf(out, "%s\"%s\": ", before, key);
	/* names of files may be anything: what is not UTF-8 ends the text */
	write_string(out, value, utf8_fault(value, strlen(value)));
}

/* ---------------------------------------------------------------- JSON */

static void
write_json_finding(FILE *out, const Finding *finding, Arena *arena)
{
	const Source *source = finding->source;
	const OscRule *rule = finding->rule;
	int			line;
	int			column;
	int			end_line;
	int			end_column;

	source_place(source, finding->spot, &line, &column);
	source_place(source, finding->spot_end, &end_line, &end_column);
	write_field(out, "    {", "rule", rule->id);
	write_field(out, ", ", "severity", severity_name(finding->severity));
	write_field(out, ", ", "kind", kind_name(rule->kind));
	write_field(out, ", ", "file", source->name);
	fprintf(out, ", \"line\": %d, \"column\": %d, \"end_line\": %d, \"end_column\": %d", line, column, end_line, end_column);
	write_field(out, ",\n     ", "message", headline(finding, arena));
	fputs(",\n     \"statement\": ", out);
	write_string(out, source->data + finding->statement->start, finding->statement->end - finding->statement->start);
	write_field(out, ",\n     ", "native", rule->native);
	write_field(out, ", ", "lock", rule->lock);
	write_field(out, ", ", "blocks", rule->blocks);
	write_field(out, ",\n     ", "why", rule->why);
	write_field(out, ",\n     ", "safe", rule->safe);
	write_field(out, ",\n     ", "advice", finding->advice);
	write_field(out, ",\n     ", "unsure", finding->doubt);
	if (finding->osc_start != NULL)
		write_field(out, ",\n     ", "online", arena_printf(arena, "SELECT %s;", finding->osc_start));
	fprintf(out, ",\n     \"fixable\": %s}", finding->edits.count > 0 ? "true" : "false");
}

static void
write_json_problem(FILE *out, const Problem *problem)
{
	write_field(out, "    {", "file", problem->file);
	if (problem->line > 0)
		fprintf(out, ", \"line\": %d, \"column\": %d", problem->line, problem->column);
	write_field(out, ", ", "message", problem->message);
	write_field(out, ", ", "hint", problem->hint);
	fputc('}', out);
}

/* --format json */
void
write_json(FILE *out, const Linter *linter, const Counts *counts, bool colour)
{
	Arena		arena = {0};

	(void) colour;
	fprintf(out, "{\"version\": \"%s\", \"grammar\": \"%s\", \"files\": %zu, \"errors\": %zu, \"warnings\": %zu, \"infos\": %zu,\n"
			"  \"findings\": [", LINT_VERSION, PG_VERSION, counts->files, counts->errors, counts->warnings, counts->infos);
	for (size_t i = 0; i < linter->findings.count; i++)
	{
		fputs(i > 0 ? ",\n" : "\n", out);
		write_json_finding(out, linter->findings.items[i], &arena);
	}
	fputs("],\n  \"problems\": [", out);
	for (size_t i = 0; i < linter->problems.count; i++)
	{
		fputs(i > 0 ? ",\n" : "\n", out);
		write_json_problem(out, linter->problems.items[i]);
	}
	fputs("]}\n", out);
	arena_free(&arena);
}

/* ---------------------------------------------------------------- SARIF */

static const char *
sarif_level(OscRuleSeverity severity)
{
	return severity == OSC_RULE_INFO ? "note" : severity == OSC_RULE_FINE ? "none" : severity_name(severity);
}

/* a relative reference: all but what may stand in a path is written as %XX */
static void
write_uri(FILE *out, const char *name)
{
	if (strncmp(name, "./", 2) == 0)
		name += 2;
	fputs(name[0] == '/' ? "\"uri\": \"file://" : "\"uri\": \"", out);
	for (; *name != '\0'; name++)
	{
		unsigned char c = (unsigned char) *name;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~/", c) != NULL)
			fputc(c, out);
		else
			fprintf(out, "%%%02X", c);
	}
	fputc('"', out);
}

static void
write_sarif_rule(FILE *out, const OscRule *rule, Arena *arena)
{
	write_field(out, "        {", "id", rule->id);
	write_field(out, ",\n         \"shortDescription\": {", "text", rule->change);
	write_field(out, "},\n         \"fullDescription\": {", "text",
				arena_printf(arena, "%s: %s; lock: %s; blocks: %s. %s", rule->change, rule->native, rule->lock, rule->blocks, rule->why));
	write_field(out, "},\n         \"help\": {", "text", rule->safe);
	write_field(out, "},\n         \"defaultConfiguration\": {", "level", sarif_level(rule->severity));
	fprintf(out, "}, \"properties\": {\"tags\": [\"%s\"]}}", kind_name(rule->kind));
}

/* the index of a rule among those written */
static int
sarif_index(const OscRule *wanted)
{
	int			index = 0;
	const OscRule *rule;

	for (size_t i = 0; (rule = osc_rule_at(i)) != NULL && rule != wanted; i++)
		index += rule->severity != OSC_RULE_FINE;
	return index;
}

static void
write_sarif_result(FILE *out, const Finding *finding, Arena *arena)
{
	int			line;
	int			column;
	int			end_line;
	int			end_column;
	const char *online = finding->osc_start == NULL ? "" : arena_printf(arena, " Online: SELECT %s;", finding->osc_start);

	source_place(finding->source, finding->spot, &line, &column);
	source_place(finding->source, finding->spot_end, &end_line, &end_column);
	write_field(out, "      {", "ruleId", finding->rule->id);
	fprintf(out, ", \"ruleIndex\": %d", sarif_index(finding->rule));
	write_field(out, ", ", "level", sarif_level(finding->severity));
	write_field(out, ",\n       \"message\": {", "text",
				arena_printf(arena, "%s. %s %s%s%s%s", headline(finding, arena), finding->rule->why,
							 finding->doubt != NULL ? finding->doubt : "", finding->doubt != NULL ? " " : "",
							 finding->rule->safe, online));
	fputs("},\n       \"locations\": [{\"physicalLocation\": {\"artifactLocation\": {", out);
	write_uri(out, finding->source->name);
	fprintf(out, "},\n         \"region\": {\"startLine\": %d, \"startColumn\": %d, \"endLine\": %d, \"endColumn\": %d, \"snippet\": {\"text\": ",
			line, column, end_line, end_column);
	write_string(out, finding->source->data + finding->spot, finding->spot_end - finding->spot);
	fputs("}}}}]}", out);
}

static void
write_sarif_problem(FILE *out, const Problem *problem, Arena *arena)
{
	write_field(out, "        {\"level\": \"error\", \"message\": {", "text",
				arena_printf(arena, "%s%s%s", problem->message, problem->hint != NULL ? ". " : "", problem->hint != NULL ? problem->hint : ""));
	fputs("},\n         \"locations\": [{\"physicalLocation\": {\"artifactLocation\": {", out);
	write_uri(out, problem->file);
	fputc('}', out);
	if (problem->line > 0)
		fprintf(out, ", \"region\": {\"startLine\": %d, \"startColumn\": %d}", problem->line, problem->column);
	fputs("}}]}", out);
}

/* --format sarif */
void
write_sarif(FILE *out, const Linter *linter, const Counts *counts, bool colour)
{
	Arena		arena = {0};
	const OscRule *rule;
	const char *comma = "\n";

	(void) counts;
	(void) colour;
	fprintf(out, "{\"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\", \"version\": \"2.1.0\",\n"
			"  \"runs\": [{\n    \"tool\": {\"driver\": {\"name\": \"osc-lint\", \"version\": \"%s\", \"semanticVersion\": \"%s\",\n"
			"      \"rules\": [", LINT_VERSION, LINT_VERSION);
	for (size_t i = 0; (rule = osc_rule_at(i)) != NULL; i++)
		if (rule->severity != OSC_RULE_FINE)
		{
			fputs(comma, out);
			write_sarif_rule(out, rule, &arena);
			comma = ",\n";
		}
	fprintf(out, "]}},\n    \"columnKind\": \"unicodeCodePoints\",\n    \"invocations\": [{\"executionSuccessful\": %s, "
			"\"toolExecutionNotifications\": [", linter->problems.count == 0 ? "true" : "false");
	for (size_t i = 0; i < linter->problems.count; i++)
	{
		fputs(i > 0 ? ",\n" : "\n", out);
		write_sarif_problem(out, linter->problems.items[i], &arena);
	}
	fputs("]}],\n    \"results\": [", out);
	for (size_t i = 0; i < linter->findings.count; i++)
	{
		fputs(i > 0 ? ",\n" : "\n", out);
		write_sarif_result(out, linter->findings.items[i], &arena);
	}
	fputs("]}]}\n", out);
	arena_free(&arena);
}
