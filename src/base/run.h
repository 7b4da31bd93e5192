/*-------------------------------------------------------------------------
 *
 * run.h
 *	  In whose name, with which settings and through which SQL calls a step
 *	  runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_RUN_H
#define OSC_RUN_H

#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "utils/jsonb.h"
#include "utils/resowner.h"

/* a role switch that is to be undone */
typedef struct OscIdentity
{
	Oid			userid;
	int			sec_context;
} OscIdentity;

/* the job owner's role and settings, in force for one step */
typedef struct OscEnv
{
	OscIdentity identity;
	int			guc_nest;
} OscEnv;

/* the same where functions of the table's owner are called for its rows */
typedef struct OscRowsIdentity
{
	OscIdentity identity;
	int			guc_nest;		/* 0: the role was not switched */
} OscRowsIdentity;

/* a session with the job tables, in the extension owner's name */
typedef struct OscStore
{
	OscIdentity identity;
	int			guc_nest;
	bool		own_snapshot;	/* pushed by us: SPI wants one around it */
	MemoryContext caller;		/* results that outlive the session go here */
} OscStore;

/* a subtransaction around something that may fail */
typedef struct OscSubxact
{
	MemoryContext context;		/* of before */
	ResourceOwner owner;
	int			nest;
} OscSubxact;

#define OSC_MAX_ARGS 24

/* arguments of one SQL call */
typedef struct OscArgs
{
	int			n;
	Oid			types[OSC_MAX_ARGS];
	Datum		values[OSC_MAX_ARGS];
	char		nulls[OSC_MAX_ARGS];
} OscArgs;

/* the job whose step this process is running, 0 when it runs none */
extern int64 osc_driving_job;

extern void osc_become(OscIdentity *saved, Oid role, int sec_flags);
extern void osc_unbecome(const OscIdentity *saved);
extern void osc_env_enter(OscEnv *env, Oid owner, Jsonb *settings,
						  Jsonb *session_settings);
extern void osc_env_leave(OscEnv *env);
extern Oid	osc_rows_role(Oid job_owner, Oid table_owner);
extern void osc_rows_enter(OscRowsIdentity *saved, Oid table_owner);
extern void osc_rows_leave(const OscRowsIdentity *saved);
extern void osc_session_enter(Oid owner, Jsonb *session_settings);
extern void osc_session_leave(void);
extern char *osc_session_settings_to_json(void);

extern void osc_store_open(OscStore *store);
extern void osc_store_close(OscStore *store);
extern uint64 osc_sql(const char *sql, OscArgs *args);
extern void osc_arg_int8(OscArgs *args, int64 value);
extern void osc_arg_int4(OscArgs *args, int32 value);
extern void osc_arg_oid(OscArgs *args, Oid value);
extern void osc_arg_bool(OscArgs *args, bool value);
extern void osc_arg_text(OscArgs *args, const char *value);
extern void osc_arg_jsonb(OscArgs *args, const char *json);
extern void osc_arg_datum(OscArgs *args, Oid type, Datum value, bool isnull);
extern int64 osc_col_int8(uint64 row, const char *name);
extern Oid	osc_col_oid(uint64 row, const char *name);
extern bool osc_col_bool(uint64 row, const char *name);
extern char *osc_col_text(OscStore *store, uint64 row, const char *name);
extern List *osc_keep(OscStore *store, List *list, void *entry);
extern List *osc_keep_oid(OscStore *store, List *list, Oid oid);
extern Datum osc_col_datum(OscStore *store, uint64 row, const char *name,
						   bool *isnull);

extern void osc_subxact_begin(OscSubxact *subxact);
extern void osc_subxact_commit(const OscSubxact *subxact);
extern void osc_subxact_rollback(const OscSubxact *subxact);
extern ErrorData *osc_subxact_caught(const OscSubxact *subxact);
extern bool osc_error_lasts(int sqlerrcode);
extern void osc_require_read_committed(void);
extern void osc_set_read_committed(void);
extern void osc_set_local(const char *name, const char *value);
extern double osc_elapsed_ms(TimestampTz since);

#endif							/* OSC_RUN_H */
