/*-------------------------------------------------------------------------
 *
 * types.h
 *	  Types as they are written, and what a change from one to another does.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_TYPES_H
#define LINT_TYPES_H

#include "tree.h"

typedef struct Type
{
	const char *schema;			/* NULL: pg_catalog, or not written */
	const char *name;			/* NULL: not known */
	int			nmods;
	long		mods[2];
	bool		array;
} Type;

typedef enum TypeChange
{
	TYPE_SAME_BYTES,			/* the rows stay as they are */
	TYPE_OTHER_OPERATORS,		/* the same, but indexes are built again */
	TYPE_NEEDS_UTC,				/* the same if TimeZone is UTC, indexes apart */
	TYPE_REWRITE,
	TYPE_UNKNOWN				/* a type that is not built in */
} TypeChange;

extern Type type_of(const Node *type_name, Arena *arena);
extern Type type_copy(const Type *type, Arena *arena);
extern const char *type_show(const Type *type, Arena *arena);
extern bool type_equal(const Type *a, const Type *b);
extern bool type_is_serial(const Type *type);
extern bool type_is_small_integer(const Type *type);
extern bool type_is_built_in(const Type *type);
extern TypeChange type_change(const Type *from, const Type *to);
extern const char *type_safe_origin(const Type *to, Arena *arena);

#endif							/* LINT_TYPES_H */
