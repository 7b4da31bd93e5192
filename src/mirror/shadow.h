/*-------------------------------------------------------------------------
 *
 * shadow.h
 *	  Shadow and twin: tables with the physical layout of the source.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SHADOW_H
#define OSC_SHADOW_H

#include "model/script.h"
#include "nodes/parsenodes.h"
#include "utils/relcache.h"

extern Oid	osc_create_helper_schema(const char *name, Oid owner);
extern void osc_give_schema_away(Oid nsp);
extern Oid	osc_create_clone(Relation source, Oid nsp);
extern void osc_apply_statement(Oid clone, const OscStatement *s, bool later_rows);
extern void osc_make_shadow(Oid clone, Oid source);
extern Oid	osc_create_twin(Relation source, Oid nsp);
extern void osc_hide_rows(Oid relid);
extern void osc_set_relrewrite(Oid relid, Oid value);
extern bool osc_has_relrewrite(Oid relid, Oid value);
extern const char *osc_layout_difference(Relation a, Relation b);
extern const char *osc_definition_difference(Relation a, Relation b);
extern void osc_empty_shadow(Oid shadow);

#endif							/* OSC_SHADOW_H */
