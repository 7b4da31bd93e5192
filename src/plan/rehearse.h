/*-------------------------------------------------------------------------
 *
 * rehearse.h
 *	  Trying the statement on an empty copy.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_REHEARSE_H
#define OSC_REHEARSE_H

#include "model/script.h"
#include "utils/relcache.h"

typedef struct OscRehearsal
{
	char	   *key;			/* name of the index that finds rows; NULL: their place does */
	int			nindexes;		/* of the table afterwards */
	int			nproved;		/* CHECK constraints that the copy proves */
} OscRehearsal;

/* what the server would rewrite */
typedef enum OscRewrite
{
	OSC_REWRITES_NOTHING,
	OSC_REWRITES_INDEXES,
	OSC_REWRITES_ROWS,
} OscRewrite;

extern OscRewrite osc_rehearsal_rewrites(List *statements);
extern char *osc_rehearsal_index_name(Relation source, OscStatement *statement);
extern void osc_rehearse(List *members, List *statements, OscRehearsal *results);

#endif							/* OSC_REHEARSE_H */
