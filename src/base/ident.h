/*-------------------------------------------------------------------------
 *
 * ident.h
 *	  Who we are in this database: the extension, its owner, its tables, and
 *	  the names of helper objects.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_IDENT_H
#define OSC_IDENT_H

#define OSC_EXTENSION_NAME "online_schema"
#define OSC_CATALOG_SCHEMA "online_schema"

extern Oid	osc_extension_oid(bool missing_ok);
extern Oid	osc_extension_owner(void);
extern char *osc_function_schema(void);
extern Oid	osc_catalog_relid(const char *name);
extern char *osc_helper_schema_name(int64 job_id, int32 member);
extern char *osc_relation_name(Oid relid);
extern Oid	osc_relation_owner(Oid relid);
extern Oid	osc_toast_of(Oid relid);
extern int64 osc_storage_of(Oid relid);

#endif							/* OSC_IDENT_H */
