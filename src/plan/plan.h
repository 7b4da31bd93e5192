/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  What a job will do, worked out before anything is made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_PLAN_H
#define OSC_PLAN_H

#include "model/backfill_spec.h"
#include "nodes/pg_list.h"
#include "store/job_step.h"

/* one row of osc_plan(); with run, a command that the job runs as shown */
typedef struct OscPlanStep
{
	OscPhase	phase;
	const char *strategy;
	char	   *command;
	const char *lock_mode;
	const char *blocks;
	char	   *cost;
	char	   *note;
	OscJobStep *run;
} OscPlanStep;

/* one relation that the job changes */
typedef struct OscPlanTable
{
	Oid			relid;
	char	   *nspname;
	char	   *relname;
	char		relkind;
	bool		copied;
	bool		described;		/* the steps of its copy are in the plan */
	List	   *statements;		/* OscStatement * that name it; NIL: a child that
								 * those of its parents reach */
	List	   *parts;			/* OscPart *, of these statements */
	List	   *reached;		/* OscPlanTable *: the children whom they reach */
	char	   *columns;		/* strategy column: the pairs (model/column.c); else NULL */
} OscPlanTable;

/* what osc_start() stores */
typedef struct OscPlan
{
	List	   *script;			/* OscStatement * */
	List	   *backfill;		/* OscBackfill *, attached to them */
	List	   *tables;			/* OscPlanTable *, parents before children, else in the order of their
								 * first statements */
	List	   *steps;			/* OscPlanStep *, in the order in which they run */
	bool		needs_worker;	/* a command cannot run in a transaction */
} OscPlan;

extern OscPlan *osc_make_plan(const char *ddl, const char *strategy, Jsonb *backfill);

#endif							/* OSC_PLAN_H */
