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
extern bool osc_tree_has_changed(const OscJob *job, List *script,
								 List **newcomers, List **leavers);

#endif							/* OSC_TREE_CHANGES_H */
