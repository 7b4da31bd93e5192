/*-------------------------------------------------------------------------
 *
 * notices.h
 *	  What the server says to the user's statements while a worker runs them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_NOTICES_H
#define OSC_NOTICES_H

#include "nodes/pg_list.h"

extern void osc_notices_begin(void);
extern List *osc_notices_end(void);

#endif							/* OSC_NOTICES_H */
