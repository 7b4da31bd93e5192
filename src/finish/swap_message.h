/*-------------------------------------------------------------------------
 *
 * swap_message.h
 *	  Telling logical decoders that a table has a new shape.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SWAP_MESSAGE_H
#define OSC_SWAP_MESSAGE_H

#include "store/job.h"

extern void osc_log_swap_message(const OscJob *job, const OscMember *m);

#endif							/* OSC_SWAP_MESSAGE_H */
