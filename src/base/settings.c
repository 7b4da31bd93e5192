/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  The settings online_schema.* and how a job keeps its own values.
 *
 * They are ordinary settings with a reserved prefix.  osc_start() stores the
 * caller's values with the job; a step puts them into force again for as long
 * as it runs (base/run.c).
 *
 * A placeholder with a value that its setting refuses is only warned about by
 * the server when a library defines the setting.  That would run a job with a
 * default that nobody chose, so osc_define_settings() remembers such a value,
 * and the first call of an osc_* function raises the error
 * (osc_require_settings()).  Loading the library raises none: triggers load it
 * in sessions that want nothing from us.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "base/settings.h"
#include "base/stop_point.h"

int			osc_lock_timeout = 50;
int			osc_lock_retry_max_delay = 30000;
int			osc_swap_timeout = 1000;
int			osc_swap_give_up = 0;
int			osc_swap_max_backlog = 500;
int			osc_step_timeout = 10000;
int			osc_workers = 1;
int			osc_batch_size = 0;
int			osc_batch_target_time = 100;
int			osc_replay_batch_size = 0;
bool		osc_verify = true;
int			osc_min_free_disk = 10;
bool		osc_validate_foreign_keys = true;
int			osc_guard = OSC_GUARD_OFF;
int			osc_guard_min_size = 100 * 1024;

/* the first value found that did not fit its setting; NULL: none */
static char *unfit_name = NULL;
static char *unfit_value = NULL;

typedef struct IntSetting
{
	const char *name;
	const char *short_desc;
	const char *long_desc;
	int		   *variable;
	int			boot,
				min,
				max;
	int			flags;
} IntSetting;

static const IntSetting int_settings[] = {
	{"lock_timeout", "Time that one attempt may wait for all locks of a step together.",
		"Then the attempt is given up, so that nobody queues behind it for longer, and repeated after a pause.",
	&osc_lock_timeout, 50, 1, 60000, GUC_UNIT_MS},
	{"lock_retry_max_delay", "Longest pause between two attempts to get the locks of a step.",
		"Pauses grow exponentially, with jitter, up to this.",
	&osc_lock_retry_max_delay, 30000, 10, 3600000, GUC_UNIT_MS},
	{"swap_timeout", "Time that a swap may hold its locks before it is rolled back.",
		"Counted from the moment that all locks are granted; the swap is then tried again later.",
	&osc_swap_timeout, 1000, 10, 600000, GUC_UNIT_MS},
	{"swap_give_up", "Time that all attempts to swap may take together before the job pauses.",
		"0 means that the job never gives up.",
	&osc_swap_give_up, 0, 0, INT_MAX / 1000, GUC_UNIT_S},
	{"swap_max_backlog", "Changed keys that a swap may replay while it holds its locks.",
		"With more left, the swap is given up and the job catches up first.",
	&osc_swap_max_backlog, 500, 0, 1000000, 0},
	{"step_timeout", "Time that one short step of a job may take.",
		"Scans, copies, index builds and validation are exempt. 0 means no limit.",
	&osc_step_timeout, 10000, 0, INT_MAX, GUC_UNIT_MS},
	{"workers", "Backfill workers of one job.",
		"The first is the job's own worker; the others are started for the backfill if there are free worker slots.",
	&osc_workers, 1, 1, 64, 0},
	{"batch_size", "Rows of one backfill batch.",
		"A batch ends with the block in which this number is reached. 0 means that batch_target_time decides.",
	&osc_batch_size, 0, 0, INT_MAX, 0},
	{"batch_target_time", "Time that one backfill or replay batch should take.",
		"It bounds how long a job holds a snapshot.",
	&osc_batch_target_time, 100, 1, 60000, GUC_UNIT_MS},
	{"replay_batch_size", "Changed keys of one replay batch.",
		"0 means that batch_target_time decides.",
	&osc_replay_batch_size, 0, 0, INT_MAX, 0},
	{"min_free_disk", "Share of a volume that must stay free, percent.",
		"A copy that would leave less on the volume of its tablespace is reported by osc_check(). 0 asks for no reserve.",
	&osc_min_free_disk, 10, 0, 100, 0},
};

typedef struct BoolSetting
{
	const char *name;
	const char *short_desc;
	const char *long_desc;
	bool	   *variable;
	bool		boot;
} BoolSetting;

static const BoolSetting bool_settings[] = {
	{"verify", "Prove the shadow equal to the source before the swap.", NULL,
	&osc_verify, true},
	{"validate_foreign_keys", "Validate after the swap the foreign keys that it had to leave NOT VALID.",
		"When off, they stay NOT VALID: new rows are checked, and osc_check() lists the keys with the command that validates them.",
	&osc_validate_foreign_keys, true},
};

static const struct config_enum_entry guard_values[] = {
	{"off", OSC_GUARD_OFF, false},
	{"warn", OSC_GUARD_WARN, false},
	{"error", OSC_GUARD_ERROR, false},
	{NULL, 0, false}
};

/* settings of a session that do not travel with a job */
static const char *const session_setting_names[] = {"guard", "guard_min_size"};

/* all of them, for the look at placeholders; palloc'd here */
static List *
all_names(void)
{
	List	   *names = NIL;

	for (int i = 0; i < (int) lengthof(int_settings); i++)
		names = lappend(names, psprintf("online_schema.%s", int_settings[i].name));
	for (int i = 0; i < (int) lengthof(bool_settings); i++)
		names = lappend(names, psprintf("online_schema.%s", bool_settings[i].name));
	for (int i = 0; i < (int) lengthof(session_setting_names); i++)
		names = lappend(names, psprintf("online_schema.%s", session_setting_names[i]));
	return names;
}

/* does the value fit?  level: what is said if it does not */
static bool
value_fits(const char *name, const char *value, int level)
{
	return set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SET, false, level, false) != 0;
}

static void
define_all(void)
{
	for (int i = 0; i < (int) lengthof(int_settings); i++)
	{
		const IntSetting *s = &int_settings[i];

		DefineCustomIntVariable(psprintf("online_schema.%s", s->name),
								s->short_desc, s->long_desc,
								s->variable, s->boot, s->min, s->max,
								PGC_USERSET, s->flags, NULL, NULL, NULL);
	}
	for (int i = 0; i < (int) lengthof(bool_settings); i++)
	{
		const BoolSetting *s = &bool_settings[i];

		DefineCustomBoolVariable(psprintf("online_schema.%s", s->name),
								 s->short_desc, s->long_desc,
								 s->variable, s->boot, PGC_USERSET, 0, NULL, NULL, NULL);
	}
	DefineCustomEnumVariable("online_schema.guard",
							 "What becomes of plain DDL that would scan, rewrite or index a large table while others are blocked.",
							 "off lets it pass, warn tells how to run it online, error refuses it.",
							 &osc_guard, OSC_GUARD_OFF, guard_values,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("online_schema.guard_min_size",
							"Size from which online_schema.guard watches over a table.",
							"Of the table with TOAST and what inherits from it, indexes apart.",
							&osc_guard_min_size, 100 * 1024, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
#ifdef OSC_STOP_POINTS
	osc_define_stop_point_settings();
#endif
	MarkGUCPrefixReserved("online_schema");
}

/*
 * Define the settings and reserve their prefix.  Called by _PG_init.  The
 * server warns of a value that was given earlier and does not fit; it is kept
 * for osc_require_settings().
 */
void
osc_define_settings(void)
{
	List	   *names = all_names();
	List	   *old_values = NIL;
	ListCell   *n,
			   *v;

	foreach(n, names)
	{
		const char *value = GetConfigOption(lfirst(n), true, false);

		old_values = lappend(old_values, value ? pstrdup(value) : NULL);
	}
	define_all();
	forboth(n, names, v, old_values)
		if (unfit_name == NULL && lfirst(v) != NULL && !value_fits(lfirst(n), lfirst(v), DEBUG1))
		{
			unfit_name = MemoryContextStrdup(TopMemoryContext, lfirst(n));
			unfit_value = MemoryContextStrdup(TopMemoryContext, lfirst(v));
		}
}

/*
 * Raise the server's own error, once, if a value was given that does not fit:
 * nobody shall work with a default that he did not choose.
 */
void
osc_require_settings(void)
{
	char	   *name = unfit_name;

	unfit_name = NULL;
	if (name != NULL)
		(void) value_fits(name, unfit_value, ERROR);
}

/*
 * The full name of a setting given with or without the prefix; NULL where
 * there is none of that name.
 */
const char *
osc_setting_full_name(const char *name)
{
	const char *bare = name;

	if (pg_strncasecmp(name, "online_schema.", strlen("online_schema.")) == 0)
		bare = name + strlen("online_schema.");
	for (int i = 0; i < (int) lengthof(int_settings); i++)
		if (pg_strcasecmp(bare, int_settings[i].name) == 0)
			return psprintf("online_schema.%s", int_settings[i].name);
	for (int i = 0; i < (int) lengthof(bool_settings); i++)
		if (pg_strcasecmp(bare, bool_settings[i].name) == 0)
			return psprintf("online_schema.%s", bool_settings[i].name);
	return NULL;
}

/*
 * Raise the server's own error if the value does not fit the setting.
 */
void
osc_check_setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SET, false, ERROR, false);
}

/*
 * The settings as they stand in this session, as a JSON object.
 */
char *
osc_settings_to_json(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	for (int i = 0; i < (int) lengthof(int_settings); i++)
	{
		const char *full = osc_setting_full_name(int_settings[i].name);

		escape_json(&buf, full);
		appendStringInfo(&buf, ": \"%d\", ", *int_settings[i].variable);
	}
	for (int i = 0; i < (int) lengthof(bool_settings); i++)
		appendStringInfo(&buf, "%s\"online_schema.%s\": \"%s\"", i > 0 ? ", " : "",
						 bool_settings[i].name, *bool_settings[i].variable ? "on" : "off");
	appendStringInfoChar(&buf, '}');
	return buf.data;
}
