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
extern int64 osc_notes_unsettled(const OscMember *m, bool back, char **first);

#endif							/* OSC_NOTES_H */
