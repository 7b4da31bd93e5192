/*-------------------------------------------------------------------------
 *
 * deadline.h
 *	  A time limit on part of a step.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_DEADLINE_H
#define OSC_DEADLINE_H

extern void osc_deadline_arm(int ms);
extern void osc_deadline_disarm(void);
extern bool osc_deadline_fired(void);

#endif							/* OSC_DEADLINE_H */
