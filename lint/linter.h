/*-------------------------------------------------------------------------
 *
 * linter.h
 *	  The state of a run, and what was found.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_LINTER_H
#define LINT_LINTER_H

#include "catalog.h"
#include "config.h"
#include "plan/rules.h"
#include "reader.h"

#define LINT_VERSION "0.1.0"

/* a change of the text that --fix would make: bytes from..to give way */
typedef struct Edit
{
	size_t		from;
	size_t		to;
	const char *text;
} Edit;

typedef struct Finding
{
	const OscRule *rule;
	OscRuleSeverity severity;
	const Source *source;
	const Statement *statement;
	size_t		spot;			/* byte of the file that it is about */
	size_t		spot_end;
	const char *subject;		/* what it is about, in a few words */
	const char *doubt;			/* what the text alone cannot tell; NULL: nothing */
	const char *advice;			/* more than the rule's recipe says; may be NULL */
	const char *osc_start;		/* the call that does it online; NULL: none */
	List		edits;			/* Edit *; none: it cannot be fixed */
	bool		edits_last;		/* make them when no others are left */
} Finding;

/* what could not be read or parsed */
typedef struct Problem
{
	const char *file;
	int			line;			/* 0: none */
	int			column;
	const char *message;
	const char *hint;			/* may be NULL */
	const Source *source;		/* may be NULL */
	size_t		offset;
} Problem;

/* the transaction, and what is set, at a place in a file */
typedef struct Transaction
{
	int			number;			/* of the run, from 1; 0: outside of any */
	bool		implicit;		/* the tool makes it around the file */
	const Statement *begin;
	const char *lock;			/* strong lock on an old table that it holds */
	int			lock_line;
	bool		timeout_session;	/* lock_timeout or statement_timeout set */
	bool		timeout_local;
	bool		zone_set;		/* TimeZone */
	bool		zone_utc;
	bool		timeout_told;	/* one finding per file is enough */
	bool		timeout_before;	/* timeout_session when the transaction began */
	const struct Afterwards *afterwards;
} Transaction;

/* an edit of this pass that leaves work for after the transaction; fix.c */
typedef struct Afterwards
{
	const char *table;			/* or index */
	bool		job;			/* of osc_start(); else a VALIDATE */
	bool		by_index;		/* it is not known of which table */
	const struct Afterwards *next;
} Afterwards;

/* a foreign key of this file, until we know whether it has an index */
typedef struct PendingKey
{
	const Statement *statement;
	size_t		spot;
	const char *schema;
	const char *table;
	List		columns;
	bool		certain;		/* no index can be there that we have not seen */
} PendingKey;

/* what is asked of one statement */
typedef struct Check
{
	struct Linter *linter;
	const Source *source;
	const Statement *statement;
	const char *kind;			/* of the node: "AlterTableStmt" */
	const Node *node;
	const char *lock;			/* strongest lock on a table that is not new */
} Check;

typedef struct Linter
{
	const Config *config;
	Catalog		catalog;
	Arena		arena;			/* findings and their strings */
	Arena		scratch;		/* of one statement */
	List		findings;
	List		problems;
	List		pending_keys;
	Transaction transaction;
	int			transactions;
	int			file;
	bool		silent;			/* reading what is there, for --schema */
} Linter;

/* linter.c */
extern void lint_source(Linter *linter, Source *source);
extern void lint_free(Linter *linter);
extern Finding *report(Check *check, const char *rule, size_t spot, const char *subject);
extern void set_doubt(Finding *finding, OscRuleSeverity most, const char *doubt);
extern void add_problem(Linter *linter, const Source *source, const char *file, size_t offset,
						const char *message, const char *hint);
extern bool is_new_table(const Check *check, const Node *range_var);
extern const char *table_shown(const Check *check, const Node *range_var);
extern void hold_lock(Check *check, const char *lock);
extern size_t spot_of(const Check *check, const Node *node);
extern const char *statement_osc_start(const Check *check);

/* directive.c */
extern void check_directives(Linter *linter, const Source *source);
extern bool is_ignored(const Source *source, const Statement *statement, const OscRule *rule);
extern bool file_is_transactional(const Source *source, bool transactional);

/* check_*.c: the rules */
extern void check_alter_table(Check *check);
extern void check_create_table(Check *check);
extern void check_column_design(Check *check, const Node *definition);
extern void check_foreign_key(Check *check, const Node *range_var, const Node *constraint, const char *column, bool new_column);
extern void check_pending_keys(Check *check);
extern void check_statement(Check *check);

/* transaction.c: what goes on from statement to statement */
extern void begin_file(Linter *linter, bool transactional);
extern void follow_transaction(Check *check);
extern void follow_psql(Linter *linter, const char *command);
extern void check_context(Check *check);
extern void check_no_transaction(Check *check, const char *what);
extern void check_transaction_end(Check *check);

/* fix.c */
extern void fix_replace(Check *check, Finding *finding, size_t from, size_t to, const char *text);
extern void fix_with_osc_start(Check *check, Finding *finding);
extern bool fix_not_valid(Check *check, Finding *finding, const Node *constraint);
extern bool fix_set_not_null(Check *check, Finding *finding, const char *column_name);
extern bool fix_unique(Check *check, Finding *finding, const Node *constraint);
extern bool fix_concurrently(Check *check, Finding *finding, const char *const *after);
extern void fix_lock_timeout(Check *check, Finding *finding);
extern bool apply_edits(const Source *source, const List *findings, Text *result);

#endif							/* LINT_LINTER_H */
