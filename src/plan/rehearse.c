/*-------------------------------------------------------------------------
 *
 * rehearse.c
 *	  Trying the statement on an empty copy of the table.
 *
 * The copy is made, altered and mapped in a subtransaction that is always
 * rolled back.  So a wrong column, type or expression is reported with the
 * server's own error before a job exists.
 *
 * With the table its parents and children are copied, empty and linked as they
 * are: what native refuses for their sake is refused here.
 *
 * Locks: ACCESS SHARE on the source, held by the caller; on its children taken
 * here; those on the copies go with the subtransaction.  A crash leaves nothing.
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
#include "mirror/clone_tree.h"
#include "mirror/shadow.h"
#include "model/mapping.h"
#include "model/relinfo.h"
#include "model/tree.h"
#include "plan/rehearse.h"

/* what a rehearsal is to find out; the statements have not been applied yet */
typedef void (*Trial) (OscCloneTree *tree, List *script, MemoryContext context, void *result);

/* what try_copy() is given, and finds */
typedef struct CopyTrial
{
	List	   *members;		/* Oid: the tables that are to be copied */
	OscRehearsal *results;		/* one for each */
} CopyTrial;

/* a schema for the n'th clone */
static Oid
make_schema(Oid owner, int n)
{
	OscIdentity saved;
	Oid			nsp;

	osc_become(&saved, osc_extension_owner(), 0);
	nsp = osc_create_helper_schema(n == 0 ? psprintf("osc_rehearsal_%d", MyProcPid) :
								   psprintf("osc_rehearsal_%d_%d", MyProcPid, n), owner);
	osc_unbecome(&saved);
	return nsp;
}

/* clone the family of these relations, the first one into the first schema */
static void
clone_family(OscCloneTree *tree, List *relids)
{
	List	   *family = osc_family(relids);
	List	   *schemas = NIL;
	ListCell   *lc;
	int			n = 0;

	foreach(lc, family)
		schemas = lappend_oid(schemas,
							  make_schema(osc_relation_owner(lfirst_oid(lc)),
										  lfirst_oid(lc) == linitial_oid(relids) ? 0 : ++n));
	osc_clone_tree_make(tree, family, schemas);
}

/* make the copies, and look at them */
static void
try_copy(OscCloneTree *tree, List *script, MemoryContext context, void *result)
{
	CopyTrial  *trial = result;
	OscRehearsal *r = trial->results;
	ListCell   *lc;

	osc_clone_tree_apply(tree, script);
	osc_clone_tree_unlink(tree);
	foreach(lc, trial->members)
	{
		Relation	source = table_open(lfirst_oid(lc), NoLock);
		Relation	shadow = table_open(osc_clone_tree_find(tree, lfirst_oid(lc)), NoLock);
		OscMapping *mapping = osc_mapping_build(source, shadow,
												osc_statements_reaching(script, lfirst_oid(lc)));

		if (!osc_key_is_place(&mapping->key))
			r->key = MemoryContextStrdup(context, get_rel_name(mapping->key.index));
		r->nindexes = list_length(osc_index_oids(shadow));
		r->nproved = list_length(mapping->check_names);
		r++;
		table_close(shadow, NoLock);
		table_close(source, NoLock);
	}
}

/* the indexes of the clones, and what they are stored in */
static void
index_storages(const OscCloneTree *tree, List **oids, List **storages)
{
	ListCell   *lc,
			   *i;

	foreach(lc, tree->clones)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		foreach(i, osc_index_oids(rel))
		{
			int64	   *s = palloc(sizeof(int64));

			*s = osc_storage_of(lfirst_oid(i));
			*storages = lappend(*storages, s);
			*oids = lappend(*oids, makeString(psprintf("%u.%s", get_rel_namespace(lfirst_oid(i)),
													   get_rel_name(lfirst_oid(i)))));
		}
		table_close(rel, NoLock);
	}
}

/* apply the statements to empty clones: does one get other storage? */
static void
try_rewrite(OscCloneTree *tree, List *script, MemoryContext context, void *result)
{
	List	   *names = NIL;
	List	   *storages = NIL;
	List	   *new_names = NIL;
	List	   *new_storages = NIL;
	List	   *heaps = NIL;
	ListCell   *lc,
			   *n;

	index_storages(tree, &names, &storages);
	foreach(lc, tree->clones)
	{
		int64	   *s = palloc(sizeof(int64));

		*s = osc_storage_of(lfirst_oid(lc));
		heaps = lappend(heaps, s);
	}
	osc_clone_tree_apply(tree, script);
	*(OscRewrite *) result = OSC_REWRITES_NOTHING;
	index_storages(tree, &new_names, &new_storages);
	forboth(lc, storages, n, names)
	{
		ListCell   *m,
				   *t;

		forboth(m, new_names, t, new_storages)
			if (equal(lfirst(m), lfirst(n)) && *(int64 *) lfirst(t) != *(int64 *) lfirst(lc))
				*(OscRewrite *) result = OSC_REWRITES_INDEXES;
	}
	forboth(lc, heaps, n, tree->clones)
		if (osc_storage_of(lfirst_oid(n)) != *(int64 *) lfirst(lc))
			*(OscRewrite *) result = OSC_REWRITES_ROWS;
}

/* which name does an index get? */
static void
try_index(OscCloneTree *tree, List *script, MemoryContext context, void *result)
{
	Oid			clone = osc_clone_tree_find(tree, ((OscStatement *) linitial(script))->relid);
	Relation	rel = table_open(clone, NoLock);
	List	   *before = osc_index_oids(rel);
	ListCell   *lc;

	table_close(rel, NoLock);
	osc_clone_tree_apply(tree, script);
	rel = table_open(clone, NoLock);
	foreach(lc, osc_index_oids(rel))
		if (!list_member_oid(before, lfirst_oid(lc)))
			*(char **) result = MemoryContextStrdup(context, get_rel_name(lfirst_oid(lc)));
	table_close(rel, NoLock);
}

/* the schemas of the copies mean nothing to the user: take their names out of a message */
static char *
without_schema(char *message)
{
	char	   *prefix = psprintf("osc_rehearsal_%d", MyProcPid);
	StringInfoData buf;
	char	   *p = message;
	char	   *found;

	if (message == NULL)
		return NULL;
	initStringInfo(&buf);
	while ((found = strstr(p, prefix)) != NULL)
	{
		char	   *end = found + strlen(prefix);

		end += strspn(end, "_0123456789");
		appendBinaryStringInfo(&buf, p, (*end == '.' ? found : end) - p);
		p = *end == '.' ? end + 1 : end;
	}
	appendStringInfoString(&buf, p);
	return buf.data;
}

/* run the trial in a subtransaction that is rolled back */
static void
run_trial(Trial trial, List *script, void *result)
{
	OscSubxact	subxact;
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, script)
		relids = list_concat_unique_oid(relids, osc_rehearsed_with(lfirst(lc)));
	osc_subxact_begin(&subxact);
	/* notices of the statements belong to their run in the job */
	osc_set_local("client_min_messages", "warning");
	PG_TRY();
	{
		OscCloneTree tree;

		clone_family(&tree, relids);
		trial(&tree, script, subxact.context, result);
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
 * Rehearse a copy of these tables (Oid) by these statements (OscStatement *),
 * which are on the tables or on parents of theirs.  results has one entry for
 * each.  Raises the statements' own errors, with a hint where they have none.
 */
void
osc_rehearse(List *members, List *statements, OscRehearsal *results)
{
	CopyTrial	trial = {.members = members,.results = results};

	run_trial(try_copy, statements, &trial);
}

/*
 * What would the server rewrite if it ran the statements?  Raises errors as
 * above.
 */
OscRewrite
osc_rehearsal_rewrites(List *statements)
{
	OscRewrite	result = OSC_REWRITES_NOTHING;

	run_trial(try_rewrite, statements, &result);
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

	run_trial(try_index, list_make1(statement), &name);
	/* the clone's schema has only its own names */
	return free_relation_name(name, RelationGetNamespace(source));
}
