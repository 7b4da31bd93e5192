/*-------------------------------------------------------------------------
 *
 * config.h
 *	  What the configuration file and the command line say.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_CONFIG_H
#define LINT_CONFIG_H

#include "plan/rules.h"
#include "util.h"

#define MAX_RULES 128

typedef struct Config
{
	int			postgresql;		/* major version of the server */
	bool		transactional;	/* each file runs in one transaction */
	bool		utc;			/* the server's TimeZone is UTC */
	bool		is_set[MAX_RULES];
	OscRuleSeverity severity[MAX_RULES];	/* FINE: off */
} Config;

extern OscRuleSeverity config_severity(const Config *config, const OscRule *rule);
extern bool config_read(Config *config, const char *file, const char *text, char **message);
extern bool config_set(Config *config, const char *key, const char *value, char **message);
extern const char *severity_name(OscRuleSeverity severity);

#endif							/* LINT_CONFIG_H */
