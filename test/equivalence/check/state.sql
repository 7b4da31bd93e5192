-- state.sql: the rows of all tables of the cases, and the OIDs of what was there before the
-- change, as lines that name their schema.
--
-- Variables: first_new, the first OID that is not from before; new_columns, an array of
-- "schema.table.column" whose values are not told; about, a regular expression for the schemas;
-- by_name, if set, columns are told in the order of their names.
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset null '-'
SET client_min_messages = warning;

\if :{?by_name}
\set place attname
\else
\set place attnum
\endif

\echo '== rows'
SELECT format($$SELECT %L, left(r, 300), CASE WHEN length(r) > 300 THEN md5(r) END FROM (SELECT ROW(%s)::text COLLATE "C" AS r FROM ONLY %s) x ORDER BY r$$,
		c.oid::regclass,
		(SELECT coalesce(string_agg(quote_ident(attname), ', ' ORDER BY :place), '') FROM pg_attribute
			WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
			AND NOT n.nspname || '.' || c.relname || '.' || attname = ANY (:'new_columns'::text[])),
		c.oid::regclass)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname ~ :'about' AND c.relkind IN ('r', 'm') AND c.relispopulated ORDER BY n.nspname, c.relname \gexec

\echo '== OIDs'
SELECT c.oid::regclass, c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname ~ :'about' AND c.relkind <> 'i' AND c.relkind <> 'I' AND c.oid < :first_new ORDER BY c.oid;
SELECT t.oid::regtype, t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
	WHERE n.nspname ~ :'about' AND t.oid < :first_new ORDER BY t.oid;
SELECT t.tgrelid::regclass, t.tgname, t.oid FROM pg_trigger t WHERE NOT t.tgisinternal AND t.oid < :first_new ORDER BY t.oid;
SELECT p.polrelid::regclass, p.polname, p.oid FROM pg_policy p WHERE p.oid < :first_new ORDER BY p.oid;
SELECT s.stxnamespace::regnamespace, s.stxname FROM pg_statistic_ext s WHERE s.oid < :first_new ORDER BY s.oid;

-- pg_class.relhas...: a flag may be set for nothing, but not be missing
\echo '== missing flags'
SELECT c.oid::regclass, 'relhasindex' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname ~ :'about' AND NOT relhasindex AND EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid);
SELECT c.oid::regclass, 'relhasrules' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname ~ :'about' AND NOT relhasrules AND EXISTS (SELECT FROM pg_rewrite WHERE ev_class = c.oid);
SELECT c.oid::regclass, 'relhastriggers' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname ~ :'about' AND NOT relhastriggers AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid);
SELECT c.oid::regclass, 'relhassubclass' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname ~ :'about' AND NOT relhassubclass AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid);
