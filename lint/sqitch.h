/*-------------------------------------------------------------------------
 *
 * sqitch.h
 *	  The order of the deploy scripts of a sqitch project.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_SQITCH_H
#define LINT_SQITCH_H

#include "util.h"

extern void sqitch_sort(const char *plan, const char *deploy, void **names, size_t count, Arena *arena);

#endif							/* LINT_SQITCH_H */
