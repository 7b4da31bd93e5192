/*-------------------------------------------------------------------------
 *
 * helper_table.c
 *	  Tables of our own beside the shadow: the change log and the places.
 *
 * Such a table has no constraints, belongs to the extension's owner, is
 * passed over by logical decoding (relrewrite) and by autovacuum, and shows
 * its rows to nobody.  It is WAL-logged: what it says must survive a crash
 * together with what it is about.
 *
 * Locks on exit: ACCESS EXCLUSIVE on the new table.  A crash leaves nothing:
 * the table and its row in the registry are one transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/toasting.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

#include "base/ident.h"
#include "mirror/helper_table.h"
#include "mirror/shadow.h"

/*
 * A name that nothing in the helper schema has, the user's own names being in
 * there too: prefix_n, or the next free number; palloc'd here.
 */
char *
osc_free_helper_name(Oid nsp, const char *prefix, int n)
{
	char	   *name = psprintf("%s_%d", prefix, n);

	while (OidIsValid(get_relname_relid(name, nsp)))
		name = psprintf("%s_%d", prefix, ++n);
	return name;
}

/*
 * Make a table with these columns in the member's helper schema, and register
 * it.  Returns its OID.
 */
Oid
osc_create_helper_table(const OscMember *m, Oid nsp, OscObjectKind kind,
						const char *name, TupleDesc columns)
{
	int64		object_id = osc_object_register(m, kind, m->helper_schema, name);
	List	   *off = list_make1(makeDefElem("autovacuum_enabled",
											 (Node *) makeString("false"), -1));
	Datum		options = transformRelOptions((Datum) 0, off, NULL, NULL, false, false);
	Oid			relid;

	relid = heap_create_with_catalog(name, nsp, InvalidOid, InvalidOid, InvalidOid,
									 InvalidOid, osc_extension_owner(),
									 HEAP_TABLE_AM_OID, columns, NIL,
									 RELKIND_RELATION, RELPERSISTENCE_PERMANENT,
									 false, false, ONCOMMIT_NOOP, options,
									 false, true, true, InvalidOid, NULL);
	CommandCounterIncrement();
	/* does nothing where no column can be long */
	NewHeapCreateToastTable(relid, options, AccessExclusiveLock, InvalidOid);
	LockRelationOid(relid, AccessExclusiveLock);
	osc_set_relrewrite(relid, m->relid);
	osc_hide_rows(relid);
	osc_object_make_member(RelationRelationId, relid);
	osc_object_created(object_id, relid);
	CommandCounterIncrement();
	return relid;
}
