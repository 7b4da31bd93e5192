/*-------------------------------------------------------------------------
 *
 * lookups.h
 *	  Locks on the tables that the expressions of a mapping read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_LOOKUPS_H
#define OSC_LOOKUPS_H

#include "base/locks.h"
#include "store/job.h"

extern void osc_lookups_add(OscLockSet *set, const OscMember *m);
extern void osc_lookups_lock(const OscMember *m);

#endif							/* OSC_LOOKUPS_H */
