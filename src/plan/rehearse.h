/*-------------------------------------------------------------------------
 *
 * rehearse.h
 *	  Trying the statement on an empty copy.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_REHEARSE_H
#define OSC_REHEARSE_H

#include "nodes/parsenodes.h"
#include "utils/relcache.h"

typedef struct OscRehearsal
{
	char	   *key;			/* name of the index that finds rows; NULL: their place does */
	int			nindexes;		/* of the table afterwards */
	int			nproved;		/* CHECK constraints that the copy proves */
} OscRehearsal;

extern void osc_rehearse(Relation source, const AlterTableStmt *stmt, const char *ddl,
						 OscRehearsal *result);

#endif							/* OSC_REHEARSE_H */
