/*-------------------------------------------------------------------------
 *
 * compose.h
 *	  The values that a script leaves in the columns of a table, statement by
 *	  statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_COMPOSE_H
#define OSC_COMPOSE_H

#include "model/script.h"
#include "utils/relcache.h"

/* what the statements so far make of a row of the source */
typedef struct OscComposition
{
	Oid			source;
	bool		changed;		/* the shape is no longer the source's */
	List	   *values;			/* Expr over the source per column; NULL: generated
								 * anew from the row */
	List	   *pending;		/* OscNewType of the statement that is being run */
	List	   *fills;			/* and its OscFill */
} OscComposition;

extern OscComposition *osc_compose_begin(Relation source);
extern void osc_compose_before(OscComposition *c, const OscStatement *s, Oid named,
							   Oid shadow);
extern void osc_compose_after(OscComposition *c, Oid shadow);
extern List *osc_compose_end(OscComposition *c, Oid shadow);

#endif							/* OSC_COMPOSE_H */
