/*-------------------------------------------------------------------------
 *
 * notes.h
 *	  Keys of rows whose mirrored column could not be worked out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_NOTES_H
#define OSC_NOTES_H

#include "mirror/mirror.h"

extern void osc_note_key(const OscMirror *mirror, Relation rel, TupleTableSlot *row);
extern void osc_note_overtaken(const OscMirror *mirror);
extern bool osc_notes_overtaken(const OscMember *m);
extern void osc_notes_begin_comparison(const OscMirror *mirror);
/* a row that is still without a value */
typedef struct OscUnsettled
{
	char	   *key;
	char	   *empty;			/* the new column that is NULL and must not be; NULL: the value cannot be worked out */
} OscUnsettled;

extern int64 osc_notes_unsettled(const OscMember *m, bool back, OscUnsettled *first);

#endif							/* OSC_NOTES_H */
