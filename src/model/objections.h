/*-------------------------------------------------------------------------
 *
 * objections.h
 *	  What native objects to, beside what depends on columns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_OBJECTIONS_H
#define OSC_OBJECTIONS_H

#include "model/script.h"
#include "utils/relcache.h"

extern Oid	osc_cluster_index(Relation rel, List *statements);
extern Oid	osc_index_of_copy(Relation rel, Oid index, Oid copy);
extern void osc_check_objections(Relation rel, List *statements, bool alone);

#endif							/* OSC_OBJECTIONS_H */
