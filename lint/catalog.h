/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  What the text has told about tables so far.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_CATALOG_H
#define LINT_CATALOG_H

#include "functions.h"
#include "types.h"

typedef struct Column
{
	const char *name;
	Type		type;			/* name NULL: not known */
	bool		not_null;
	bool		has_default;	/* identity and generated ones, too */
} Column;

typedef enum ConstraintKind
{
	CONSTRAINT_CHECK,
	CONSTRAINT_FOREIGN,
	CONSTRAINT_OTHER
} ConstraintKind;

typedef struct Constraint
{
	const char *name;			/* NULL: the server chooses it */
	ConstraintKind kind;
	bool		valid;
	const char *proves;			/* CHECK (column IS NOT NULL): that column */
	List		columns;		/* const char *: those that it reads */
	int			transaction;	/* that added it, 0: none */
} Constraint;

typedef struct Index
{
	const char *name;
	const char *access_method;
	List		keys;			/* const char *: key columns, NULL for an expression */
	List		inner;			/* const char *: columns in expressions and predicate */
	bool		partial;
} Index;

typedef struct Table
{
	const char *schema;			/* NULL: not written */
	const char *name;
	bool		in_sight;		/* its CREATE TABLE was read */
	bool		partitioned;
	bool		temporary;
	bool		unlogged;
	const char *access_method;	/* NULL: the default one */
	const char *tablespace;		/* NULL: the default one */
	bool		dropped;
	int			file;			/* that created it, 0: none */
	int			transaction;	/* that created it, 0: none */
	List		columns;
	List		constraints;
	List		indexes;
} Table;

typedef struct Routine
{
	const char *name;
	Volatility	volatility;
} Routine;

typedef struct Domain
{
	const char *name;
	bool		is_domain;			/* no: an enum or composite type */
	bool		constrained;
	Type		base;
} Domain;

typedef struct Catalog
{
	Arena		arena;
	List		tables;
	List		routines;
	List		domains;
} Catalog;

extern Table *catalog_find(const Catalog *catalog, const char *schema, const char *name);
extern Table *catalog_table(Catalog *catalog, const Node *range_var);
extern Table *catalog_create(Catalog *catalog, const Node *range_var, int file, int transaction);
extern Table *catalog_index_owner(const Catalog *catalog, const char *name, Index **index);
extern Column *table_column(const Table *table, const char *name);
extern Column *table_add_column(Catalog *catalog, Table *table, const char *name);
extern Constraint *table_constraint(const Table *table, const char *name);
extern Constraint *table_add_constraint(Catalog *catalog, Table *table, const Node *node);
extern void table_add_key(Catalog *catalog, Table *table, const Node *names, const char *column);
extern bool table_has_index_on(const Table *table, const List *columns);
extern Domain *catalog_domain(const Catalog *catalog, const char *name);
extern TypeChange catalog_type_change(const Catalog *catalog, const Type *from, const Type *to);
extern Volatility catalog_volatility(const Catalog *catalog, const Node *call);
extern void catalog_roll_back(Catalog *catalog, int transaction);
extern void catalog_free(Catalog *catalog);

/* filled from statements: learn.c */
extern void catalog_learn(Catalog *catalog, const char *kind, const Node *node, int file, int transaction);
extern const char *not_null_test(const Node *expr);
extern void column_names(const Node *expr, Arena *arena, List *names);

#endif							/* LINT_CATALOG_H */
