/*-------------------------------------------------------------------------
 *
 * way_back.h
 *	  What stands in the way of taking a swap of columns back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_WAY_BACK_H
#define OSC_WAY_BACK_H

#include "nodes/parsenodes.h"
#include "store/job.h"

extern void osc_way_back_check(const OscJob *job, const OscMember *m, const List *columns);
extern void osc_way_back_check_left(const OscMember *m, const List *columns);
extern List *osc_way_back_keys(const OscMember *m);
extern void osc_way_back_aim(Node *node, Oid relid, const List *keys);

#endif							/* OSC_WAY_BACK_H */
