/*-------------------------------------------------------------------------
 *
 * rules.h
 *	  What PostgreSQL does with each change of a schema, and the safe way.
 *
 * One table for two programs: the server's planner takes its notes and lock
 * facts from it, and osc-lint its findings, so that both say the same words.
 * Hence no header of PostgreSQL here, and none in rules.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_RULES_H
#define OSC_RULES_H

#include <stddef.h>

/*
 * How serious it is to run the statement as it stands on a busy table.
 * OSC_RULE_FINE rows describe what needs no other way; osc-lint reports none
 * of them.
 */
typedef enum OscRuleSeverity
{
	OSC_RULE_FINE,
	OSC_RULE_INFO,				/* told, but never makes a run fail */
	OSC_RULE_WARNING,
	OSC_RULE_ERROR
} OscRuleSeverity;

/* What kind of harm a rule is about. */
typedef enum OscRuleKind
{
	OSC_RULE_NONE,				/* none: goes with OSC_RULE_FINE */
	OSC_RULE_BLOCKING,			/* others wait as long as a scan, copy or build takes */
	OSC_RULE_LOCKING,			/* a strong lock, held briefly but waited for by all */
	OSC_RULE_BREAKING,			/* running programs meet errors afterwards */
	OSC_RULE_FAILING,			/* the server refuses the statement, or may do so */
	OSC_RULE_TRANSACTION,		/* what the transaction around it makes of it */
	OSC_RULE_DESIGN				/* regretted later */
} OscRuleKind;

/*
 * One change.  Every string is there (never NULL), but for strategy and note,
 * which rows for osc-lint alone do not have.
 */
typedef struct OscRule
{
	const char *id;				/* kebab-case: the name in osc-lint */
	const char *change;			/* what the user wrote */
	const char *native;			/* what PostgreSQL 15 does by itself: "catalog
								 * only", "rewrites the table", ... */
	const char *lock;			/* table lock of that, "ACCESS EXCLUSIVE" ...;
								 * "none" */
	const char *blocks;			/* what others cannot do meanwhile: "reads,
								 * writes", "writes", "nothing" */
	const char *why;			/* why that hurts, or does not */
	const char *safe;			/* what to do instead */
	const char *strategy;		/* of the planner: "instant", "constraint",
								 * "index", "copy"; NULL: osc_start has no
								 * part in it */
	const char *note;			/* why that strategy, for osc_plan */
	OscRuleSeverity severity;
	OscRuleKind kind;
} OscRule;

/* The rule of that id, or NULL. */
extern const OscRule *osc_rule_find(const char *id);

/* The rule at a place in the table, from 0; NULL behind the last. */
extern const OscRule *osc_rule_at(size_t i);

#endif							/* OSC_RULES_H */
