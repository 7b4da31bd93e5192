-- by_name.sql: what there is in the schemas of the cases, told without the places of columns:
-- for a change that makes columns anew, at the end of their tables. A line per thing, the
-- schema first.
\set ON_ERROR_STOP 1
\pset format unaligned
\pset tuples_only on
SET search_path = pg_catalog;
SELECT format('%s: column %s.%s: %s', n.nspname, c.relname, a.attname, concat_ws('; ', format_type(a.atttypid, a.atttypmod),
	a.attcollation::regcollation, CASE WHEN a.attnotnull THEN 'not null' END, pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity, ''),
	nullif(a.attgenerated, ''), a.attstorage, nullif(a.attcompression, ''), a.attstattarget, a.attacl,
	ARRAY(SELECT o FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\_attver=%'), col_description(c.oid, a.attnum),
	pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname)))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE n.nspname ~ '^eq_' AND c.relkind IN ('r', 'p', 'v', 'm', 'f');
SELECT format('%s: index %s: %s', n.nspname, c.relname, concat_ws('; ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident,
	i.indimmediate, obj_description(c.oid, 'pg_class'), c.relowner::regrole, c.reltablespace,
	(SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid)))
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '^eq_';
SELECT format('%s: constraint %s: %s', n.nspname, k.conname, concat_ws('; ', k.conrelid::regclass, pg_get_constraintdef(k.oid), k.convalidated,
	k.connoinherit, obj_description(k.oid, 'pg_constraint')))
FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE n.nspname ~ '^eq_';
SELECT format('%s: relation %s: %s', n.nspname, c.relname, concat_ws('; ', c.relkind, c.relpersistence, c.relowner::regrole, c.relacl, c.reloptions,
	c.relreplident, c.relrowsecurity, c.relchecks, c.relispartition, obj_description(c.oid, 'pg_class')))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '^eq_' AND c.relkind IN ('r', 'p', 'S', 'v', 'm');
SELECT format('%s: sequence %s: %s', schemaname, sequencename, concat_ws('; ', data_type, start_value, min_value, max_value, increment_by, cycle, cache_size, last_value))
FROM pg_sequences WHERE schemaname ~ '^eq_';
SELECT format('%s: statistics %s: %s', n.nspname, e.stxname, concat_ws('; ', e.stxkind, pg_get_expr(e.stxexprs, e.stxrelid),
	(SELECT string_agg(a.attname, ', ' ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = e.stxrelid AND a.attnum = ANY (e.stxkeys::int2[]))))
FROM pg_statistic_ext e JOIN pg_namespace n ON n.oid = e.stxnamespace WHERE n.nspname ~ '^eq_';
SELECT format('%s: trigger %s', n.nspname, concat_ws('; ', pg_get_triggerdef(t.oid), t.tgenabled)) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '^eq_' AND NOT t.tgisinternal;
SELECT format('%s: policy %s', schemaname, concat_ws('; ', tablename, policyname, cmd, qual, with_check)) FROM pg_policies WHERE schemaname ~ '^eq_';
-- rows, without the order of columns
SELECT format('SELECT %L || to_jsonb(t)::text FROM ONLY %I.%I t', n.nspname || ': row of ' || c.relname || ': ', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '^eq_' AND c.relkind = 'r' \gexec
