/*-------------------------------------------------------------------------
 *
 * rehearse.c
 *	  Trying the statement on an empty copy of the table.
 *
 * The copy is made, altered and mapped in a subtransaction that is always
 * rolled back.  So a wrong column, type or expression, or a table without a
 * usable key, is reported with the server's own error before a job exists.
 *
 * Locks: ACCESS SHARE on the source, held by the caller; those on the copy go
 * with the subtransaction.  A crash leaves nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "base/run.h"
#include "mirror/shadow.h"
#include "model/mapping.h"
#include "model/relinfo.h"
#include "plan/rehearse.h"

/* what a rehearsal is to find out */
typedef void (*Trial) (Relation source, Oid nsp, List *statements,
					   MemoryContext context, void *result);

static Oid
make_schema(Relation source)
{
	OscIdentity saved;
	Oid			nsp;

	osc_become(&saved, osc_extension_owner(), 0);
	nsp = osc_create_helper_schema(psprintf("osc_rehearsal_%d", MyProcPid),
								   source->rd_rel->relowner);
	osc_unbecome(&saved);
	return nsp;
}

/* make the copy, and look at it */
static void
try_copy(Relation source, Oid nsp, List *statements, MemoryContext context, void *result)
{
	OscRehearsal *r = result;
	Oid			shadow_oid = osc_create_shadow(source, nsp, statements);
	Relation	shadow = table_open(shadow_oid, NoLock);
	OscMapping *mapping = osc_mapping_build(source, shadow, statements);

	r->key = MemoryContextStrdup(context, get_rel_name(mapping->key.index));
	r->nindexes = list_length(osc_index_oids(shadow));
	r->nproved = list_length(mapping->check_names);
	table_close(shadow, NoLock);
}

/* apply the statements to an empty clone: does it get other storage? */
static void
try_rewrite(Relation source, Oid nsp, List *statements, MemoryContext context, void *result)
{
	Oid			clone = osc_create_clone(source, nsp);
	Relation	rel = table_open(clone, NoLock);
	int64		storage = osc_storage_of(clone);
	List	   *names = NIL;
	List	   *storages = NIL;
	ListCell   *lc,
			   *n;

	foreach(lc, osc_index_oids(rel))
	{
		int64	   *s = palloc(sizeof(int64));

		*s = osc_storage_of(lfirst_oid(lc));
		storages = lappend(storages, s);
		names = lappend(names, get_rel_name(lfirst_oid(lc)));
	}
	table_close(rel, NoLock);
	osc_apply_statements(clone, statements);
	*(OscRewrite *) result = OSC_REWRITES_NOTHING;
	forboth(lc, storages, n, names)
	{
		Oid			index = get_relname_relid(lfirst(n), nsp);

		if (OidIsValid(index) && osc_storage_of(index) != *(int64 *) lfirst(lc))
			*(OscRewrite *) result = OSC_REWRITES_INDEXES;
	}
	if (osc_storage_of(clone) != storage)
		*(OscRewrite *) result = OSC_REWRITES_ROWS;
}

/* which name does an index get? */
static void
try_index(Relation source, Oid nsp, List *statements, MemoryContext context, void *result)
{
	Oid			clone = osc_create_clone(source, nsp);
	Relation	rel = table_open(clone, NoLock);
	List	   *before = osc_index_oids(rel);
	ListCell   *lc;

	table_close(rel, NoLock);
	osc_apply_statements(clone, statements);
	rel = table_open(clone, NoLock);
	foreach(lc, osc_index_oids(rel))
		if (!list_member_oid(before, lfirst_oid(lc)))
			*(char **) result = MemoryContextStrdup(context, get_rel_name(lfirst_oid(lc)));
	table_close(rel, NoLock);
}

/* the copy's schema means nothing to the user: take its name out of a message */
static char *
without_schema(char *message)
{
	char	   *prefix = psprintf("osc_rehearsal_%d.", MyProcPid);
	StringInfoData buf;
	char	   *p = message;
	char	   *found;

	if (message == NULL)
		return NULL;
	initStringInfo(&buf);
	while ((found = strstr(p, prefix)) != NULL)
	{
		appendBinaryStringInfo(&buf, p, found - p);
		p = found + strlen(prefix);
	}
	appendStringInfoString(&buf, p);
	return buf.data;
}

/* run the trial in a subtransaction that is rolled back */
static void
run_trial(Trial trial, Relation source, List *statements, void *result)
{
	OscSubxact	subxact;

	osc_subxact_begin(&subxact);
	/* notices of the statements belong to their run in the job */
	osc_set_local("client_min_messages", "warning");
	PG_TRY();
	{
		trial(source, make_schema(source), statements, subxact.context, result);
		osc_subxact_rollback(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		if (edata->hint == NULL)
			edata->hint = pstrdup("The statement was tried on an empty copy of the table; nothing was changed.");
		edata->message = without_schema(edata->message);
		edata->detail = without_schema(edata->detail);
		edata->hint = without_schema(edata->hint);
		edata->schema_name = NULL;
		ReThrowError(edata);
	}
	PG_END_TRY();
}

/*
 * Rehearse a copy with these statements (OscStatement *).  Raises their own
 * errors, with a hint where they have none.
 */
void
osc_rehearse(Relation source, List *statements, OscRehearsal *result)
{
	run_trial(try_copy, source, statements, result);
}

/*
 * What would the server rewrite if it ran the statements?  Raises errors as
 * above.
 */
OscRewrite
osc_rehearsal_rewrites(Relation source, List *statements)
{
	OscRewrite	result = OSC_REWRITES_NOTHING;

	run_trial(try_rewrite, source, statements, &result);
	return result;
}

/* a name that is free in the user's schema, numbered as native numbers it */
static char *
free_relation_name(const char *name, Oid nsp)
{
	char	   *result = pstrdup(name);

	for (int n = 1; OidIsValid(get_relname_relid(result, nsp)); n++)
		result = psprintf("%.*s%d", NAMEDATALEN - 5, name, n);
	return result;
}

/*
 * The name that the server gives to the index of a CREATE INDEX without one,
 * in the current memory context.
 */
char *
osc_rehearsal_index_name(Relation source, OscStatement *statement)
{
	char	   *name = NULL;

	run_trial(try_index, source, list_make1(statement), &name);
	/* the clone's schema has only its own names */
	return free_relation_name(name, RelationGetNamespace(source));
}
