/*-------------------------------------------------------------------------
 *
 * prove.h
 *	  The steps of the validation, and its results.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_PROVE_H
#define OSC_PROVE_H

#include "store/job.h"

extern bool osc_validate_some(OscJob *job, char **failure);
extern bool osc_validate_all(OscJob *job);

#endif							/* OSC_PROVE_H */
