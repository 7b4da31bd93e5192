/*-------------------------------------------------------------------------
 *
 * canary.h
 *	  An unlogged row that tells whether the server has crashed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_CANARY_H
#define OSC_CANARY_H

#include "store/job.h"

extern Oid	osc_canary_create(const OscMember *m, Oid nsp);
extern bool osc_canary_is_alive(const OscMember *m);
extern void osc_canary_revive(const OscMember *m);

#endif							/* OSC_CANARY_H */
