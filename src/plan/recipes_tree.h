/*-------------------------------------------------------------------------
 *
 * recipes_tree.h
 *	  The commands that change a partitioned table without a copy.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_RECIPES_TREE_H
#define OSC_RECIPES_TREE_H

#include "plan/classify.h"
#include "plan/plan.h"
#include "utils/relcache.h"

extern void osc_plan_tree_index(OscPlan *plan, const OscPart *part);
extern void osc_plan_tree_key(OscPlan *plan, Relation rel, const OscPart *part);
extern void osc_plan_tree_foreign_key(OscPlan *plan, Relation rel, const OscPart *part,
									  const char *definition);
extern void osc_plan_attach(OscPlan *plan, Relation rel, const OscPart *part);
extern void osc_plan_tree_reindex(OscPlan *plan, Relation rel, const OscPart *part,
								  const char *options);

#endif							/* OSC_RECIPES_TREE_H */
