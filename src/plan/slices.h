/*-------------------------------------------------------------------------
 *
 * slices.h
 *	  Cutting the text of a statement into that of its sub-commands.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SLICES_H
#define OSC_SLICES_H

#include "model/script.h"

/* a place in the text of a script: from start up to end */
typedef struct OscSlice
{
	int			start;
	int			end;
} OscSlice;

extern List *osc_subcommand_slices(const OscStatement *s);
extern char *osc_slice_text(const OscStatement *s, OscSlice slice);
extern char *osc_text_from_keyword(const OscStatement *s, const char *keyword);

#endif							/* OSC_SLICES_H */
