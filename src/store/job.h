/*-------------------------------------------------------------------------
 *
 * job.h
 *	  Jobs and their members: the rows, the states, the phases.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_JOB_H
#define OSC_JOB_H

#include "access/transam.h"
#include "base/run.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* behind each state: the states that may follow */
typedef enum OscState
{
	OSC_QUEUED,					/* running, paused, cancelling */
	OSC_RUNNING,				/* queued, paused, ready, kept, cancelling, done,
								 * reverted */
	OSC_PAUSED,					/* running, cancelling */
	OSC_READY,					/* running, paused, cancelling, done */
	OSC_KEPT,					/* running, done */
	OSC_CANCELLING,				/* cancelled, failed */
	OSC_DONE,					/* final */
	OSC_FAILED,					/* final */
	OSC_CANCELLED,				/* final */
	OSC_REVERTED,				/* final */
} OscState;

/* phases, in the order in which a job goes through them */
typedef enum OscPhase
{
	OSC_PLANNED,
	OSC_PREPARING,
	OSC_BACKFILLING,
	OSC_INDEXING,
	OSC_CATCHING_UP,
	OSC_VALIDATING,
	OSC_AT_READY,				/* phase "ready" */
	OSC_SWAPPING,
	OSC_AT_KEPT,				/* phase "kept" */
	OSC_CLEANING,
	OSC_AT_DONE,				/* phase "done" */
} OscPhase;

/* one relation with storage that a job rewrites; a row of job_member */
typedef struct OscMember
{
	int64		job_id;
	int32		member;			/* 1.. */
	Oid			relid;			/* source */
	char	   *nspname;		/* source's names when the job was started */
	char	   *relname;
	char	   *helper_schema;
	bool		copied;			/* false: only its catalog entries change */
	bool		reached;		/* a partition that the script does not name, in a job
								 * that copies */
	int32		generation;		/* of the backfill; a new one starts afresh */
	Oid			shadow;
	Oid			twin;
	Oid			canary;			/* if source or shadow is unlogged */
	bool		dry_run_done;
	FullTransactionId fence;	/* invalid until capture is on */
	bool		fence_passed;
	char	   *capture_state;	/* of the triggers when they were made */
	int64		source_storage; /* relfilenumber that the backfill reads */
	Oid			places;			/* table of places, of a member without a key */
	int64		shadow_storage; /* relfilenumber that the places are in */
	char	   *fingerprint;	/* of the source's definition */
	char	   *mapping;		/* stored mapping, see model/mapping.c */
	bool		frozen;			/* VACUUM FREEZE of the shadow is over */
	List	   *indexes_done;	/* names (char *) of the shadow's built indexes */
	bool		analyzed;
	FullTransactionId horizon;	/* older snapshots would miss copied rows */
	int64		blocks_total;
	int64		rows_total;
	int64		bytes_total;
	int64		backlog;		/* estimate of logged keys */
	int64		keys_replayed;
	int64		validate_source;	/* next block to compare; -1: side is done */
	int64		validate_shadow;
	int64		rows_compared;
	int64		rows_not_compared;
	int64		rows_differing;
	char	   *sample;			/* JSON array of differing keys, or NULL */
	char	   *foreign_keys;	/* JSON array of those to VALIDATE after the swap */
	char	   *columns;		/* strategy column: see model/column.c; else NULL */
	int64		vacuumed_blocks;	/* of the table: filled when VACUUM last made room */
} OscMember;

/* one call of osc_start(); a row of job */
typedef struct OscJob
{
	int64		job_id;
	Oid			owner;
	char	   *ddl;
	char	   *strategy;
	bool		manual_swap;
	bool		manual_run;
	OscState	state;
	OscPhase	phase;
	OscState	final_state;	/* where a cancelling job goes, or one that was taken back */
	Jsonb	   *settings;
	Jsonb	   *session_settings;
	Jsonb	   *backfill;		/* see model/backfill_spec.c; NULL: none */
	int64		system_identifier;
	Oid			database_id;
	int32		attempts;		/* failed lock attempts in a row */
	TimestampTz next_try_at;	/* 0: at once */
	bool		obstructed;		/* clean-up met what people must take away; see next_try_at */
	TimestampTz blocked_since;	/* locks of a step are not to be had; 0: none was refused */
	TimestampTz kept_until;		/* state kept: its end; 0: osc_cleanup() */
	TimestampTz swap_since;		/* first attempt to swap; 0: none yet */
	char	   *waiting_for;
	char	   *last_error;
	List	   *members;		/* OscMember *, the copied ones */
	List	   *others;			/* OscMember *, the relations that are not copied */
	List	   *steps;			/* OscJobStep * */
} OscJob;

extern const char *osc_state_name(OscState state);
extern const char *osc_phase_name(OscPhase phase);
extern OscPhase osc_phase_from_name(const char *name);
extern bool osc_state_is_final(OscState state);

extern int64 osc_job_create(OscJob *job, const char *settings,
							const char *session_settings);
extern OscJob *osc_job_load(int64 job_id, bool for_update);
extern void osc_job_reload_state(OscJob *job);
extern void osc_job_set_state(OscJob *job, OscState to);
extern bool osc_job_move_state(OscJob *job, OscState to);
extern void osc_job_set_phase(OscJob *job, OscPhase to);
extern void osc_job_set_waiting(OscJob *job, const char *waiting_for);
extern void osc_job_note_attempt(OscJob *job, bool granted, double delay_ms);
extern void osc_job_note_obstructed(OscJob *job, double delay_ms);
extern void osc_job_note_blocked(OscJob *job);
extern void osc_job_set_eta(OscJob *job, TimestampTz eta);
extern void osc_job_keep_until(OscJob *job, TimestampTz until);
extern void osc_job_record_error(OscJob *job, const char *message, const char *sqlstate,
								 OscState final_state);
extern void osc_job_set_setting(OscJob *job, const char *name, const char *value);
extern void osc_job_restart_swap_clock(OscJob *job, bool running);
extern bool osc_any_unfinished_job(void);

extern void osc_member_create(OscMember *member);
extern void osc_member_drop(OscMember *member);
extern void osc_member_update(OscMember *member, const char *assignments, OscArgs *args);
extern int32 osc_member_lock_generation(OscMember *member, bool exclusive);
extern int64 osc_member_of_relation(Oid relid);
extern void osc_members_deactivate(int64 job_id);

/* a table of the job, one that is copied if there is one; NULL: none is left */
static inline OscMember *
osc_job_first_table(const OscJob *job)
{
	return job->members ? linitial(job->members) : job->others ? linitial(job->others) : NULL;
}

#endif							/* OSC_JOB_H */
