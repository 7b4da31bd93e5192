/*-------------------------------------------------------------------------
 *
 * two_names.h
 *	  The value of a column that has two names, in a row that is written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_TWO_NAMES_H
#define OSC_TWO_NAMES_H

#include "model/column.h"

/* a row in the hands of the mirror */
typedef struct OscNamedRow
{
	Relation	rel;
	TupleTableSlot *old;		/* of an update: the row as it was; else NULL */
	TupleTableSlot *row;		/* as it shall be */
	bool		first;			/* no other trigger has seen it */
} OscNamedRow;

extern void osc_init_two_names(void);
extern void osc_require_default_callable(void);
extern bool osc_value_of_names(const OscNamedRow *n, const OscColumn *c, Datum *value, bool *isnull);

#endif							/* OSC_TWO_NAMES_H */
