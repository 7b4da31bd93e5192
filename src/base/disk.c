/*-------------------------------------------------------------------------
 *
 * disk.c
 *	  Free space of the volumes that tablespaces lie on.
 *
 * Asks the file system of the tablespace's directory (statvfs).  What counts
 * is what an unprivileged process may still write, since the server is one.
 *
 * Locks: none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/statvfs.h>

#include "catalog/pg_tablespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/disk.h"
#include "base/settings.h"

PG_FUNCTION_INFO_V1(osc_disk_space_sql);

/*
 * Bytes that are free on the volume of a tablespace (InvalidOid: the
 * database's own), and its size.  Raises the system's error if the directory
 * cannot be looked at.
 */
void
osc_disk_space(Oid tablespace, int64 *available, int64 *total)
{
	char	   *path;
	struct statvfs fs;

	if (!OidIsValid(tablespace))
		tablespace = MyDatabaseTableSpace;
	/* a server process works in the data directory (miscinit.c) */
	if (tablespace == DEFAULTTABLESPACE_OID)
		path = pstrdup("base");
	else if (tablespace == GLOBALTABLESPACE_OID)
		path = pstrdup("global");
	else
		path = psprintf("pg_tblspc/%u", tablespace);
	if (statvfs(path, &fs) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not look up the free space of directory \"%s\": %m", path)));
	*available = (int64) fs.f_bavail * fs.f_frsize;
	*total = (int64) fs.f_blocks * fs.f_frsize;
}

/*
 * online_schema.disk_space(tablespace): free bytes, and those of them that
 * online_schema.min_free_disk wants to stay free.
 */
Datum
osc_disk_space_sql(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {0};
	int64		available;
	int64		total;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	osc_disk_space(PG_GETARG_OID(0), &available, &total);
	values[0] = Int64GetDatum(available);
	values[1] = Int64GetDatum((int64) (total / 100.0 * osc_min_free_disk));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
