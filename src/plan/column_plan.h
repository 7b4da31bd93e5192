/*-------------------------------------------------------------------------
 *
 * column_plan.h
 *	  What is being planned for strategy column, and its parts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_COLUMN_PLAN_H
#define OSC_COLUMN_PLAN_H

#include "model/column.h"
#include "plan/classify.h"
#include "plan/plan.h"
#include "plan/rehearse_column.h"
#include "utils/relcache.h"

#define OSC_USE_COPY "Use strategy \"auto\" or \"copy\"."

/* what is being planned */
typedef struct OscColumnPlan
{
	OscPlan    *plan;
	OscPlanTable *table;
	Relation	rel;
	char	   *name;			/* of the table, as SQL */
	OscPart		part;			/* for osc_plan_run() */
	List	   *columns;		/* OscColumn * */
	OscColumnSet before;
	OscColumnSet after;
	List	   *keys;			/* OscColumnKey * */
	List	   *added_keys;		/* the same, of the statement */
	bool		way_back;
	const char *no_way_back;	/* why there is none; else NULL */
	int			n;				/* helper names given so far */
	List	   *late;			/* OscLateCommand *: of group 3, added at the end */
} OscColumnPlan;

/* a command of group 3 */
typedef struct OscLateCommand
{
	Oid			relid;
	char	   *command;
	char	   *undo;
} OscLateCommand;

/* recipes_column.c */
extern void osc_refuse_column(const char *what, const char *hint);
extern bool osc_is_plain_conversion(Node *expr, AttrNumber attnum);

/* column_added_keys.c */
extern List *osc_column_added_keys(OscColumnPlan *p);

/* column_parts.c */
extern void osc_plan_column_parts(OscColumnPlan *p);
extern void osc_column_at_swap(OscColumnPlan *p, Oid relid, char *command, char *undo);
extern void osc_column_at_swap_late(OscColumnPlan *p, Oid relid, char *command, char *undo);
extern OscColumnCheck *osc_find_check(List *checks, const char *name);
extern OscColumnIndex *osc_find_index(List *indexes, const char *name);
extern bool osc_is_dropped(const OscColumnPlan *p, const char *name);

/* column_back.c */
extern void osc_check_way_back(OscColumnPlan *p);
extern void osc_validate_after_revert(OscColumnPlan *p, Oid relid, const char *name);
extern void osc_not_null_after_revert(OscColumnPlan *p, const OscColumn *c);

/* column_owned.c */
extern void osc_plan_column_sequences(OscColumnPlan *p, const OscColumn *c);
extern void osc_plan_column_statistics(OscColumnPlan *p);
extern void osc_plan_index_targets(OscColumnPlan *p, const char *index);

#endif							/* OSC_COLUMN_PLAN_H */
