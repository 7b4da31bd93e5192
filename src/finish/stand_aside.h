/*-------------------------------------------------------------------------
 *
 * stand_aside.h
 *	  Rows of partitioned tables that stand aside while a foreign key is made
 *	  anew.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_STAND_ASIDE_H
#define OSC_STAND_ASIDE_H

#include "base/locks.h"
#include "store/job.h"

extern void osc_stand_aside_lock(const OscJob *job, List *foreign_keys, OscLockSet *set);
extern List *osc_stand_aside(const OscJob *job, List *foreign_keys);
extern void osc_stand_back(List *aside);

#endif							/* OSC_STAND_ASIDE_H */
