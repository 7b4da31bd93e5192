/*-------------------------------------------------------------------------
 *
 * objects.h
 *	  The registry of helper objects.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_OBJECTS_H
#define OSC_OBJECTS_H

#include "nodes/pg_list.h"
#include "store/job.h"

/* what clean-up does with an object of each kind */
typedef enum OscObjectKind
{
	OSC_OBJECT_SCHEMA,			/* drop last */
	OSC_OBJECT_SHADOW,			/* drop */
	OSC_OBJECT_TWIN,			/* drop: after the swap it has the old rows */
	OSC_OBJECT_OLD_STORAGE,		/* a twin that is kept: not dropped; later OSC_OBJECT_TWIN */
	OSC_OBJECT_LOG,				/* drop when nobody writes to it any more */
	OSC_OBJECT_CANARY,			/* drop */
	OSC_OBJECT_PLACES,			/* drop */
	OSC_OBJECT_TRIGGER,			/* drop under a polite lock on the source */
	OSC_OBJECT_MIRROR,			/* mirror trigger and columns: the same */
} OscObjectKind;

typedef struct OscObject
{
	int64		object_id;
	int32		member;
	OscObjectKind kind;
	char	   *name;
	Oid			oid;			/* InvalidOid until it exists */
} OscObject;

extern int64 osc_object_register(const OscMember *m, OscObjectKind kind,
								 const char *schema, const char *name);
extern void osc_object_created(int64 object_id, Oid oid);
extern void osc_object_set_kind(Oid oid, OscObjectKind kind);
extern void osc_object_forget(int64 object_id);
extern List *osc_objects_of(int64 job_id, int32 member);
extern void osc_object_make_member(Oid classid, Oid oid);
extern void osc_object_drop(Oid classid, Oid oid);

#endif							/* OSC_OBJECTS_H */
