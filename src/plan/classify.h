/*-------------------------------------------------------------------------
 *
 * classify.h
 *	  Which strategy each part of a script needs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_CLASSIFY_H
#define OSC_CLASSIFY_H

#include "model/script.h"
#include "plan/slices.h"
#include "utils/relcache.h"

typedef enum OscStrategy
{
	OSC_INSTANT,				/* catalog only */
	OSC_CONSTRAINT,				/* NOT VALID, then VALIDATE */
	OSC_INDEX,					/* concurrent build */
	OSC_COPY,					/* new storage */
	OSC_COLUMN,					/* a new column beside the old one */
} OscStrategy;

/* a sub-command of an ALTER TABLE, or a statement of another kind */
typedef struct OscPart
{
	OscStatement *statement;
	AlterTableCmd *cmd;			/* NULL: not an ALTER TABLE */
	OscSlice	slice;			/* its place in the statement's source */
	OscStrategy strategy;
	const char *rule;			/* id in rules.c */
} OscPart;

extern const char *osc_strategy_name(OscStrategy strategy);
extern List *osc_classify(Relation rel, List *statements);
extern List *osc_index_columns(Relation rel, const char *name);
extern bool osc_not_null_is_proved(Relation rel, const char *colname);

#endif							/* OSC_CLASSIFY_H */
