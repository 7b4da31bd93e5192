/*-------------------------------------------------------------------------
 *
 * mirror.h
 *	  The trigger that keeps two columns of a table equal.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_MIRROR_H
#define OSC_MIRROR_H

#include "model/column.h"
#include "store/job.h"

/* which column follows which; values of online_schema.mirror.direction */
#define OSC_MIRROR_FORWARD 'f'	/* the new one the old */
#define OSC_MIRROR_BACK 'r'		/* the old one the new */
#define OSC_MIRROR_BOTH 'b'		/* each the other: two names for one value */
#define OSC_MIRROR_OFF 'o'		/* none */

/* a row of online_schema.mirror */
typedef struct OscMirror
{
	Oid			relid;
	Oid			trigger;
	Oid			first_trigger;	/* while there are two names: the other one; else 0 */
	char		direction;
	Oid			owner;
	List	   *columns;		/* OscColumn * */
	Oid			notes;			/* keys of rows whose new column could not be worked out */
	Oid			notes_back;		/* the same of the old column, after the swap */
	OscKey		key;			/* of both; without index */
	OscKey		key_back;
	Jsonb	   *settings;
} OscMirror;

extern void osc_mirror_install(const OscJob *job, const OscMember *m, const OscMirror *mirror);
extern bool osc_mirror_read(Oid relid, OscMirror *mirror);
extern void osc_mirror_set_direction(Oid relid, char direction);
extern void osc_mirror_remove(const OscMember *m);
extern char *osc_mirror_state(const OscMember *m);
extern bool osc_mirror_is_last(Relation rel, Oid trigger, const char **last);
extern void osc_mirror_require_intact(const OscMember *m);

#endif							/* OSC_MIRROR_H */
