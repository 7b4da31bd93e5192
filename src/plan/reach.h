/*-------------------------------------------------------------------------
 *
 * reach.h
 *	  The tables that a script reaches: those that it names, and children.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_REACH_H
#define OSC_REACH_H

#include "plan/plan.h"

extern OscPlanTable *osc_plan_find_table(const OscPlan *plan, Oid relid);
extern OscPlanTable *osc_plan_add_table(OscPlan *plan, Oid relid);
extern void osc_plan_collect_tables(OscPlan *plan);
extern bool osc_plan_has_storage(const OscPlanTable *t);
extern bool osc_plan_mark_copied(OscPlanTable *t);
extern List *osc_plan_copied_with(const OscPlanTable *t);
extern List *osc_plan_statements_around(const OscPlan *plan, const OscPlanTable *t);

#endif							/* OSC_REACH_H */
