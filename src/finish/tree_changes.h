/*-------------------------------------------------------------------------
 *
 * tree_changes.h
 *	  Partitions that have come or gone while a job runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_TREE_CHANGES_H
#define OSC_TREE_CHANGES_H

#include "store/job.h"

extern bool osc_has_tree(const OscJob *job);
extern List *osc_tree_newcomers(const OscJob *job, List *script);
extern List *osc_tree_leavers(const OscJob *job, List *script);
extern bool osc_tree_has_changed(const OscJob *job, List *script);

#endif							/* OSC_TREE_CHANGES_H */
