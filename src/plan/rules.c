/*-------------------------------------------------------------------------
 *
 * rules.c
 *	  The table of rules: what PostgreSQL does with each change of a schema,
 *	  which lock it takes, whom that blocks, and the safe way.
 *
 * Compiled into the server's planner and into osc-lint, so it stands without
 * PostgreSQL's headers.  Constant data, no state: no locks, and nothing that
 * a crash could leave.
 *
 * The facts are those of PostgreSQL 15: lock levels of ALTER TABLE from
 * AlterTableGetLockLevel() and the ATExec functions in commands/tablecmds.c,
 * of CREATE INDEX and REINDEX from commands/indexcmds.c, of triggers from
 * commands/trigger.c, of domains from commands/typecmds.c, of VACUUM FULL and
 * CLUSTER from commands/vacuum.c and commands/cluster.c; which foreign keys
 * of a new column are checked from transformAlterTableStmt() in
 * parser/parse_utilcmd.c.
 *
 *-------------------------------------------------------------------------
 */
#include "plan/rules.h"

#include <string.h>

/* words that come again and again */
#define AEL "ACCESS EXCLUSIVE"
#define SRE "SHARE ROW EXCLUSIVE"
#define SUE "SHARE UPDATE EXCLUSIVE"
#define ALL "reads, writes"
#define CATALOG "catalog only"
#define REWRITE "rewrites the table and its indexes"
#define SCAN "scans the table"
#define BUILD "builds an index"
#define BRIEF "The lock is held for an instant, but it waits for transactions on the table, and everyone else waits behind it."
#define LONG_COPY "Nobody can read or write the table until every row is written anew and every index is built again."
#define LONG_SCAN "Nobody can read or write the table until every row has been checked."
#define AS_IS "As it is, with a short lock_timeout, and again if that runs out."
#define ONLINE "Run it with osc_start, which copies the table while it is in use and swaps the storage in milliseconds."
#define NOTE_CATALOG "changes the catalog only; the lock is asked for briefly and again later"
#define NOTE_COPY "PostgreSQL would rewrite the table under ACCESS EXCLUSIVE; the copy is made beside it"

#define FINE OSC_RULE_FINE, OSC_RULE_NONE

/* a change of the catalog under ACCESS EXCLUSIVE, fine as it is */
#define INSTANT(id, change) \
	{id, change, CATALOG, AEL, ALL, BRIEF, AS_IS, "instant", NOTE_CATALOG, FINE}

/* the same under SHARE UPDATE EXCLUSIVE, which blocks neither reads nor writes */
#define INSTANT_WEAK(id, change) \
	{id, change, CATALOG, SUE, "nothing", "Reads and writes go on.", "As it is.", "instant", \
	"changes the catalog only, under a lock that blocks neither reads nor writes", FINE}

/* a rewrite of the table under ACCESS EXCLUSIVE */
#define COPY(id, change, why, safe) \
	{id, change, REWRITE, AEL, ALL, why, safe, "copy", NOTE_COPY, OSC_RULE_ERROR, OSC_RULE_BLOCKING}

static const OscRule rules[] = {
	/* ---------------------------------------- columns: adding */
	INSTANT("add-column", "ADD COLUMN without default"),
	{"add-column-default", "ADD COLUMN with a constant or stable default",
		CATALOG, AEL, ALL, BRIEF, AS_IS, "instant",
		"the default is evaluated once, and all existing rows get that one value; " NOTE_CATALOG,
	FINE},
	COPY("add-column-volatile-default", "ADD COLUMN with a volatile default",
		 "Every row needs a value of its own, so the table is rewritten: nobody can read or write it until that is done.",
		 "Run it with osc_start; or add the column without default, set the default, fill old rows in batches, and only then add NOT NULL."),
	COPY("add-column-serial", "ADD COLUMN of type serial",
		 "Every row takes a value from the sequence, so the table is rewritten: nobody can read or write it until that is done.",
		 "Run it with osc_start; or add an integer column, give it a sequence as default, and fill old rows in batches."),
	COPY("add-column-identity", "ADD COLUMN with GENERATED AS IDENTITY",
		 "Every row takes a value from the sequence, so the table is rewritten: nobody can read or write it until that is done.",
		 "Run it with osc_start; or add the column without identity, fill old rows in batches, and then ADD GENERATED."),
	COPY("add-column-generated", "ADD COLUMN with GENERATED ALWAYS AS ... STORED",
		 "The value of every row is computed and stored, so the table is rewritten: nobody can read or write it until that is done.",
		 ONLINE),
	COPY("add-column-domain", "ADD COLUMN of a domain with constraints",
		 "PostgreSQL checks the domain's constraints by rewriting the table, also where the default is constant or NULL.",
		 "Run it with osc_start; or use the domain's base type, and a CHECK constraint added NOT VALID and validated."),
	{"backfill", "A column with a backfill expression",
		"needs an UPDATE of every row", "ROW EXCLUSIVE", "writes to the rows",
		"One UPDATE locks every row until it ends, and leaves a dead version of each.",
		"Run it with osc_start, and give it the expression.",
		"copy", "every row gets the value of the expression while it is copied",
	FINE},
	{"add-column-not-null", "ADD COLUMN with NOT NULL and no default",
		SCAN ", and fails at the first row", AEL, ALL,
		"Old rows have no value for the column, so it fails unless the table is empty; and programs that do not know the column cannot insert any more.",
		"Give it a default; or add it without NOT NULL, fill old rows in batches, and then SET NOT NULL by way of a validated CHECK.",
		"instant", "works on an empty table only, as it would natively",
	OSC_RULE_ERROR, OSC_RULE_FAILING},
	{"add-column-check", "ADD COLUMN with a CHECK constraint",
		SCAN, AEL, ALL, LONG_SCAN,
		"Add the column first; then add the CHECK constraint NOT VALID, and VALIDATE it in another transaction.",
		"constraint", "the column is added at once; its CHECK constraint is added NOT VALID and then validated under a weak lock",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"add-column-unique", "ADD COLUMN with UNIQUE",
		BUILD, AEL, ALL, "Nobody can read or write the table until the index is built.",
		"Add the column first; then CREATE UNIQUE INDEX CONCURRENTLY, and ADD CONSTRAINT ... UNIQUE USING INDEX.",
		"index", "the column is added at once; its unique index is built concurrently",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"add-column-primary-key", "ADD COLUMN with PRIMARY KEY",
		BUILD ", and scans the table for NULLs", AEL, ALL, "Nobody can read or write the table until the index is built.",
		"Add the column and fill it in batches; then CREATE UNIQUE INDEX CONCURRENTLY, SET NOT NULL by way of a validated CHECK, and ADD CONSTRAINT ... PRIMARY KEY USING INDEX.",
		"index", "the column is added at once; its unique index is built concurrently",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"add-column-references", "ADD COLUMN with REFERENCES and no default",
		CATALOG ": a new column of NULLs needs no check", AEL " here, " SRE " on the referenced table", ALL,
		"The locks are held for an instant, but on two tables, and everyone else waits behind them.",
		AS_IS, "instant", "a new column of NULLs needs no check of its foreign key; " NOTE_CATALOG,
	FINE},
	{"add-column-references-default", "ADD COLUMN with REFERENCES and a default",
		SCAN, AEL " here, " SRE " on the referenced table", ALL,
		"Nobody can read or write the table, or write to the referenced one, until every row has been checked.",
		"Add the column first; then add the foreign key NOT VALID, and VALIDATE it in another transaction.",
		"constraint", "the column is added at once; its foreign key is added NOT VALID and then validated under a weak lock",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},

	/* ---------------------------------------- columns: dropping and renaming */
	{"drop-column", "DROP COLUMN", CATALOG ": the space stays in the rows", AEL, ALL,
		"Running programs that still name the column meet errors at once. If it is NOT NULL without a default, programs that have stopped naming it cannot insert.",
		"First release programs that do not use the column (and DROP NOT NULL, if it is NOT NULL without a default); drop it in a later migration.",
		"instant", "changes the catalog only; the space stays in the rows until they are written anew (strategy copy reclaims it)",
	OSC_RULE_WARNING, OSC_RULE_BREAKING},
	{"drop-not-null-column", "DROP COLUMN of a NOT NULL column without default", CATALOG, AEL, ALL,
		"Programs that still insert into the column fail after the DROP, and programs that have stopped doing so fail before it, for it is NOT NULL and has no default.",
		"In an earlier migration DROP NOT NULL or set a default; then release programs that do not use the column; then drop it.",
		NULL, NULL,
	OSC_RULE_WARNING, OSC_RULE_BREAKING},
	{"rename-column", "RENAME COLUMN", CATALOG, AEL, ALL,
		"Running programs that use the old name meet errors at once.",
		"Add a column of the new name, release programs that write both, fill old rows in batches, and drop the old one later; or rename behind a view.",
		"instant", NOTE_CATALOG "; programs that use the old name break",
	OSC_RULE_WARNING, OSC_RULE_BREAKING},
	{"rename-table", "RENAME of a table", CATALOG, AEL, ALL,
		"Running programs that use the old name meet errors at once.",
		"Leave a view of the old name in the same transaction, release programs that use the new name, and drop the view later.",
		"instant", NOTE_CATALOG "; programs that use the old name break",
	OSC_RULE_WARNING, OSC_RULE_BREAKING},
	INSTANT("rename-constraint", "RENAME CONSTRAINT"),
	INSTANT_WEAK("rename-index", "RENAME of an index"),
	{"set-schema", "SET SCHEMA", CATALOG, AEL, ALL,
		"Running programs that look for the table in its old schema meet errors at once.",
		"Leave a view in the old schema in the same transaction, release programs that use the new place, and drop the view later.",
		"instant", NOTE_CATALOG "; programs that use the old schema break",
	OSC_RULE_WARNING, OSC_RULE_BREAKING},

	/* ---------------------------------------- columns: changing */
	INSTANT("set-default", "SET DEFAULT or DROP DEFAULT"),
	INSTANT("drop-not-null", "DROP NOT NULL"),
	INSTANT("drop-expression", "DROP EXPRESSION"),
	INSTANT("change-identity", "ADD GENERATED, SET GENERATED or DROP IDENTITY"),
	INSTANT("set-storage", "SET STORAGE"),
	INSTANT("set-compression", "SET COMPRESSION"),
	INSTANT_WEAK("set-statistics", "SET STATISTICS"),
	INSTANT_WEAK("set-attribute-options", "SET (n_distinct = ...) of a column"),
	{"set-not-null", "SET NOT NULL",
		SCAN ", unless a valid CHECK constraint proves it", AEL, ALL, LONG_SCAN,
		"Add CHECK (column IS NOT NULL) NOT VALID; VALIDATE it in another transaction; SET NOT NULL, which the CHECK then proves without a scan; drop the CHECK.",
		"constraint", "a CHECK constraint, added NOT VALID and validated under a weak lock, proves the column without a scan under the strong one",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	INSTANT("set-not-null-proved", "SET NOT NULL that a valid CHECK constraint or an existing NOT NULL proves"),
	{"alter-type", "ALTER COLUMN TYPE",
		REWRITE ", unless the new type keeps the bytes", AEL, ALL, LONG_COPY, ONLINE,
		"copy", NOTE_COPY,
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"alter-type-compatible", "ALTER COLUMN TYPE that keeps the bytes of every value",
		CATALOG, AEL, ALL, BRIEF, AS_IS, "instant", "the new type keeps the bytes of every value; " NOTE_CATALOG,
	FINE},
	{"alter-type-recheck", "ALTER COLUMN TYPE that keeps the bytes, of a column with a constraint or index that must be made again",
		"builds indexes or scans the table, without rewriting it", AEL, ALL,
		"The rows stay as they are, but nobody can read or write the table until CHECK constraints on the column are checked, and indexes on an expression, a predicate or another operator class are built again.",
		ONLINE,
		"copy", "PostgreSQL would check constraints or build indexes again under ACCESS EXCLUSIVE; the copy is made beside it",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},

	/* ---------------------------------------- constraints */
	{"add-check", "ADD CHECK",
		SCAN, AEL, ALL, LONG_SCAN,
		"Add it NOT VALID, then VALIDATE CONSTRAINT in another transaction, which blocks neither reads nor writes.",
		"constraint", "added NOT VALID at once, then validated under a weak lock",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"add-foreign-key", "ADD FOREIGN KEY",
		SCAN, SRE " on both tables", "writes",
		"Nobody can write to either table until every row has been looked up in the referenced one.",
		"Add it NOT VALID, then VALIDATE CONSTRAINT in another transaction, which blocks neither reads nor writes. Before PostgreSQL 18 a partitioned table needs that on each partition first.",
		"constraint", "added NOT VALID at once, then validated under weak locks",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	INSTANT("add-check-not-valid", "ADD CHECK ... NOT VALID"),
	{"add-foreign-key-not-valid", "ADD FOREIGN KEY ... NOT VALID",
		CATALOG, SRE " on both tables", "writes", BRIEF, AS_IS, "instant", NOTE_CATALOG,
	FINE},
	{"validate-constraint", "VALIDATE CONSTRAINT",
		SCAN, SUE " here, ROW SHARE on the referenced table", "nothing",
		"Reads and writes go on during the scan.", "As it is, in another transaction than the NOT VALID.",
		"constraint", "scans the table under a lock that blocks neither reads nor writes",
	FINE},
	{"add-unique", "ADD UNIQUE",
		BUILD, AEL, ALL, "Nobody can read or write the table until the index is built.",
		"CREATE UNIQUE INDEX CONCURRENTLY, see that it is valid, then ADD CONSTRAINT ... UNIQUE USING INDEX. Not on a partitioned table.",
		"index", "the unique index is built concurrently and then taken for the constraint",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"add-primary-key", "ADD PRIMARY KEY",
		BUILD ", and scans the table for NULLs", AEL, ALL, "Nobody can read or write the table until the index is built.",
		"CREATE UNIQUE INDEX CONCURRENTLY, see that it is valid, SET NOT NULL by way of a validated CHECK, then ADD CONSTRAINT ... PRIMARY KEY USING INDEX. Not on a partitioned table.",
		"index", "the unique index is built concurrently and then taken for the key; NOT NULL is proved first",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"add-constraint-using-index", "ADD CONSTRAINT ... USING INDEX",
		CATALOG ", but a primary key on columns that are not NOT NULL scans the table", AEL, ALL, BRIEF,
		"As it is, with a short lock_timeout; for a primary key make its columns NOT NULL first.",
		"instant", "the index is there already; " NOTE_CATALOG,
	FINE},
	{"add-primary-key-nullable", "ADD PRIMARY KEY USING INDEX on columns that may be NULL",
		SCAN " for NULLs", AEL, ALL, LONG_SCAN,
		"Make the columns NOT NULL first, by way of a validated CHECK constraint.",
		"constraint", "NOT NULL is proved first by a CHECK constraint that is validated under a weak lock",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"add-exclude", "ADD EXCLUDE",
		BUILD, AEL, ALL, "Nobody can read or write the table until the index is built, and it cannot be built beforehand.",
		ONLINE,
		"copy", "an exclusion constraint cannot be built concurrently; its index is built on the copy",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"alter-constraint", "ALTER CONSTRAINT", CATALOG, AEL, ALL, BRIEF, AS_IS, "instant", NOTE_CATALOG, FINE},
	{"drop-constraint", "DROP CONSTRAINT", CATALOG, AEL " (a foreign key: on the referenced table, too)", ALL, BRIEF, AS_IS,
		"instant", NOTE_CATALOG,
	FINE},

	/* ---------------------------------------- indexes */
	{"create-index", "CREATE INDEX",
		BUILD, "SHARE", "writes", "Nobody can write to the table until the index is built.",
		"CREATE INDEX CONCURRENTLY, outside a transaction block; if it fails, drop the invalid index and try again. On a partitioned table: ON ONLY the parent, CONCURRENTLY on each partition, then ATTACH PARTITION.",
		"index", "built concurrently, and again if it fails",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"create-index-concurrently", "CREATE INDEX CONCURRENTLY",
		BUILD, SUE, "nothing", "Reads and writes go on; a failure leaves an invalid index behind.",
		"As it is, outside a transaction block.", "index", "built concurrently, and again if it fails",
	FINE},
	{"drop-index", "DROP INDEX",
		CATALOG, AEL " on the table and the index", ALL, BRIEF,
		"DROP INDEX CONCURRENTLY, outside a transaction block, one index at a time. Not on a partitioned table.",
		"index", "dropped concurrently: old users of the index are waited for without a strong lock",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"drop-index-concurrently", "DROP INDEX CONCURRENTLY",
		CATALOG, SUE, "nothing", "Reads and writes go on.",
		"As it is, outside a transaction block.", "index", "dropped concurrently: old users of the index are waited for without a strong lock",
	FINE},
	{"reindex", "REINDEX",
		BUILD, "SHARE on the table, " AEL " on the index", ALL,
		"Nobody can write to the table until the index is built, and queries wait as well, for the planner looks at every index.",
		"REINDEX ... CONCURRENTLY, outside a transaction block.",
		"index", "built anew concurrently",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"reindex-concurrently", "REINDEX CONCURRENTLY",
		BUILD, SUE, "nothing", "Reads and writes go on; a failure leaves an invalid index behind.",
		"As it is, outside a transaction block.", "index", "built anew concurrently",
	FINE},

	/* ---------------------------------------- the whole table */
	COPY("set-logged", "SET LOGGED or SET UNLOGGED", LONG_COPY, ONLINE),
	COPY("set-access-method", "SET ACCESS METHOD", LONG_COPY, ONLINE),
	{"set-tablespace", "SET TABLESPACE",
		"copies the table's files", AEL, ALL, "Nobody can read or write the table until its files are copied.", ONLINE,
		"copy", "PostgreSQL would copy the files under ACCESS EXCLUSIVE; the copy is made beside the table",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	COPY("vacuum-full", "VACUUM FULL", LONG_COPY, ONLINE),
	COPY("cluster", "CLUSTER", LONG_COPY, ONLINE),
	INSTANT_WEAK("set-storage-parameter", "SET or RESET of a storage parameter"),
	INSTANT_WEAK("cluster-on", "CLUSTER ON or SET WITHOUT CLUSTER"),
	INSTANT("change-owner", "OWNER TO"),
	INSTANT("row-security", "ENABLE, DISABLE, FORCE or NO FORCE ROW LEVEL SECURITY"),
	INSTANT("replica-identity", "REPLICA IDENTITY"),
	INSTANT("inherit", "INHERIT or NO INHERIT"),
	INSTANT("of-type", "OF or NOT OF a type"),
	INSTANT("enable-rule", "ENABLE or DISABLE RULE"),
	{"enable-trigger", "ENABLE or DISABLE TRIGGER",
		CATALOG, SRE, "writes", BRIEF, AS_IS, "instant", NOTE_CATALOG,
	FINE},
	{"several-changes", "several changes in one ALTER TABLE",
		"one pass over the table for all of them", "the strongest of them", ALL,
		"A change that rewrites or scans holds the strongest lock of all of them meanwhile.",
		"If one of them rewrites, run all with osc_start in one copy; otherwise write them apart, in the same order.",
		"copy", "one of the changes needs a copy, so all of them go into it",
	FINE},

	/* ---------------------------------------- partitions */
	{"attach-partition", "ATTACH PARTITION",
		SCAN " to be attached, and the DEFAULT partition, unless valid CHECK constraints prove the bound",
		SUE " on the parent, " AEL " on the partition and the DEFAULT partition", ALL,
		"Nobody can read or write the new partition, or the DEFAULT one, until every row has been checked.",
		"Add a CHECK constraint of the bound NOT VALID, VALIDATE it, build matching indexes concurrently, attach, and drop the CHECK.",
		"constraint", "a CHECK constraint, added NOT VALID and validated under a weak lock, proves the bound without a scan under the strong one",
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"detach-partition", "DETACH PARTITION",
		CATALOG, AEL " on the parent and the partition", ALL,
		"The lock is held for an instant, but on the whole partitioned table: it waits for every transaction on it, and everyone else waits behind it.",
		"DETACH PARTITION ... CONCURRENTLY, outside a transaction block (not with a DEFAULT partition).",
		"instant", NOTE_CATALOG,
	OSC_RULE_WARNING, OSC_RULE_LOCKING},
	INSTANT_WEAK("detach-partition-concurrently", "DETACH PARTITION CONCURRENTLY or FINALIZE"),

	/* ---------------------------------------- for osc-lint alone: other objects */
	{"create-trigger", "CREATE TRIGGER", CATALOG, SRE, "writes", BRIEF, AS_IS, NULL, NULL, FINE},
	{"enum-add-value", "ALTER TYPE ... ADD VALUE or RENAME VALUE", CATALOG, "none on tables", "nothing",
		"Reads and writes go on. A value that was added in a transaction can be used only after its commit.",
	"As it is.", NULL, NULL, FINE},
	{"alter-domain-check", "ALTER DOMAIN ... ADD CHECK",
		"scans every table with a column of the domain", "SHARE on each of these tables", "writes",
		"Nobody can write to any of these tables until all their rows have been checked.",
		"Add the constraint NOT VALID, then ALTER DOMAIN ... VALIDATE CONSTRAINT in another transaction at a quiet hour: that scan, too, takes SHARE locks.",
		NULL, NULL,
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"alter-domain-not-null", "ALTER DOMAIN ... SET NOT NULL",
		"scans every table with a column of the domain", "SHARE on each of these tables", "writes",
		"Nobody can write to any of these tables until all their rows have been checked.",
		"Add CHECK (VALUE IS NOT NULL) NOT VALID to the domain, and validate it at a quiet hour; or make the columns NOT NULL one by one.",
		NULL, NULL,
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"drop-table", "DROP TABLE", CATALOG, AEL ", also on tables that its foreign keys refer to", ALL,
		"Running programs that use the table meet errors at once; and the lock waits for every transaction on it.",
		"Release programs that do not use the table; drop it in a later migration, with a short lock_timeout.",
		NULL, NULL,
	OSC_RULE_WARNING, OSC_RULE_BREAKING},
	{"truncate", "TRUNCATE", "gives the table empty storage", AEL, ALL,
		"The rows are gone for running programs; and the lock waits for every transaction on the table, and everyone else waits behind it.",
		"With a short lock_timeout, and again if that runs out; or DELETE in batches.",
		NULL, NULL,
	OSC_RULE_WARNING, OSC_RULE_BREAKING},
	{"cascade", "CASCADE", "drops or empties objects that the statement does not name", AEL " on their tables", ALL,
		"Views, foreign keys, functions or rows that nobody thought of go along, and their tables are locked as well.",
		"Name each object, in statements of their own, and leave CASCADE out.",
		NULL, NULL,
	OSC_RULE_WARNING, OSC_RULE_BREAKING},

	/* ---------------------------------------- for osc-lint alone: transactions */
	{"require-lock-timeout", "a strong lock without a lock_timeout", "waits for the lock without end", "that of the statement", ALL,
		"While the statement waits behind one long transaction, everyone else waits behind the statement.",
		"SET lock_timeout = '2s' (in a transaction: SET LOCAL) before it, and run the migration again if it runs out.",
		NULL, NULL,
	OSC_RULE_WARNING, OSC_RULE_LOCKING},
	{"not-in-transaction", "CONCURRENTLY or VACUUM in a transaction block", "refused with an error", "none", "nothing",
		"The server refuses the statement inside a transaction block.",
		"Put it into a migration of its own that runs without a transaction.",
		NULL, NULL,
	OSC_RULE_ERROR, OSC_RULE_FAILING},
	{"validate-in-same-transaction", "VALIDATE CONSTRAINT in the transaction of its NOT VALID",
		SCAN ", while the lock of the NOT VALID is still held", AEL " or " SRE ", from the NOT VALID", ALL,
		"The strong lock of the NOT VALID is held to the end of the transaction, and so throughout the scan: nothing is gained by the two steps.",
		"COMMIT between the two, or put the VALIDATE into a migration of its own.",
		NULL, NULL,
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"backfill-in-transaction", "a change of many rows in a transaction that holds a strong lock",
		"writes rows, while the lock of the earlier statement is still held", "that of the earlier statement", ALL,
		"The strong lock of the schema change is held to the end of the transaction, and so throughout the UPDATE, DELETE or INSERT.",
		"COMMIT before it; change the rows in batches, each its own transaction.",
		NULL, NULL,
	OSC_RULE_ERROR, OSC_RULE_BLOCKING},
	{"uncommitted-transaction", "BEGIN without COMMIT", "is rolled back at the end of the session", "those of its statements", ALL,
		"Nothing of what follows the BEGIN is kept, and its locks are held until the session ends.",
		"End the transaction with COMMIT.",
		NULL, NULL,
	OSC_RULE_ERROR, OSC_RULE_TRANSACTION},

	/* ---------------------------------------- for osc-lint alone: design */
	{"foreign-key-without-index", "a foreign key without an index on its columns", CATALOG, "none", "nothing",
		"Every DELETE in the referenced table, and every UPDATE of its key, scans the whole referencing table.",
		"CREATE INDEX CONCURRENTLY on the referencing columns.",
		NULL, NULL,
	OSC_RULE_WARNING, OSC_RULE_DESIGN},
	{"small-key", "a key of 32 bits or less", CATALOG, "none", "nothing",
		"At 2,147,483,647 (smallint: 32,767) the table takes no more rows, and the change to bigint rewrites it and all tables that refer to it.",
		"Use bigint for keys.",
		NULL, NULL,
	OSC_RULE_WARNING, OSC_RULE_DESIGN},
	{"char-type", "char(n)", CATALOG, "none", "nothing",
		"Values are padded with blanks, which comparisons ignore in part; it saves no space.",
		"Use text, with a CHECK on the length if there must be one.",
		NULL, NULL,
	OSC_RULE_WARNING, OSC_RULE_DESIGN},
	{"json-type", "json", CATALOG, "none", "nothing",
		"json has no equality operator, so DISTINCT and GROUP BY fail, and no index helps; it is parsed at every use.",
		"Use jsonb.",
		NULL, NULL,
	OSC_RULE_WARNING, OSC_RULE_DESIGN},
	{"prefer-text", "varchar(n)", CATALOG, "none", "nothing",
		"A longer limit later is a change of the catalog, but a shorter one rewrites the table; the limit saves no space.",
		"Use text, with a CHECK on the length if there must be one.",
		NULL, NULL,
	OSC_RULE_INFO, OSC_RULE_DESIGN},
	{"identifier-too-long", "a name of more than 63 bytes", CATALOG, "none", "nothing",
		"The server cuts the name off at 63 bytes, with no more than a notice; two names may become one.",
		"Choose a shorter name.",
		NULL, NULL,
	OSC_RULE_WARNING, OSC_RULE_DESIGN},
};

#define N_RULES (sizeof(rules) / sizeof(rules[0]))

/*
 * Find a rule by its id.  Takes no lock and no memory; NULL if there is none.
 */
const OscRule *
osc_rule_find(const char *id)
{
	for (size_t i = 0; i < N_RULES; i++)
		if (strcmp(rules[i].id, id) == 0)
			return &rules[i];
	return NULL;
}

/*
 * The rule at a place, for who walks the table.  Takes no lock and no memory.
 */
const OscRule *
osc_rule_at(size_t i)
{
	return i < N_RULES ? &rules[i] : NULL;
}
