/*-------------------------------------------------------------------------
 *
 * config.c
 *	  What the configuration file and the command line say.
 *
 * Lines "key = value", and "rule = severity" behind a line "[severity]";
 * comments begin with # or ;.
 *
 *-------------------------------------------------------------------------
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN_POSTGRESQL 12
#define MAX_POSTGRESQL 99

/* the place of a rule in the table; -1: there is none */
static int
rule_number(const OscRule *rule)
{
	for (int i = 0; i < MAX_RULES && osc_rule_at((size_t) i) != NULL; i++)
		if (osc_rule_at((size_t) i) == rule)
			return i;
	return -1;
}

/* The severity of a rule; OSC_RULE_FINE if it is switched off. */
OscRuleSeverity
config_severity(const Config *config, const OscRule *rule)
{
	int			number = rule_number(rule);

	return number >= 0 && config->is_set[number] ? config->severity[number] : rule->severity;
}

/* A severity in words. */
const char *
severity_name(OscRuleSeverity severity)
{
	switch (severity)
	{
		case OSC_RULE_ERROR:
			return "error";
		case OSC_RULE_WARNING:
			return "warning";
		case OSC_RULE_INFO:
			return "info";
		case OSC_RULE_FINE:
			break;
	}
	return "off";
}

/* false, with a message: what comes before the thing, the thing, what comes behind it */
static bool
complain(char **message, const char *before, const char *what, const char *behind)
{
	size_t		size = strlen(before) + strlen(what) + strlen(behind) + 1;

	*message = xmalloc(size);
	snprintf(*message, size, "%s%s%s", before, what, behind);
	return false;
}

static bool
set_severity(Config *config, const char *rule_id, const char *value, char **message)
{
	const OscRule *rule = osc_rule_find(rule_id);

	if (rule == NULL || rule->severity == OSC_RULE_FINE)
		return complain(message, "there is no rule \"", rule_id, "\"");
	for (int i = OSC_RULE_FINE; i <= OSC_RULE_ERROR; i++)
		if (same_word(value, severity_name((OscRuleSeverity) i)))
		{
			/* what is for information only stays so */
			if (rule->severity == OSC_RULE_INFO && i > OSC_RULE_INFO)
				return complain(message, "rule \"", rule_id, "\" can be \"info\" or \"off\" only");
			config->is_set[rule_number(rule)] = true;
			config->severity[rule_number(rule)] = (OscRuleSeverity) i;
			return true;
		}
	return complain(message, "severity must be error, warning, info or off, not \"", value, "\"");
}

static bool
set_switch(bool *target, const char *value, char **message)
{
	if (same_word(value, "on") || same_word(value, "true") || same_word(value, "yes"))
		*target = true;
	else if (same_word(value, "off") || same_word(value, "false") || same_word(value, "no"))
		*target = false;
	else
		return complain(message, "must be on or off, not \"", value, "\"");
	return true;
}

/*
 * Set one thing; "severity.RULE" is a severity.  False if it cannot be, with
 * a message that the caller frees.
 */
bool
config_set(Config *config, const char *key, const char *value, char **message)
{
	static const char prefix[] = "severity.";

	if (strncmp(key, prefix, strlen(prefix)) == 0)
		return set_severity(config, key + strlen(prefix), value, message);
	if (strcmp(key, "postgresql") == 0)
	{
		char	   *end;
		long		version = strtol(value, &end, 10);

		if (*value == '\0' || *end != '\0' || version < MIN_POSTGRESQL || version > MAX_POSTGRESQL)
			return complain(message, "postgresql must be a major version from 12 on, not \"", value, "\"");
		config->postgresql = (int) version;
		return true;
	}
	if (strcmp(key, "transactional") == 0)
		return set_switch(&config->transactional, value, message);
	if (strcmp(key, "utc") == 0)
		return set_switch(&config->utc, value, message);
	return complain(message, "there is no setting \"", key, "\"");
}

/* cut white space off both ends, in place */
static char *
trim(char *text)
{
	size_t		length;

	while (is_space(*text))
		text++;
	length = strlen(text);
	while (length > 0 && is_space(text[length - 1]))
		text[--length] = '\0';
	return text;
}

static bool
read_line(Config *config, char *line, bool *in_severity, char **message)
{
	char	   *equals;

	line[strcspn(line, "#;")] = '\0';
	line = trim(line);
	if (*line == '\0')
		return true;
	if (*line == '[')
	{
		*in_severity = strcmp(line, "[severity]") == 0;
		return *in_severity || complain(message, "there is no section ", line, "");
	}
	equals = strchr(line, '=');
	if (equals == NULL)
		return complain(message, "there is no \"=\" in \"", line, "\"");
	*equals = '\0';
	line = trim(line);
	if (*in_severity)
		return set_severity(config, line, trim(equals + 1), message);
	return config_set(config, line, trim(equals + 1), message);
}

/*
 * Read the text of a configuration file.  False at the first line that is
 * wrong, with a message that the caller frees.
 */
bool
config_read(Config *config, const char *file, const char *text, char **message)
{
	bool		in_severity = false;

	for (int number = 1; *text != '\0'; number++)
	{
		size_t		length = strcspn(text, "\n");
		char	   *line = xmalloc(length + 1);
		bool		good;

		memcpy(line, text, length);
		line[length] = '\0';
		good = read_line(config, line, &in_severity, message);
		free(line);
		if (!good)
		{
			char	   *inner = *message;
			size_t		size = strlen(file) + strlen(inner) + 32;

			*message = xmalloc(size);
			snprintf(*message, size, "%s:%d: %s", file, number, inner);
			free(inner);
			return false;
		}
		text += length + (text[length] == '\n');
	}
	return true;
}
