/*-------------------------------------------------------------------------
 *
 * row_error.h
 *	  The key of the row that an error is about.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_ROW_ERROR_H
#define OSC_ROW_ERROR_H

#include "model/mapping.h"

typedef struct OscRowErrorContext
{
	ErrorContextCallback callback;
	OscMapExec *map;
	bool		busy;
} OscRowErrorContext;

extern void osc_row_errors_begin(OscRowErrorContext *context, OscMapExec *map);
extern void osc_row_errors_end(OscRowErrorContext *context);

#endif							/* OSC_ROW_ERROR_H */
