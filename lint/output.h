/*-------------------------------------------------------------------------
 *
 * output.h
 *	  Showing findings, problems and rules.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_OUTPUT_H
#define LINT_OUTPUT_H

#include <stdio.h>

#include "linter.h"

typedef struct Counts
{
	size_t		files;
	size_t		errors;
	size_t		warnings;
	size_t		infos;
} Counts;

typedef struct Format
{
	const char *name;
	void		(*write) (FILE *out, const Linter *linter, const Counts *counts, bool colour);
} Format;

extern const Format *format_find(const char *name);
extern Counts count_findings(const Linter *linter, size_t files);
extern const char *headline(const Finding *finding, Arena *arena);
extern void write_rules(FILE *out);
extern void write_rule(FILE *out, const OscRule *rule);
extern const char *kind_name(OscRuleKind kind);

/* output_json.c */
extern void write_json(FILE *out, const Linter *linter, const Counts *counts, bool colour);
extern void write_sarif(FILE *out, const Linter *linter, const Counts *counts, bool colour);

#endif							/* LINT_OUTPUT_H */
