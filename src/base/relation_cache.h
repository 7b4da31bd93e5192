/*-------------------------------------------------------------------------
 *
 * relation_cache.h
 *	  What a backend has learned of relations, until these are invalidated.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_RELATION_CACHE_H
#define OSC_RELATION_CACHE_H

#include "utils/hsearch.h"

/* the beginning of each entry */
typedef struct OscCachedRelation
{
	Oid			relid;			/* hash key */
	bool		valid;			/* cleared by relcache invalidation */
} OscCachedRelation;

typedef struct OscRelationCache
{
	HTAB	   *entries;		/* NULL before the first look-up */
	uint64		invalidations;	/* so that one during a look-up is not lost */
} OscRelationCache;

extern void *osc_relation_cache_find(OscRelationCache *cache, const char *name,
									 Size entry_size, Oid relid);

#endif							/* OSC_RELATION_CACHE_H */
