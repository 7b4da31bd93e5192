/*-------------------------------------------------------------------------
 *
 * recipes.h
 *	  The commands that change a table without a copy.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_RECIPES_H
#define OSC_RECIPES_H

#include "plan/classify.h"
#include "plan/plan.h"
#include "utils/relcache.h"

extern OscPlanStep *osc_plan_add(OscPlan *plan, OscPhase phase, const char *strategy, char *command);
extern OscPlanStep *osc_plan_run(OscPlan *plan, OscPhase phase, OscStepKind kind, Oid relid,
								 const OscPart *part, char *command, char *undo);
extern bool osc_is_planned(const OscPlan *plan, const char *name);
extern char *osc_constraint_name(OscPlan *plan, Relation rel, const Constraint *con, List *columns);
extern void osc_plan_statement(OscPlan *plan, Relation rel, List *parts, List *all, bool alone);

#endif							/* OSC_RECIPES_H */
