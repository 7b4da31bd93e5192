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
#include "miscadmin.h"

#include "base/disk.h"

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
