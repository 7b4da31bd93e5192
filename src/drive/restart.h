/*-------------------------------------------------------------------------
 *
 * restart.h
 *	  Beginning the backfill again when rows have moved.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_RESTART_H
#define OSC_RESTART_H

#include "store/job.h"

extern bool osc_restart_where_moved(OscJob *job);

#endif							/* OSC_RESTART_H */
