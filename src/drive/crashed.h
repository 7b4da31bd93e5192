/*-------------------------------------------------------------------------
 *
 * crashed.h
 *	  Beginning again where a crash has emptied an unlogged table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_CRASHED_H
#define OSC_CRASHED_H

#include "store/job.h"

extern bool osc_restart_after_crash(OscJob *job);

#endif							/* OSC_CRASHED_H */
