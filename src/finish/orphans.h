/*-------------------------------------------------------------------------
 *
 * orphans.h
 *	  Rows that violate a foreign key, looked for before the swap.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_ORPHANS_H
#define OSC_ORPHANS_H

#include "store/job.h"

extern char *osc_orphan_checks(OscJob *job, List *script, List *keys);
extern bool osc_next_orphan_check(OscJob *job);

#endif							/* OSC_ORPHANS_H */
