/*-------------------------------------------------------------------------
 *
 * follow_tree.h
 *	  Partitions that come to the tables of a job, or leave them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_FOLLOW_TREE_H
#define OSC_FOLLOW_TREE_H

#include "store/job.h"

extern bool osc_follow_tree(OscJob *job);

#endif							/* OSC_FOLLOW_TREE_H */
