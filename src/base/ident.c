/*-------------------------------------------------------------------------
 *
 * ident.c
 *	  Who we are in this database: the extension, its owner, its tables, and
 *	  the names of helper objects.
 *
 * Look-ups in the catalogs only.  Locks: none above what a catalog scan
 * takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/ident.h"

/*
 * OID of the extension in this database.
 */
Oid
osc_extension_oid(bool missing_ok)
{
	return get_extension_oid(OSC_EXTENSION_NAME, missing_ok);
}

static void
read_extension_row(Oid *owner, Oid *nsp)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(osc_extension_oid(false)));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "extension \"%s\" is gone", OSC_EXTENSION_NAME);
	*owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	*nsp = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/*
 * The role that owns the extension: job tables and helper schemas are written
 * in its name.
 */
Oid
osc_extension_owner(void)
{
	Oid			owner;
	Oid			nsp;

	read_extension_row(&owner, &nsp);
	return owner;
}

/*
 * Name of the schema that the extension's functions are in; palloc'd here.
 */
char *
osc_function_schema(void)
{
	Oid			owner;
	Oid			nsp;

	read_extension_row(&owner, &nsp);
	return get_namespace_name(nsp);
}

/*
 * OID of one of the extension's own tables or indexes, InvalidOid if the
 * extension is not there.
 */
Oid
osc_catalog_relid(const char *name)
{
	Oid			nsp = get_namespace_oid(OSC_CATALOG_SCHEMA, true);

	return OidIsValid(nsp) ? get_relname_relid(name, nsp) : InvalidOid;
}

/*
 * Name of the schema that holds the helper objects of a member.
 */
char *
osc_helper_schema_name(int64 job_id, int32 member)
{
	return psprintf("osc_" INT64_FORMAT "_%d", job_id, member);
}

/*
 * Qualified and quoted name of a relation, for messages and for SQL; palloc'd
 * here.  NULL if it is gone.
 */
char *
osc_relation_name(Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		return NULL;
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  name);
}

/*
 * Owner of a relation, InvalidOid if it is gone.
 */
Oid
osc_relation_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * TOAST table of a relation, InvalidOid if it has none or is gone.
 */
Oid
osc_toast_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			toast;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	toast = ((Form_pg_class) GETSTRUCT(tuple))->reltoastrelid;
	ReleaseSysCache(tuple);
	return toast;
}

/*
 * Number of the file that holds a relation, 0 if it is gone.
 */
int64
osc_storage_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int64		storage;

	if (!HeapTupleIsValid(tuple))
		return 0;
	storage = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode;
	ReleaseSysCache(tuple);
	return storage;
}
