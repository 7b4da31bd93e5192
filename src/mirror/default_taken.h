/*-------------------------------------------------------------------------
 *
 * default_taken.h
 *	  Whether the row at hand has the default of a column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_DEFAULT_TAKEN_H
#define OSC_DEFAULT_TAKEN_H

#include "access/attnum.h"

extern bool osc_default_was_taken(Oid relid, AttrNumber attnum);
extern void osc_defaults_forget(void);

#endif							/* OSC_DEFAULT_TAKEN_H */
