/*-------------------------------------------------------------------------
 *
 * recipes_column.h
 *	  Strategy column: a new column beside the old one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_RECIPES_COLUMN_H
#define OSC_RECIPES_COLUMN_H

#include "plan/plan.h"

extern void osc_check_column_script(const OscPlan *plan);
extern void osc_plan_columns(OscPlan *plan, OscPlanTable *t);

#endif							/* OSC_RECIPES_COLUMN_H */
