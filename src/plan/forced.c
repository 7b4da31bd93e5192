/*-------------------------------------------------------------------------
 *
 * forced.c
 *	  A strategy that the caller asks for is obeyed or refused, never ignored.
 *
 * "copy" fits if every table that the script names is copied then: it has
 * storage, or reaches partitions that have, and no sub-command is one that a
 * copy does not take.  The others fit if "auto" copies no table, some part
 * has that strategy, and no part has another but "instant".  The hint of a
 * refusal names all that fit.
 *
 * Locks: ACCESS SHARE on the tables, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "model/statement.h"
#include "plan/classify.h"
#include "plan/forced.h"
#include "plan/reach.h"
#include "plan/rules.h"
#include "plan/separable.h"

/* the parts of all tables */
static List *
all_parts(const OscPlan *plan)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, plan->tables)
		result = list_concat(result, ((OscPlanTable *) lfirst(lc))->parts);
	return result;
}

/* the part that most stands in the way of a strategy, NULL if none does */
static const OscPart *
misfit(List *parts, const char *strategy)
{
	const OscPart *worst = NULL;
	ListCell   *lc;

	foreach(lc, parts)
	{
		const OscPart *part = lfirst(lc);

		if (strcmp(osc_strategy_name(part->strategy), strategy) != 0 &&
			(worst == NULL || part->strategy > worst->strategy))
			worst = part;
	}
	return worst;
}

/* the sub-command that a copy does not take, NULL if there is none */
static const OscPart *
not_for_copy(List *parts)
{
	ListCell   *lc;

	foreach(lc, parts)
	{
		const OscPart *part = lfirst(lc);

		if (part->cmd && !osc_copy_takes(part->cmd))
			return part;
	}
	return NULL;
}

/* a table that the script names and that no copy of it would change */
static const OscPlanTable *
without_storage(const OscPlan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->tables)
	{
		const OscPlanTable *t = lfirst(lc);

		if (t->statements != NIL && !osc_plan_has_storage(t))
			return t;
	}
	return NULL;
}

/* does "auto" copy a table? */
static bool
any_copied(const OscPlan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->tables)
		if (((OscPlanTable *) lfirst(lc))->copied)
			return true;
	return false;
}

static bool
fits(const OscPlan *plan, List *parts, const char *strategy)
{
	bool		found = strcmp(strategy, "instant") == 0;
	ListCell   *lc;

	if (strcmp(strategy, "copy") == 0)
		return plan->tables != NIL && without_storage(plan) == NULL && not_for_copy(parts) == NULL;
	if (any_copied(plan))
		return false;
	foreach(lc, parts)
	{
		const OscPart *part = lfirst(lc);

		if (strcmp(osc_strategy_name(part->strategy), strategy) == 0)
			found = true;
		else if (part->strategy != OSC_INSTANT)
			return false;
	}
	return found;
}

/* why the parts of a script are copied though none of them needs it */
static const char *
why_together(const OscPlan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->tables)
	{
		const char *reason = osc_why_not_separable(((OscPlanTable *) lfirst(lc))->parts);

		if (reason)
			return reason;
	}
	return NULL;
}

/* why the strategy does not fit, as a sentence */
static const char *
describe_misfit(const OscPlan *plan, List *parts, const char *strategy)
{
	const OscPart *part = misfit(parts, strategy);

	if (plan->tables == NIL)
		return "No table that the script names exists.";
	if (strcmp(strategy, "copy") == 0 && without_storage(plan) != NULL)
		return psprintf("Table \"%s\" has no storage to copy, nor do the statements reach a partition that has.",
						without_storage(plan)->relname);
	if (strcmp(strategy, "copy") == 0)
		part = not_for_copy(parts);
	else if (any_copied(plan) && (part == NULL || part->strategy != OSC_COPY) && why_together(plan))
		return psprintf("The parts cannot be run apart (%s): they need strategy \"copy\".", why_together(plan));
	return psprintf("%s needs strategy \"%s\".", osc_rule_find(part->rule)->change,
					osc_strategy_name(part->strategy));
}

/*
 * Refuse a strategy that does not fit the parts of the plan's tables, with
 * feature_not_supported; "auto" fits always.  The tables are those that "auto"
 * copies marked as such.
 */
void
osc_check_forced_strategy(const OscPlan *plan, const char *strategy)
{
	static const char *const all[] = {"auto", "instant", "constraint", "index", "copy"};
	List	   *parts = all_parts(plan);
	const char *fitting[lengthof(all)];
	StringInfoData hint;
	int			n = 0;

	if (strcmp(strategy, "auto") == 0 || fits(plan, parts, strategy))
		return;
	for (int i = 0; i < (int) lengthof(all); i++)
		if (i == 0 || fits(plan, parts, all[i]))
			fitting[n++] = all[i];
	initStringInfo(&hint);
	for (int i = 0; i < n; i++)
		appendStringInfo(&hint, "%s\"%s\"", i == 0 ? "" : i < n - 1 ? ", " : " or ", fitting[i]);
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("strategy \"%s\" does not fit the change", strategy),
			 errdetail("%s", describe_misfit(plan, parts, strategy)),
			 errhint("Use %s.", hint.data)));
}
