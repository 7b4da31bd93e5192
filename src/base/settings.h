/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  The settings online_schema.* and how a job keeps its own values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SETTINGS_H
#define OSC_SETTINGS_H

/* values of osc_blocker_action */
typedef enum OscBlockerAction
{
	OSC_BLOCKER_WAIT,
	OSC_BLOCKER_CANCEL,
	OSC_BLOCKER_TERMINATE,
} OscBlockerAction;

/* values in force in this process; a step works under its job's values */
extern int	osc_lock_timeout;			/* ms */
extern int	osc_lock_retry_max_delay;	/* ms */
extern int	osc_swap_timeout;			/* ms */
extern int	osc_swap_give_up;			/* s, 0 = never */
extern int	osc_swap_max_backlog;		/* keys */
extern int	osc_step_timeout;			/* ms, 0 = none */
extern int	osc_workers;
extern int	osc_batch_size;				/* rows, 0 = adapt */
extern int	osc_batch_target_time;		/* ms */
extern int	osc_replay_batch_size;		/* keys, 0 = adapt */
extern double osc_throttle_ratio;		/* 0 to 0.95 */
extern int	osc_max_replica_lag;		/* ms, 0 = off */
extern int	osc_max_active_backends;	/* 0 = off */
extern int	osc_max_lock_waiters;		/* 0 = off */
extern int	osc_min_free_disk;			/* percent, 0 = off */
extern int	osc_max_workers;			/* of the server, not of a job */
extern int	osc_blocker_action;			/* OscBlockerAction */
extern int	osc_blocker_patience;		/* ms */
extern char *osc_swap_window;			/* see base/window.h */
extern char *osc_keep_old;				/* see base/keep_old.h */
extern bool osc_verify;
extern bool osc_validate_foreign_keys;

/* what becomes of plain DDL that would block the users of a large table */
typedef enum OscGuard
{
	OSC_GUARD_OFF,
	OSC_GUARD_WARN,
	OSC_GUARD_ERROR,
} OscGuard;

extern int	osc_guard;				/* OscGuard; of the session, not of a job */
extern int	osc_guard_min_size;		/* kB; of the session, not of a job */

extern void osc_define_settings(void);
extern void osc_require_settings(void);
extern char *osc_settings_to_json(void);
extern const char *osc_setting_full_name(const char *name);
extern void osc_check_setting(const char *name, const char *value);

#endif							/* OSC_SETTINGS_H */
