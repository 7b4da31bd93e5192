/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  The settings online_schema.* and how a job keeps its own values.
 *
 * They are ordinary settings with a reserved prefix.  osc_start() stores the
 * caller's values with the job; a step puts them into force again for as long
 * as it runs (base/run.c).  Those of the server as a whole, which only a
 * superuser sets, are not a job's and stay out of that.
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
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "base/keep_old.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "base/window.h"

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
double		osc_throttle_ratio = 0;
int			osc_max_replica_lag = 0;
int			osc_max_active_backends = 0;
int			osc_max_lock_waiters = 0;
int			osc_min_free_disk = 10;
int			osc_max_workers = 4;
int			osc_blocker_action = OSC_BLOCKER_WAIT;
int			osc_blocker_patience = 60000;
char	   *osc_swap_window = "";
char	   *osc_keep_old = "auto";
bool		osc_verify = true;
bool		osc_validate_foreign_keys = true;
int			osc_guard = OSC_GUARD_OFF;
int			osc_guard_min_size = 100 * 1024;

/* the first value found that did not fit its setting; NULL: none */
static const char *unfit_name = NULL;
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
	GucContext	context;
} IntSetting;

static const IntSetting int_settings[] = {
	{"lock_timeout", "Time that one attempt may wait for all locks of a step together.",
		"Then the attempt is given up, so that nobody queues behind it for longer, and repeated after a pause.",
	&osc_lock_timeout, 50, 1, 60000, GUC_UNIT_MS, PGC_USERSET},
	{"lock_retry_max_delay", "Longest pause between two attempts to get the locks of a step.",
		"Pauses grow exponentially, with jitter, up to this.",
	&osc_lock_retry_max_delay, 30000, 10, 3600000, GUC_UNIT_MS, PGC_USERSET},
	{"swap_timeout", "Time that a swap may hold its locks before it is rolled back.",
		"Counted from the moment that all locks are granted; the swap is then tried again later.",
	&osc_swap_timeout, 1000, 10, 600000, GUC_UNIT_MS, PGC_USERSET},
	{"swap_give_up", "Time that all attempts to swap may take together before the job pauses.",
		"0 means that the job never gives up.",
	&osc_swap_give_up, 0, 0, INT_MAX / 1000, GUC_UNIT_S, PGC_USERSET},
	{"swap_max_backlog", "Changed keys that a swap may replay while it holds its locks.",
		"With more left, the swap is given up and the job catches up first.",
	&osc_swap_max_backlog, 500, 0, 1000000, 0, PGC_USERSET},
	{"step_timeout", "Time that one short step of a job may take.",
		"Scans, copies, index builds and validation are exempt. 0 means no limit.",
	&osc_step_timeout, 10000, 0, INT_MAX, GUC_UNIT_MS, PGC_USERSET},
	{"workers", "Backfill workers of one job.",
		"The first is the job's own worker; the others are started for the backfill if there are free worker slots.",
	&osc_workers, 1, 1, 64, 0, PGC_USERSET},
	{"batch_size", "Rows of one backfill batch.",
		"A batch ends with the block in which this number is reached. 0 means that batch_target_time decides.",
	&osc_batch_size, 0, 0, INT_MAX, 0, PGC_USERSET},
	{"batch_target_time", "Time that one backfill or replay batch should take.",
		"It bounds how long a job holds a snapshot.",
	&osc_batch_target_time, 100, 1, 60000, GUC_UNIT_MS, PGC_USERSET},
	{"replay_batch_size", "Changed keys of one replay batch.",
		"0 means that batch_target_time decides.",
	&osc_replay_batch_size, 0, 0, INT_MAX, 0, PGC_USERSET},
	{"max_replica_lag", "Replication lag above which a job stops copying.",
		"Of standbys, subscribers and slots, inactive ones included. 0 means no limit.",
	&osc_max_replica_lag, 0, 0, INT_MAX, GUC_UNIT_MS, PGC_USERSET},
	{"max_active_backends", "Active client sessions above which a job stops copying.",
		"Sessions of all databases that run a query. 0 means no limit.",
	&osc_max_active_backends, 0, 0, INT_MAX, 0, PGC_USERSET},
	{"max_lock_waiters", "Sessions waiting for locks above which a job stops copying.",
		"Client sessions of all databases. 0 means no limit.",
	&osc_max_lock_waiters, 0, 0, INT_MAX, 0, PGC_USERSET},
	{"blocker_patience", "Time for which a job puts up with sessions that keep it from its locks.",
		"Then blocker_action says what is done.",
	&osc_blocker_patience, 60000, 0, INT_MAX, GUC_UNIT_MS, PGC_USERSET},
	{"max_workers", "Jobs that workers drive at once, in all databases together.",
		"More jobs wait in a queue, the oldest first. Each job also takes one of max_worker_processes.",
	&osc_max_workers, 4, 1, 1000, 0, PGC_SUSET},
	{"min_free_disk", "Share of the volume, in percent, that a job leaves free.",
		"Looked at before the start, together with what the copy will take, and while copying; osc_check() reports tables for whose copy there is no room. 0 means no limit.",
	&osc_min_free_disk, 10, 0, 100, 0, PGC_USERSET},
	{"guard_min_size", "Size from which online_schema.guard watches over a table.",
		"Of the table with TOAST and what inherits from it, indexes apart.",
	&osc_guard_min_size, 100 * 1024, 0, INT_MAX, GUC_UNIT_KB, PGC_SUSET},
};

static const struct config_enum_entry blocker_actions[] = {
	{"wait", OSC_BLOCKER_WAIT, false},
	{"cancel", OSC_BLOCKER_CANCEL, false},
	{"terminate", OSC_BLOCKER_TERMINATE, false},
	{NULL, 0, false},
};

static const struct config_enum_entry guard_values[] = {
	{"off", OSC_GUARD_OFF, false},
	{"warn", OSC_GUARD_WARN, false},
	{"error", OSC_GUARD_ERROR, false},
	{NULL, 0, false},
};

typedef struct EnumSetting
{
	const char *name;
	const char *short_desc;
	const char *long_desc;
	int		   *variable;
	int			boot;
	const struct config_enum_entry *options;
	GucContext	context;
} EnumSetting;

static const EnumSetting enum_settings[] = {
	{"blocker_action", "What a job does to sessions that keep it from its locks for longer than blocker_patience.",
		"Only client sessions of its database that hold a lock on its table, and that its owner may signal. A session that is idle in a transaction needs terminate.",
	&osc_blocker_action, OSC_BLOCKER_WAIT, blocker_actions, PGC_USERSET},
	{"guard", "What becomes of plain DDL that would scan, rewrite or index a large table while others are blocked.",
		"off lets it pass, warn tells how to run it online, error refuses it.",
	&osc_guard, OSC_GUARD_OFF, guard_values, PGC_SUSET},
};

typedef struct StringSetting
{
	const char *name;
	const char *short_desc;
	const char *long_desc;
	char	  **variable;
	const char *boot;
	GucStringCheckHook check;
	GucContext	context;
} StringSetting;

static bool
check_swap_window(char **newval, void **extra, GucSource source)
{
	if (osc_window_is_valid(*newval))
		return true;
	GUC_check_errdetail("A window is two times of day that differ, such as \"22:00-05:00\", or empty.");
	return false;
}

static bool
check_keep_old(char **newval, void **extra, GucSource source)
{
	OscKeepOld	keep;
	double		ms;

	if (osc_keep_old_parse(*newval, &keep, &ms))
		return true;
	GUC_check_errdetail("It must be \"auto\", \"off\", \"cleanup\", or an interval above 0 and up to 10 years.");
	return false;
}

static const StringSetting string_settings[] = {
	{"keep_old", "How long a job keeps what its swap replaced.",
		"auto, off, cleanup (until osc_cleanup()), or an interval. auto keeps no old copy of a table.",
	&osc_keep_old, "auto", check_keep_old, PGC_USERSET},
	{"swap_window", "Part of the day outside of which a job does not try to swap.",
		"Two times of day, such as 22:00-05:00, in the job's TimeZone. Empty means any time.",
	&osc_swap_window, "", check_swap_window, PGC_USERSET},
};

typedef struct RealSetting
{
	const char *name;
	const char *short_desc;
	const char *long_desc;
	double	   *variable;
	double		boot,
				min,
				max;
	GucContext	context;
} RealSetting;

static const RealSetting real_settings[] = {
	{"throttle_ratio", "Share of the time that a job sleeps while it copies, replays and validates.",
		"After a batch of 100 ms, 0.5 means a pause of 100 ms, 0.8 one of 400 ms. Index builds are exempt.",
	&osc_throttle_ratio, 0, 0, 0.95, PGC_USERSET},
};

typedef struct BoolSetting
{
	const char *name;
	const char *short_desc;
	const char *long_desc;
	bool	   *variable;
	bool		boot;
	GucContext	context;
} BoolSetting;

static const BoolSetting bool_settings[] = {
	{"verify", "Prove the shadow equal to the source before the swap.", NULL,
	&osc_verify, true, PGC_USERSET},
	{"validate_foreign_keys", "Validate after the swap the foreign keys that it had to leave NOT VALID.",
		"When off, they stay NOT VALID: new rows are checked, and osc_check() lists the keys with the command that validates them.",
	&osc_validate_foreign_keys, true, PGC_USERSET},
};

/* all names, and who may set them; in the order in which they are stored */
typedef struct Setting
{
	const char *full_name;
	GucContext	context;
} Setting;

#define NSETTINGS (lengthof(int_settings) + lengthof(real_settings) + \
				   lengthof(enum_settings) + lengthof(string_settings) + \
				   lengthof(bool_settings))

static Setting all_settings[NSETTINGS];

static void
list_settings(void)
{
	Setting    *s = all_settings;

#define LIST(table) \
	for (int i = 0; i < (int) lengthof(table); i++, s++) \
	{ \
		s->full_name = MemoryContextStrdup(TopMemoryContext, \
										   psprintf("online_schema.%s", table[i].name)); \
		s->context = table[i].context; \
	}
	LIST(int_settings);
	LIST(real_settings);
	LIST(enum_settings);
	LIST(string_settings);
	LIST(bool_settings);
#undef LIST
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
								s->context, s->flags, NULL, NULL, NULL);
	}
	for (int i = 0; i < (int) lengthof(real_settings); i++)
	{
		const RealSetting *s = &real_settings[i];

		DefineCustomRealVariable(psprintf("online_schema.%s", s->name),
								 s->short_desc, s->long_desc,
								 s->variable, s->boot, s->min, s->max,
								 s->context, 0, NULL, NULL, NULL);
	}
	for (int i = 0; i < (int) lengthof(enum_settings); i++)
	{
		const EnumSetting *s = &enum_settings[i];

		DefineCustomEnumVariable(psprintf("online_schema.%s", s->name),
								 s->short_desc, s->long_desc,
								 s->variable, s->boot, s->options, s->context, 0,
								 NULL, NULL, NULL);
	}
	for (int i = 0; i < (int) lengthof(string_settings); i++)
	{
		const StringSetting *s = &string_settings[i];

		DefineCustomStringVariable(psprintf("online_schema.%s", s->name),
								   s->short_desc, s->long_desc,
								   s->variable, s->boot, s->context, 0,
								   s->check, NULL, NULL);
	}
	for (int i = 0; i < (int) lengthof(bool_settings); i++)
	{
		const BoolSetting *s = &bool_settings[i];

		DefineCustomBoolVariable(psprintf("online_schema.%s", s->name),
								 s->short_desc, s->long_desc,
								 s->variable, s->boot, s->context, 0, NULL, NULL, NULL);
	}
#ifdef OSC_STOP_POINTS
	osc_define_stop_point_settings();
#endif
	MarkGUCPrefixReserved("online_schema");
}

/* does the value fit?  level: what is said if it does not */
static bool
value_fits(const char *name, const char *value, int level)
{
	return set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SET, false, level, false) != 0;
}

/*
 * Define the settings and reserve their prefix.  Called by _PG_init.  The
 * server warns of a value that was given earlier and does not fit; it is kept
 * for osc_require_settings().
 */
void
osc_define_settings(void)
{
	char	   *old_values[NSETTINGS];

	list_settings();
	for (int i = 0; i < (int) NSETTINGS; i++)
	{
		const char *value = GetConfigOption(all_settings[i].full_name, true, false);

		old_values[i] = value ? pstrdup(value) : NULL;
	}
	define_all();
	for (int i = 0; i < (int) NSETTINGS; i++)
		if (unfit_name == NULL && old_values[i] != NULL &&
			!value_fits(all_settings[i].full_name, old_values[i], DEBUG1))
		{
			unfit_name = all_settings[i].full_name;
			unfit_value = MemoryContextStrdup(TopMemoryContext, old_values[i]);
		}
}

/*
 * Raise the server's own error, once, if a value was given that does not fit:
 * nobody shall work with a default that he did not choose.
 */
void
osc_require_settings(void)
{
	const char *name = unfit_name;

	unfit_name = NULL;
	if (name != NULL)
		(void) value_fits(name, unfit_value, ERROR);
}

/*
 * The full name of a setting of a job, given with or without the prefix; NULL
 * where there is none of that name.
 */
const char *
osc_setting_full_name(const char *name)
{
	const char *bare = name;

	if (pg_strncasecmp(name, "online_schema.", strlen("online_schema.")) == 0)
		bare = name + strlen("online_schema.");
	for (int i = 0; i < (int) NSETTINGS; i++)
		if (all_settings[i].context == PGC_USERSET &&
			pg_strcasecmp(bare, all_settings[i].full_name + strlen("online_schema.")) == 0)
			return all_settings[i].full_name;
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
 * The settings of a job as they stand in this session, as a JSON object.
 */
char *
osc_settings_to_json(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	for (int i = 0; i < (int) NSETTINGS; i++)
	{
		if (all_settings[i].context != PGC_USERSET)
			continue;
		if (buf.len > 1)
			appendStringInfoString(&buf, ", ");
		escape_json(&buf, all_settings[i].full_name);
		appendStringInfoString(&buf, ": ");
		escape_json(&buf, GetConfigOption(all_settings[i].full_name, false, false));
	}
	appendStringInfoChar(&buf, '}');
	return buf.data;
}
