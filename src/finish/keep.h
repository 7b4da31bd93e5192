/*-------------------------------------------------------------------------
 *
 * keep.h
 *	  Keeping the old storage of a table after the swap.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_KEEP_H
#define OSC_KEEP_H

#include "store/job.h"

extern bool osc_keeps_old(void);
extern void osc_keep_twin(OscMember *m);
extern bool osc_keeps_old_columns(void);
extern void osc_keep_start(OscJob *job);
extern bool osc_keep_begin(OscJob *job);
extern void osc_keep_set(OscJob *job);
extern bool osc_keep_is_over(const OscJob *job);
extern void osc_keep_end(OscJob *job);

#endif							/* OSC_KEEP_H */
