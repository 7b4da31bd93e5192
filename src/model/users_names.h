/*-------------------------------------------------------------------------
 *
 * users_names.h
 *	  Strategy column: errors in the words of the statement that the user gave.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_USERS_NAMES_H
#define OSC_USERS_NAMES_H

#include "store/job.h"

extern char *osc_with_users_names(const OscJob *job, char *text);

#endif							/* OSC_USERS_NAMES_H */
