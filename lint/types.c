/*-------------------------------------------------------------------------
 *
 * types.c
 *	  Types as they are written, and what a change from one to another does.
 *
 * Which changes keep the bytes of every value follows from the binary
 * coercible casts of pg_cast and from the planner support functions of length
 * coercions (varchar_support, numeric_support and their like), as
 * ATColumnChangeRequiresRewrite() in commands/tablecmds.c sees them.
 *
 *-------------------------------------------------------------------------
 */
#include "types.h"

#include <stdio.h>
#include <string.h>

/* binary coercible casts: the bytes are the same, and the operators, too */
static const char *const same_bytes[][2] = {
	{"varchar", "text"}, {"text", "varchar"}, {"cidr", "inet"},
	{"int4", "oid"}, {"oid", "int4"},
	{NULL, NULL}
};

/* the same, but with another default operator class */
static const char *const same_bytes_only[][2] = {
	{"citext", "text"}, {"text", "citext"}, {"citext", "varchar"}, {"varchar", "citext"},
	{"xml", "text"}, {"xml", "varchar"}, {"text", "bpchar"}, {"varchar", "bpchar"},
	{"oid", "regclass"}, {"regclass", "oid"}, {"regclass", "int4"}, {"int4", "regclass"},
	{NULL, NULL}
};

static const char *const built_in[] = {
	"bool", "bytea", "char", "name", "int8", "int2", "int4", "text", "oid", "json", "xml", "point", "lseg",
	"path", "box", "polygon", "line", "cidr", "float4", "float8", "circle", "macaddr8", "money", "macaddr", "inet",
	"bpchar", "varchar", "date", "time", "timestamp", "timestamptz", "interval", "timetz", "bit", "varbit", "numeric",
	"regclass", "regproc", "regprocedure", "regtype", "regrole", "regnamespace", "uuid", "pg_lsn", "tsvector", "tsquery",
	"jsonb", "jsonpath", "int4range", "numrange", "tsrange", "tstzrange", "daterange", "int8range", "int4multirange",
	"nummultirange", "tsmultirange", "tstzmultirange", "datemultirange", "int8multirange", "xid", "xid8",
	"citext",					/* not built in, but we know all about it */
	NULL
};

/* The type that a TypeName node names. */
Type
type_of(const Node *type_name, Arena *arena)
{
	Type		type = {0};
	const Node *names = tree_get(type_name, "names");
	const Node *mods = tree_get(type_name, "typmods");

	if (names == NULL || names->child == NULL)
		return type;
	if (names->child->next != NULL)
	{
		const char *schema = tree_string(names->child);

		if (schema != NULL && strcmp(schema, "pg_catalog") != 0)
			type.schema = arena_strdup(arena, schema);
	}
	type.name = arena_strdup(arena, tree_last_name(names));
	type.array = tree_get(type_name, "arrayBounds") != NULL;
	if (mods != NULL)
		for (const Node *mod = mods->child; mod != NULL && type.nmods < 2; mod = mod->next)
		{
			const Node *value = tree_path(mod, "A_Const.ival");

			if (value != NULL)
				type.mods[type.nmods++] = tree_number(value, "ival", 0);
		}
	return type;
}

/* A copy whose strings live in the arena. */
Type
type_copy(const Type *type, Arena *arena)
{
	Type		copy = *type;

	copy.schema = arena_strdup(arena, type->schema);
	copy.name = arena_strdup(arena, type->name);
	return copy;
}

/* The type as people write it. */
const char *
type_show(const Type *type, Arena *arena)
{
	static const char *const common[][2] = {
		{"int2", "smallint"}, {"int4", "integer"}, {"int8", "bigint"}, {"bool", "boolean"},
		{"float4", "real"}, {"float8", "double precision"}, {"bpchar", "char"}, {NULL, NULL}
	};
	const char *name = type->name;
	char		mods[64] = "";

	if (name == NULL)
		return "an unknown type";
	for (size_t i = 0; common[i][0] != NULL; i++)
		if (type->schema == NULL && strcmp(common[i][0], name) == 0)
			name = common[i][1];
	if (strcmp(type->name, "interval") != 0)
	{
		if (type->nmods == 1)
			snprintf(mods, sizeof(mods), "(%ld)", type->mods[0]);
		else if (type->nmods == 2)
			snprintf(mods, sizeof(mods), "(%ld,%ld)", type->mods[0], type->mods[1]);
	}
	return arena_printf(arena, "%s%s%s%s%s", type->schema != NULL ? type->schema : "", type->schema != NULL ? "." : "",
						name, mods, type->array ? "[]" : "");
}

static bool
is_named(const Type *type, const char *name)
{
	return type->name != NULL && type->schema == NULL && strcmp(type->name, name) == 0;
}

static bool
same_name(const Type *a, const Type *b)
{
	return a->name != NULL && b->name != NULL && strcmp(a->name, b->name) == 0 &&
		(a->schema == NULL || b->schema == NULL || strcmp(a->schema, b->schema) == 0);
}

/* Whether they are one type with the same modifiers. */
bool
type_equal(const Type *a, const Type *b)
{
	return same_name(a, b) && a->array == b->array && a->nmods == b->nmods &&
		(a->nmods < 1 || a->mods[0] == b->mods[0]) && (a->nmods < 2 || a->mods[1] == b->mods[1]);
}

/* Whether it is one of the serial types. */
bool
type_is_serial(const Type *type)
{
	static const char *const names[] = {"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8", NULL};

	return type->schema == NULL && text_in(type->name, names);
}

/* Whether it is an integer of 32 bits or less. */
bool
type_is_small_integer(const Type *type)
{
	static const char *const names[] = {"int2", "int4", "serial", "smallserial", "serial2", "serial4", NULL};

	return type->schema == NULL && !type->array && text_in(type->name, names);
}

/* Whether it is one of PostgreSQL's own types (or citext). */
bool
type_is_built_in(const Type *type)
{
	return (type->schema == NULL || is_named(type, "citext")) && text_in(type->name, built_in);
}

static bool
in_pairs(const Type *from, const Type *to, const char *const (*pairs)[2])
{
	for (size_t i = 0; pairs[i][0] != NULL; i++)
		if (strcmp(from->name, pairs[i][0]) == 0 && strcmp(to->name, pairs[i][1]) == 0)
			return true;
	return false;
}

/* whether every length or precision allowed before is allowed afterwards */
static bool
wider(const Type *from, const Type *to)
{
	static const char *const lengths[] = {"varchar", "varbit", NULL};
	static const char *const times[] = {"time", "timetz", "timestamp", "timestamptz", NULL};

	if (to->nmods == 0)
		return text_in(to->name, lengths) || text_in(to->name, times) || is_named(to, "numeric") || is_named(to, "interval");
	if (text_in(to->name, lengths))
		return from->nmods == 1 && to->mods[0] >= from->mods[0];
	if (text_in(to->name, times))
		return to->mods[0] >= (from->nmods == 1 ? from->mods[0] : 6);
	if (is_named(to, "numeric"))
		return from->nmods > 0 && to->mods[0] >= from->mods[0] &&
			(to->nmods == 2 ? to->mods[1] : 0) == (from->nmods == 2 ? from->mods[1] : 0);
	if (is_named(to, "interval"))	/* fields, then precision */
		return to->nmods == 2 && to->mods[0] == 0x7FFF && from->nmods == 2 && from->mods[0] == 0x7FFF &&
			to->mods[1] >= from->mods[1];
	return false;
}

/*
 * What ALTER COLUMN TYPE does with the rows, without USING.
 */
TypeChange
type_change(const Type *from, const Type *to)
{
	Type		unlimited = *to;

	if (type_equal(from, to))
		return TYPE_SAME_BYTES;
	if (!type_is_built_in(from) || !type_is_built_in(to))
		return same_name(from, to) || (type_is_built_in(to) && type_is_serial(from)) ? TYPE_REWRITE : TYPE_UNKNOWN;
	if (from->array || to->array)
		return TYPE_REWRITE;
	if (same_name(from, to))
		return wider(from, to) ? TYPE_SAME_BYTES : TYPE_REWRITE;
	unlimited.nmods = 0;
	if ((is_named(from, "timestamp") && is_named(to, "timestamptz")) ||
		(is_named(from, "timestamptz") && is_named(to, "timestamp")))
	{
		Type		before = *to;

		before.nmods = from->nmods;
		before.mods[0] = from->mods[0];
		return type_equal(&before, to) || wider(&before, to) ? TYPE_NEEDS_UTC : TYPE_REWRITE;
	}
	if (to->nmods > 0 && !(is_named(from, "varchar") && is_named(to, "varchar")))
		return TYPE_REWRITE;	/* a length is enforced by a function */
	if (in_pairs(from, &unlimited, same_bytes))
		return TYPE_SAME_BYTES;
	if (in_pairs(from, &unlimited, same_bytes_only))
		return TYPE_OTHER_OPERATORS;
	return TYPE_REWRITE;
}

/*
 * From which types a change to this one keeps the bytes, in words; NULL if
 * from no other.
 */
const char *
type_safe_origin(const Type *to, Arena *arena)
{
	const char *shown = type_show(to, arena);

	if (to->array)
		return NULL;
	if (!type_is_built_in(to))
		return "of a type that has a cast WITHOUT FUNCTION to it";
	if (is_named(to, "text") || (is_named(to, "varchar") && to->nmods == 0))
		return "text, varchar or (without an index) citext";
	if (is_named(to, "citext"))
		return "(without an index) text or varchar";
	if (is_named(to, "varbit") && to->nmods == 0)
		return "varbit";
	if (is_named(to, "varchar") || is_named(to, "varbit"))
		return arena_printf(arena, "a %s of at most %s", to->name, shown);
	if (is_named(to, "numeric") && to->nmods == 0)
		return "numeric";
	if (is_named(to, "numeric"))
		return arena_printf(arena, "a numeric of the same scale and at most %s", shown);
	if (is_named(to, "timestamptz") || is_named(to, "timestamp"))
		return arena_printf(arena, "a %s of no more precision, or (without an index, and if TimeZone is UTC) %s",
							to->name, is_named(to, "timestamp") ? "timestamptz" : "timestamp");
	if (is_named(to, "time") || is_named(to, "timetz") || is_named(to, "interval"))
		return arena_printf(arena, "a %s of no more precision", to->name);
	if (is_named(to, "inet"))
		return "cidr";
	if (is_named(to, "oid"))
		return "integer";
	return NULL;
}
