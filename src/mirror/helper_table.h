/*-------------------------------------------------------------------------
 *
 * helper_table.h
 *	  Tables of our own beside the shadow: change log and places.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_HELPER_TABLE_H
#define OSC_HELPER_TABLE_H

#include "access/tupdesc.h"
#include "store/objects.h"

extern char *osc_free_helper_name(Oid nsp, const char *prefix, int n);
extern Oid	osc_create_helper_table(const OscMember *m, Oid nsp, OscObjectKind kind,
									const char *name, TupleDesc columns);

#endif							/* OSC_HELPER_TABLE_H */
