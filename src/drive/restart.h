/*-------------------------------------------------------------------------
 *
 * restart.h
 *	  What follows when a table gets other storage while a job runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_RESTART_H
#define OSC_RESTART_H

#include "store/job.h"

extern bool osc_restart_where_moved(OscJob *job);
extern bool osc_validate_where_replaced(OscJob *job);

#endif							/* OSC_RESTART_H */
