/*-------------------------------------------------------------------------
 *
 * queue.h
 *	  Which job a worker takes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_QUEUE_H
#define OSC_QUEUE_H

extern int64 osc_queue_take(int slot);

#endif							/* OSC_QUEUE_H */
