/*-------------------------------------------------------------------------
 *
 * converge.h
 *	  Does the replay keep up with the writers?
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_CONVERGE_H
#define OSC_CONVERGE_H

#include "store/job.h"

extern void osc_watch_catch_up(OscJob *job);
extern bool osc_falls_behind(const OscJob *job);

#endif							/* OSC_CONVERGE_H */
