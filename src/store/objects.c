/*-------------------------------------------------------------------------
 *
 * objects.c
 *	  The registry of helper objects: every table, schema and trigger that a
 *	  job makes is a row before it exists, and until it is gone.
 *
 * Making an object and the row that says so are one transaction, so a crash
 * leaves both or neither; clean-up reads the registry only.  Helper schemas
 * and tables depend on the extension while they live: pg_dump passes over
 * them, and nobody drops one by accident.
 *
 * Locks: dropping takes ACCESS EXCLUSIVE on the helper object itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/ident.h"
#include "base/run.h"
#include "store/objects.h"

static const char *const kind_names[] = {
	[OSC_OBJECT_SCHEMA] = "schema",
	[OSC_OBJECT_SHADOW] = "shadow",
	[OSC_OBJECT_TWIN] = "twin",
	[OSC_OBJECT_OLD_STORAGE] = "old storage",
	[OSC_OBJECT_LOG] = "change log",
	[OSC_OBJECT_CANARY] = "canary",
	[OSC_OBJECT_PLACES] = "places",
	[OSC_OBJECT_TRIGGER] = "trigger",
	[OSC_OBJECT_MIRROR] = "mirror",
};

/*
 * Note an object that is about to be made; returns its number.
 */
int64
osc_object_register(const OscMember *m, OscObjectKind kind,
					const char *schema, const char *name)
{
	OscStore	store;
	OscArgs		args = {0};
	int64		id;

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_arg_text(&args, kind_names[kind]);
	osc_arg_text(&args, schema);
	osc_arg_text(&args, name);
	osc_sql("INSERT INTO online_schema.job_object"
			" (job_id, member, kind, schema_name, object_name)"
			" VALUES ($1, $2, $3, $4, $5) RETURNING object_id", &args);
	id = osc_col_int8(0, "object_id");
	osc_store_close(&store);
	return id;
}

/* note the OID of the object that has been made */
void
osc_object_created(int64 object_id, Oid oid)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, object_id);
	osc_arg_oid(&args, oid);
	osc_sql("UPDATE online_schema.job_object SET object_oid = $2"
			" WHERE object_id = $1", &args);
	osc_store_close(&store);
}

/* from now on clean-up treats the object as one of another kind */
void
osc_object_set_kind(Oid oid, OscObjectKind kind)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_oid(&args, oid);
	osc_arg_text(&args, kind_names[kind]);
	osc_arg_text(&args, kind_names[OSC_OBJECT_SCHEMA]);
	osc_sql("UPDATE online_schema.job_object SET kind = $2"
			" WHERE object_oid = $1 AND kind <> $3", &args);
	osc_store_close(&store);
}

/* the object is gone */
void
osc_object_forget(int64 object_id)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, object_id);
	osc_sql("DELETE FROM online_schema.job_object WHERE object_id = $1", &args);
	osc_store_close(&store);
}

/*
 * The helper objects (OscObject *) of a member, or of all members (0), newest
 * first, so that a schema comes after what is in it.
 */
List *
osc_objects_of(int64 job_id, int32 member)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		n;

	osc_store_open(&store);
	osc_arg_int8(&args, job_id);
	osc_arg_int4(&args, member);
	n = osc_sql("SELECT object_id, member, kind, object_name, object_oid"
				" FROM online_schema.job_object"
				" WHERE job_id = $1 AND ($2 = 0 OR member = $2)"
				" ORDER BY object_id DESC", &args);
	for (uint64 i = 0; i < n; i++)
	{
		OscObject  *o = MemoryContextAllocZero(store.caller, sizeof(OscObject));
		char	   *kind = osc_col_text(&store, i, "kind");

		o->object_id = osc_col_int8(i, "object_id");
		o->member = (int32) osc_col_int8(i, "member");
		o->name = osc_col_text(&store, i, "object_name");
		o->oid = osc_col_oid(i, "object_oid");
		for (int k = 0; k < (int) lengthof(kind_names); k++)
			if (strcmp(kind, kind_names[k]) == 0)
				o->kind = (OscObjectKind) k;
		result = osc_keep(&store, result, o);
	}
	osc_store_close(&store);
	return result;
}

/*
 * Let a helper object depend on the extension.
 */
void
osc_object_make_member(Oid classid, Oid oid)
{
	ObjectAddress object,
				extension;

	ObjectAddressSet(object, classid, oid);
	ObjectAddressSet(extension, ExtensionRelationId, osc_extension_oid(false));
	recordDependencyOn(&object, &extension, DEPENDENCY_EXTENSION);
}

/*
 * Let it no longer belong to the extension.  From 17 on pg_upgrade makes the
 * row type and its array members, too (extension.c,
 * ExecAlterExtensionContentsRecurse); a cascade from them would take the
 * extension along.
 */
static void
leave_extension(Oid classid, Oid oid)
{
	Oid			type = classid == RelationRelationId ? get_rel_type_id(oid) : InvalidOid;

	deleteDependencyRecordsForClass(classid, oid, ExtensionRelationId,
									DEPENDENCY_EXTENSION);
	if (!OidIsValid(type))
		return;
	deleteDependencyRecordsForClass(TypeRelationId, type, ExtensionRelationId,
									DEPENDENCY_EXTENSION);
	if (OidIsValid(get_array_type(type)))
		deleteDependencyRecordsForClass(TypeRelationId, get_array_type(type),
										ExtensionRelationId, DEPENDENCY_EXTENSION);
}

/*
 * Drop a helper object, if it is still there, with whatever has come to depend
 * on it: a job leaves no trace.
 */
void
osc_object_drop(Oid classid, Oid oid)
{
	ObjectAddress object;

	if (!OidIsValid(oid))
		return;
	if (classid == RelationRelationId &&
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(oid)))
		return;
	if (classid == NamespaceRelationId &&
		!SearchSysCacheExists1(NAMESPACEOID, ObjectIdGetDatum(oid)))
		return;
	leave_extension(classid, oid);
	CommandCounterIncrement();
	ObjectAddressSet(object, classid, oid);
	performDeletion(&object, DROP_CASCADE,
					PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY);
	CommandCounterIncrement();
}
