/*-------------------------------------------------------------------------
 *
 * directive.c
 *	  What comments tell osc-lint.
 *
 *	  -- osc-lint: ignore RULE[,RULE...] reason		 the statement it stands in, or
 *	                                                 before, or behind on its line
 *	  -- osc-lint: ignore-file RULE[,RULE...] reason	 the whole file
 *	  -- osc-lint: transactional on|off				 as the tool runs this file
 *
 * What is none of these is a problem: an instruction that is misspelt must
 * not be passed over in silence.
 *
 *-------------------------------------------------------------------------
 */
#include "linter.h"

#include <string.h>

/* the word at the start of a directive, and where the next begins */
static size_t
first_word(const char *text, const char **next)
{
	size_t		length = strcspn(text, " \t\r\n");

	*next = text + length + strspn(text + length, " \t\r\n");
	return length;
}

/* whether a list of rules with commas between them names the rule */
static bool
names_rule(const char *list, size_t length, const OscRule *rule)
{
	while (length > 0)
	{
		const char *comma = memchr(list, ',', length);
		size_t		part = comma != NULL ? (size_t) (comma - list) : length;

		if (same_word_n(list, part, rule->id))
			return true;
		part += comma != NULL;
		list += part;
		length -= part;
	}
	return false;
}

static void
check_rule_names(Linter *linter, const Source *source, const Directive *directive, const char *list, size_t length)
{
	while (length > 0)
	{
		const char *comma = memchr(list, ',', length);
		size_t		part = comma != NULL ? (size_t) (comma - list) : length;
		const char *name = arena_strndup(&linter->arena, list, part);

		if (osc_rule_find(name) == NULL)
			add_problem(linter, source, NULL, directive->start,
						arena_printf(&linter->arena, "there is no rule \"%s\" to ignore", name),
						"osc-lint --rules lists them.");
		part += comma != NULL;
		list += part;
		length -= part;
	}
}

/* Complain about instructions that are not understood. */
void
check_directives(Linter *linter, const Source *source)
{
	for (size_t i = 0; i < source->directives.count; i++)
	{
		const Directive *directive = source->directives.items[i];
		const char *rest;
		size_t		length = first_word(directive->text, &rest);
		const char *tail;
		size_t		next = first_word(rest, &tail);

		if (linter->silent)
			break;
		if ((same_word_n(directive->text, length, "ignore") || same_word_n(directive->text, length, "ignore-file")) && next > 0)
			check_rule_names(linter, source, directive, rest, next);
		else if (!same_word_n(directive->text, length, "transactional") ||
				 (!same_word_n(rest, next, "on") && !same_word_n(rest, next, "off")))
			add_problem(linter, source, NULL, directive->start,
						arena_printf(&linter->arena, "cannot make out \"osc-lint: %s\"", directive->text),
						"Write \"ignore RULE reason\", \"ignore-file RULE reason\" or \"transactional on|off\".");
	}
}

/* whether a new line begins between two places */
static bool
other_line(const Source *source, size_t from, size_t to)
{
	return to > from && memchr(source->data + from, '\n', to - from) != NULL;
}

/* Whether a comment says that a rule is to be ignored for a statement. */
bool
is_ignored(const Source *source, const Statement *statement, const OscRule *rule)
{
	for (size_t i = 0; i < source->directives.count; i++)
	{
		const Directive *directive = source->directives.items[i];
		const char *rest;
		size_t		length = first_word(directive->text, &rest);
		const char *tail;
		size_t		next = first_word(rest, &tail);
		bool		here;

		/* behind a statement on its line it belongs to that one */
		if (directive->start >= statement->stop)
			here = !other_line(source, statement->stop, directive->start);
		else
			here = directive->start >= statement->lead &&
				(directive->start > statement->start || statement->lead == 0 ||
				 other_line(source, statement->lead, directive->start));
		if (((here && same_word_n(directive->text, length, "ignore")) ||
			 same_word_n(directive->text, length, "ignore-file")) && names_rule(rest, next, rule))
			return true;
	}
	return false;
}

/* Whether the file runs in one transaction: what its comment says, or else the setting. */
bool
file_is_transactional(const Source *source, bool transactional)
{
	for (size_t i = 0; i < source->directives.count; i++)
	{
		const Directive *directive = source->directives.items[i];
		const char *rest;
		size_t		length = first_word(directive->text, &rest);

		if (same_word_n(directive->text, length, "transactional"))
			transactional = !same_word_n(rest, strcspn(rest, " \t"), "off");
	}
	return transactional;
}
