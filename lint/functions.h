/*-------------------------------------------------------------------------
 *
 * functions.h
 *	  Which functions give every row a value of its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_FUNCTIONS_H
#define LINT_FUNCTIONS_H

#include "util.h"

typedef enum Volatility
{
	VOLATILITY_STABLE,			/* or immutable */
	VOLATILITY_UNKNOWN,
	VOLATILITY_VOLATILE
} Volatility;

extern Volatility function_volatility(const char *schema, const char *name);

#endif							/* LINT_FUNCTIONS_H */
