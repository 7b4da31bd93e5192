/*-------------------------------------------------------------------------
 *
 * burden.h
 *	  What a plain statement would do to a large table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_BURDEN_H
#define OSC_BURDEN_H

#include "nodes/nodes.h"
#include "nodes/primnodes.h"

/* long work under a strong lock; phrases for "would ... table x while ... are blocked" */
typedef struct OscBurden
{
	const char *work;
	const char *blocked;
} OscBurden;

extern const RangeVar *osc_burdened_table(const Node *stmt);
extern bool osc_statement_burden(const Node *stmt, Oid relid, OscBurden *burden);
extern int64 osc_table_size(Oid relid);

#endif							/* OSC_BURDEN_H */
