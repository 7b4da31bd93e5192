/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  What a job will do, worked out before anything is made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_PLAN_H
#define OSC_PLAN_H

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/* one row of osc_plan() */
typedef struct OscPlanStep
{
	const char *phase;
	const char *strategy;
	char	   *command;
	const char *lock_mode;
	const char *blocks;
	char	   *cost;
	char	   *note;
} OscPlanStep;

/* what osc_start() stores */
typedef struct OscPlan
{
	Oid			relid;
	char	   *nspname;
	char	   *relname;
	List	   *steps;			/* OscPlanStep * */
} OscPlan;

extern OscPlan *osc_make_plan(const char *ddl, const char *strategy, bool has_backfill);

#endif							/* OSC_PLAN_H */
