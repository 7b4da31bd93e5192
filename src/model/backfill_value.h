/*-------------------------------------------------------------------------
 *
 * backfill_value.h
 *	  The value of a column by an expression of the user's.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_BACKFILL_VALUE_H
#define OSC_BACKFILL_VALUE_H

#include "model/backfill_spec.h"
#include "utils/relcache.h"

extern Node *osc_backfill_read_expression(const OscBackfill *b, Relation source);
extern Node *osc_backfill_coerce(Node *expr, Form_pg_attribute att);

#endif							/* OSC_BACKFILL_VALUE_H */
