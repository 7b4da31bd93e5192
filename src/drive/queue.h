/*-------------------------------------------------------------------------
 *
 * queue.h
 *	  Which job a worker takes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_QUEUE_H
#define OSC_QUEUE_H

#include "nodes/pg_list.h"

extern List *osc_jobs_to_drive(bool only_cancelling);
extern int64 osc_queue_take(int slot);

#endif							/* OSC_QUEUE_H */
