/*-------------------------------------------------------------------------
 *
 * relation_cache.c
 *	  What a backend has learned of relations, until these are invalidated.
 *
 * For triggers, which are called for each row.  An entry begins with an
 * OscCachedRelation; an invalidation of its relation, or of all, clears valid.
 * Who fills an entry compares cache->invalidations before and after: one that
 * came meanwhile means that the entry may be outdated already.
 *
 * Locks: none.  Memory: TopMemoryContext, one entry for each relation that was
 * asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/inval.h"
#include "utils/memutils.h"

#include "base/relation_cache.h"

/* relcache callback (inval.c); arg: the cache */
static void
forget_relation(Datum arg, Oid relid)
{
	OscRelationCache *cache = (OscRelationCache *) DatumGetPointer(arg);
	HASH_SEQ_STATUS status;
	OscCachedRelation *entry;

	cache->invalidations++;
	if (OidIsValid(relid))
	{
		entry = hash_search(cache->entries, &relid, HASH_FIND, NULL);
		if (entry)
			entry->valid = false;
		return;
	}
	hash_seq_init(&status, cache->entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->valid = false;
}

/*
 * The entry of a relation; all zero but for relid if it is new.  The cache is
 * a static variable of the caller's, all zero before the first call, which
 * gives it its name and the size of its entries.
 */
void *
osc_relation_cache_find(OscRelationCache *cache, const char *name, Size entry_size, Oid relid)
{
	void	   *entry;
	bool		found;

	if (cache->entries == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(Oid);
		ctl.entrysize = entry_size;
		ctl.hcxt = TopMemoryContext;
		cache->entries = hash_create(name, 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		CacheRegisterRelcacheCallback(forget_relation, PointerGetDatum(cache));
	}
	entry = hash_search(cache->entries, &relid, HASH_ENTER, &found);
	if (!found)
	{
		memset(entry, 0, entry_size);
		((OscCachedRelation *) entry)->relid = relid;
	}
	return entry;
}
