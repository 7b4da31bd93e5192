/*-------------------------------------------------------------------------
 *
 * rehearse.c
 *	  Trying the statement on an empty copy of the table.
 *
 * The copy is made, altered and mapped in a subtransaction that is always
 * rolled back.  So a wrong column, type or expression is reported with the
 * server's own error before a job exists.
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

/* make the copy, and look at it */
static void
try_copy(Relation source, const AlterTableStmt *stmt, const char *ddl,
		 MemoryContext context, OscRehearsal *result)
{
	OscIdentity saved;
	Oid			nsp;
	Oid			shadow_oid;
	Relation	shadow;
	OscMapping *mapping;

	osc_become(&saved, osc_extension_owner(), 0);
	nsp = osc_create_helper_schema(psprintf("osc_rehearsal_%d", MyProcPid),
								   source->rd_rel->relowner);
	osc_unbecome(&saved);
	shadow_oid = osc_create_shadow(source, nsp, stmt);
	shadow = table_open(shadow_oid, NoLock);
	mapping = osc_mapping_build(source, shadow, stmt, ddl);
	if (!osc_key_is_place(&mapping->key))
		result->key = MemoryContextStrdup(context, get_rel_name(mapping->key.index));
	result->nindexes = list_length(osc_index_oids(shadow));
	result->nproved = list_length(mapping->check_names);
	table_close(shadow, NoLock);
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

/*
 * Rehearse the statement.  Raises the statement's own errors, with a hint
 * where they have none.
 */
void
osc_rehearse(Relation source, const AlterTableStmt *stmt, const char *ddl,
			 OscRehearsal *result)
{
	OscSubxact	subxact;

	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		try_copy(source, stmt, ddl, subxact.context, result);
		osc_subxact_rollback(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		if (edata->hint == NULL)
			edata->hint = pstrdup("The statement was tried on an empty copy of the table; nothing was changed.");
		edata->message = without_schema(edata->message);
		edata->detail = without_schema(edata->detail);
		edata->schema_name = NULL;
		ReThrowError(edata);
	}
	PG_END_TRY();
}
