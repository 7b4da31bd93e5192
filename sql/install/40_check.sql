-- 40_check.sql: osc_check(), a function per rule
--
-- The rules read the catalogs and statistics views with the caller's rights.
-- Their bodies are bound to objects when they are made (BEGIN ATOMIC), so the
-- caller needs no right on schema online_schema, and no search_path misleads
-- them; names are printed qualified and quoted.  A fix is a command that runs
-- as it stands, or NULL where a person has to decide.

CREATE TYPE online_schema.finding AS (
	rule text,
	severity text,
	relation regclass,
	object text,
	message text,
	fix text
);
COMMENT ON TYPE online_schema.finding IS 'a row of osc_check()';

-- The tables to look at: one with what inherits from it, or all; those of
-- extensions, ours among them, are not the user's to mend.
CREATE FUNCTION online_schema.check_tables(target regclass)
	RETURNS TABLE (relid oid, relkind "char", is_partition boolean, name text)
	LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH RECURSIVE wanted AS (
		SELECT target::oid AS relid
		UNION
		SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN wanted w ON w.relid = i.inhparent
	)
	SELECT c.oid, c.relkind, c.relispartition, pg_catalog.format('%I.%I', n.nspname, c.relname)
	FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'
		AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
			WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
		AND (target IS NULL OR c.oid IN (SELECT w.relid FROM wanted w));
END;
COMMENT ON FUNCTION online_schema.check_tables(regclass) IS
	'tables and materialized views that osc_check() looks at';

-- Looked at where the rows are: each partition has its own indexes.
CREATE FUNCTION online_schema.check_foreign_key_without_index(target regclass)
	RETURNS SETOF online_schema.finding
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'foreign_key_without_index', 'warning', k.conrelid::regclass, pg_catalog.quote_ident(k.conname),
		pg_catalog.format('no index begins with the columns (%s) of foreign key %I: a DELETE or UPDATE of a key in %s scans the table',
			c.columns, k.conname, k.confrelid::regclass),
		pg_catalog.format('CREATE INDEX CONCURRENTLY ON %s (%s)', t.name, c.columns)
	FROM online_schema.check_tables(target) t
	JOIN pg_catalog.pg_constraint k ON k.conrelid = t.relid AND k.contype = 'f'
	CROSS JOIN LATERAL (
		SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.n) AS columns
		FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u(attnum, n)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) c
	WHERE t.relkind = 'r'
		-- a key to a partitioned table has a row per partition there as well
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p
			WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid)
		AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_index x
			JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
			JOIN pg_catalog.pg_am am ON am.oid = i.relam
			WHERE x.indrelid = k.conrelid AND x.indisvalid AND am.amname IN ('btree', 'hash')
				AND x.indnkeyatts >= pg_catalog.cardinality(k.conkey)
				AND (x.indkey::int2[])[0:pg_catalog.cardinality(k.conkey) - 1] @> k.conkey
				AND (x.indpred IS NULL
					OR pg_catalog.pg_get_expr(x.indpred, x.indrelid) = '(' || c.columns || ' IS NOT NULL)'));
END;
COMMENT ON FUNCTION online_schema.check_foreign_key_without_index(regclass) IS
	'rule of osc_check(): foreign keys whose columns no valid btree or hash index begins with';

CREATE FUNCTION online_schema.check_duplicate_index(target regclass)
	RETURNS SETOF online_schema.finding
	LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH indexes AS (
		SELECT t.relid, t.name AS table_name, x.indexrelid, i.relname, i.relkind,
			pg_catalog.format('%I.%I', n.nspname, i.relname) AS name,
			pg_catalog.concat_ws(' / ', i.relam, x.indnkeyatts, x.indkey, x.indclass, x.indcollation, x.indoption,
				pg_catalog.pg_get_expr(x.indexprs, x.indrelid), pg_catalog.pg_get_expr(x.indpred, x.indrelid)) AS definition,
			x.indisvalid, x.indisunique, x.indimmediate, x.indnullsnotdistinct, k.conname,
			NOT (x.indisprimary OR x.indisreplident OR x.indisclustered OR x.indisexclusion OR i.relispartition
				OR EXISTS (SELECT FROM pg_catalog.pg_constraint f
					WHERE f.contype = 'f' AND f.conindid = x.indexrelid)) AS may_go
		FROM online_schema.check_tables(target) t
		JOIN pg_catalog.pg_index x ON x.indrelid = t.relid
		JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace
		LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')
	)
	SELECT 'duplicate_index', 'warning', b.relid::regclass, b.name,
		pg_catalog.format('index %I does what index %I does, and costs space and time with every write', b.relname, a.relname),
		CASE WHEN b.conname IS NOT NULL THEN pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', b.table_name, b.conname)
			WHEN b.relkind = 'I' THEN pg_catalog.format('DROP INDEX %s', b.name)
			ELSE pg_catalog.format('DROP INDEX CONCURRENTLY %s', b.name) END
	FROM indexes b
	CROSS JOIN LATERAL (
		SELECT a.relname FROM indexes a
		WHERE a.relid = b.relid AND a.indexrelid <> b.indexrelid AND a.definition = b.definition AND a.indisvalid
			-- what b forbids, a forbids
			AND (NOT b.indisunique OR (a.indisunique AND (a.indimmediate OR NOT b.indimmediate)
				AND a.indnullsnotdistinct = b.indnullsnotdistinct))
			-- of two alike the one of a constraint stays, else the older one
			AND (NOT a.may_go OR (a.indisunique AND NOT b.indisunique)
				OR (a.conname IS NOT NULL AND b.conname IS NULL)
				OR ((a.conname IS NULL) = (b.conname IS NULL) AND a.indexrelid < b.indexrelid))
		ORDER BY a.may_go, a.indexrelid LIMIT 1) a
	WHERE b.may_go AND b.indisvalid;
END;
COMMENT ON FUNCTION online_schema.check_duplicate_index(regclass) IS
	'rule of osc_check(): indexes that another valid index of the same definition makes superfluous';

CREATE FUNCTION online_schema.check_invalid_index(target regclass)
	RETURNS SETOF online_schema.finding
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'invalid_index', CASE WHEN x.indisunique OR x.indisexclusion THEN 'error' ELSE 'warning' END,
		t.relid::regclass, pg_catalog.format('%I.%I', n.nspname, i.relname),
		CASE WHEN i.relkind = 'I' THEN pg_catalog.format('index %I is not attached to in every partition, and not valid', i.relname)
			WHEN x.indisunique THEN pg_catalog.format('unique index %I is not valid: an attempt to build it failed, and it may not keep values unique', i.relname)
			ELSE pg_catalog.format('index %I is not valid: an attempt to build it failed; it is kept up to date, but not used', i.relname) END,
		CASE WHEN i.relkind = 'I' THEN NULL
			-- what is left of REINDEX CONCURRENTLY: the index itself is there
			WHEN i.relname ~ '_cc(new|old)[0-9]*$' THEN pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I', n.nspname, i.relname)
			WHEN x.indisexclusion THEN pg_catalog.format('REINDEX INDEX %I.%I', n.nspname, i.relname)
			ELSE pg_catalog.format('REINDEX INDEX CONCURRENTLY %I.%I', n.nspname, i.relname) END
	FROM online_schema.check_tables(target) t
	JOIN pg_catalog.pg_index x ON x.indrelid = t.relid AND NOT x.indisvalid
	JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
	JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace
	-- one that is being built just now is no finding
	WHERE NOT EXISTS (
		SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_progress_create_index p ON p.pid = l.pid
		WHERE l.locktype = 'relation' AND l.relation = x.indrelid AND l.granted
			AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
			AND l.mode = 'ShareUpdateExclusiveLock');
END;
COMMENT ON FUNCTION online_schema.check_invalid_index(regclass) IS
	'rule of osc_check(): indexes that a failed concurrent build left invalid';

CREATE FUNCTION online_schema.check_constraint_not_valid(target regclass)
	RETURNS SETOF online_schema.finding
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'constraint_not_valid', 'warning', t.relid::regclass, pg_catalog.quote_ident(k.conname),
		pg_catalog.format('constraint %I is NOT VALID: rows that were there before it may violate it', k.conname)
			|| coalesce('; job ' || j.job_id || ' left it so', ''),
		pg_catalog.format('ALTER TABLE %s VALIDATE CONSTRAINT %I', t.name, k.conname)
	FROM online_schema.check_tables(target) t
	JOIN pg_catalog.pg_constraint k ON k.conrelid = t.relid AND NOT k.convalidated
	LEFT JOIN LATERAL (
		SELECT max(e.job_id) AS job_id FROM @extschema@.osc_events e
		WHERE e.event = 'foreign_key' AND e.detail @> '{"valid": false}'
			AND e.detail->>'table' = t.name AND e.detail->>'constraint' = k.conname) j ON true
	-- validating the parent's constraint validates those of its children
	WHERE k.coninhcount = 0
		-- one that is NOT ENFORCED (PostgreSQL 18) cannot be validated
		AND (pg_catalog.to_jsonb(k)->>'conenforced') IS DISTINCT FROM 'false';
END;
COMMENT ON FUNCTION online_schema.check_constraint_not_valid(regclass) IS
	'rule of osc_check(): constraints left NOT VALID, also foreign keys that a job left so';

-- Sequences that feed a column: owned by it, or named in its default.
CREATE FUNCTION online_schema.check_fed_columns(target regclass)
	RETURNS TABLE (relid oid, relkind "char", name text, attnum int2, attname name, column_max bigint,
		in_key boolean, is_identity boolean, sequence oid, sequence_max bigint, sequence_type_max bigint,
		last_value bigint)
	LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH feeds AS (
		SELECT d.refobjid AS relid, d.refobjsubid AS attnum, d.objid AS sequence
		FROM pg_catalog.pg_depend d
		WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
			AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
		UNION
		SELECT ad.adrelid, ad.adnum, d.refobjid
		FROM pg_catalog.pg_attrdef ad
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = ad.oid
			AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> ad.adrelid
	), sequences AS (
		SELECT f.relid, f.attnum, f.sequence, s.seqmax,
			CASE s.seqtypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END::bigint AS type_max,
			CASE WHEN pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
				THEN pg_catalog.pg_sequence_last_value(s.seqrelid) END AS last_value
		FROM feeds f JOIN pg_catalog.pg_sequence s ON s.seqrelid = f.sequence
		WHERE s.seqincrement > 0
	)
	SELECT t.relid, t.relkind, t.name, a.attnum, a.attname,
		CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END::bigint,
		p.indrelid IS NOT NULL, a.attidentity <> '', s.sequence, s.seqmax, s.type_max, s.last_value
	FROM online_schema.check_tables(target) t
	JOIN pg_catalog.pg_attribute a ON a.attrelid = t.relid AND a.attnum > 0 AND NOT a.attisdropped
	LEFT JOIN sequences s ON s.relid = a.attrelid AND s.attnum = a.attnum
	LEFT JOIN pg_catalog.pg_index p ON p.indrelid = a.attrelid AND p.indisprimary AND a.attnum = ANY (p.indkey)
	WHERE t.relkind IN ('r', 'p') AND (NOT t.is_partition OR t.relid = target)
		AND (s.sequence IS NOT NULL OR p.indrelid IS NOT NULL);
END;
COMMENT ON FUNCTION online_schema.check_fed_columns(regclass) IS
	'columns of primary keys and columns that a sequence feeds, with the highest values that their types and sequences allow';

CREATE FUNCTION online_schema.check_key_range(target regclass)
	RETURNS SETOF online_schema.finding
	LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH columns AS (
		SELECT f.relid, f.relkind, f.name, f.attnum, f.attname, f.column_max, max(f.last_value) AS last_value
		FROM online_schema.check_fed_columns(target) f
		WHERE f.column_max IS NOT NULL
		GROUP BY f.relid, f.relkind, f.name, f.attnum, f.attname, f.column_max
	), used AS (
		-- the sequence's value, or the highest that the last ANALYZE saw
		SELECT c.*, greatest(c.last_value, (
			SELECT max(v::numeric) FROM pg_catalog.pg_stats s
			JOIN pg_catalog.pg_class r ON r.oid = c.relid AND r.relname = s.tablename
			JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace AND n.nspname = s.schemaname
			CROSS JOIN LATERAL pg_catalog.unnest(s.histogram_bounds::text::text[] || s.most_common_vals::text::text[]) v
			WHERE s.attname = c.attname)) AS value
		FROM columns c
	)
	SELECT 'key_range', CASE WHEN u.value > u.column_max * 0.9 THEN 'error' ELSE 'warning' END,
		u.relid::regclass, pg_catalog.quote_ident(u.attname),
		pg_catalog.format('column %I is at %s, %s %% of the range of its type', u.attname, u.value,
			pg_catalog.trunc(100.0 * u.value / u.column_max)),
		CASE WHEN u.relkind = 'r'
			-- where a job would be refused a person has to decide
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE u.relid IN (i.inhrelid, i.inhparent))
			AND EXISTS (SELECT FROM pg_catalog.pg_index p WHERE p.indrelid = u.relid AND p.indisprimary AND p.indimmediate)
			AND EXISTS (SELECT FROM pg_catalog.pg_class r WHERE r.oid = u.relid AND r.relpersistence = 'p' AND r.reloftype = 0)
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class r ON r.oid = f.conrelid
				WHERE f.contype = 'f' AND f.confrelid = u.relid AND r.relkind = 'p')
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
				WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = u.relid AND d.refobjsubid = u.attnum
					AND d.classid IN ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_trigger'::regclass,
						'pg_catalog.pg_policy'::regclass, 'pg_catalog.pg_publication_rel'::regclass))
			THEN pg_catalog.format('SELECT %s.osc_start(%L)', '@extschema@',
				pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I TYPE bigint', u.name, u.attname)) END
	FROM used u
	WHERE u.value > u.column_max / 2
	UNION ALL
	SELECT DISTINCT 'key_range', CASE WHEN f.last_value > f.sequence_max * 0.9 THEN 'error' ELSE 'warning' END,
		f.relid::regclass, pg_catalog.format('%I.%I', n.nspname, s.relname),
		pg_catalog.format('sequence %I, which feeds column %I, is at %s, %s %% of its range', s.relname, f.attname,
			f.last_value, pg_catalog.trunc(100.0 * f.last_value / f.sequence_max)),
		CASE WHEN f.sequence_max = f.sequence_type_max
			THEN pg_catalog.format('ALTER SEQUENCE %I.%I AS bigint', n.nspname, s.relname) END
	FROM online_schema.check_fed_columns(target) f
	JOIN pg_catalog.pg_class s ON s.oid = f.sequence
	JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
	-- that of an identity column changes its type with the column
	WHERE f.sequence_type_max IS NOT NULL AND f.last_value > f.sequence_max / 2
		AND NOT (f.is_identity AND f.column_max IS NOT NULL);
END;
COMMENT ON FUNCTION online_schema.check_key_range(regclass) IS
	'rule of osc_check(): integer and smallint keys, identity columns and sequences above half of their range; an error above nine tenths';

CREATE FUNCTION online_schema.check_inactive_slot()
	RETURNS SETOF online_schema.finding
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'inactive_slot', 'warning', NULL::regclass, pg_catalog.quote_ident(s.slot_name),
		pg_catalog.format('replication slot %I is not in use, and holds back %s of the write-ahead log: a job adds about the size of its tables',
			s.slot_name, coalesce(pg_catalog.pg_size_pretty(
				CASE WHEN NOT pg_catalog.pg_is_in_recovery()
					THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn) END), 'an unknown part')),
		NULL::text
	FROM pg_catalog.pg_replication_slots s
	WHERE NOT s.active;
END;
COMMENT ON FUNCTION online_schema.check_inactive_slot() IS
	'rule of osc_check(): replication slots that nobody reads';

CREATE FUNCTION online_schema.check_long_transaction(older_than interval)
	RETURNS SETOF online_schema.finding
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'long_transaction', 'warning', NULL::regclass, 'process ' || a.pid,
		pg_catalog.format('a transaction of role %I has been open since %s: a job waits for it before it copies, and perhaps for its locks',
			a.usename, pg_catalog.date_trunc('second', a.xact_start)),
		NULL::text
	FROM pg_catalog.pg_stat_activity a
	WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
		AND a.xact_start < pg_catalog.clock_timestamp() - older_than
		AND a.backend_type NOT LIKE 'autovacuum%' AND a.backend_type NOT LIKE 'online_schema%'
	UNION ALL
	SELECT 'long_transaction', 'warning', NULL, 'prepared transaction ' || pg_catalog.quote_literal(p.gid),
		pg_catalog.format('a prepared transaction of role %I has been open since %s: a job waits for it before it copies, and perhaps for its locks',
			p.owner, pg_catalog.date_trunc('second', p.prepared)),
		NULL
	FROM pg_catalog.pg_prepared_xacts p
	WHERE p.database = pg_catalog.current_database()
		AND p.prepared < pg_catalog.clock_timestamp() - older_than;
END;
COMMENT ON FUNCTION online_schema.check_long_transaction(interval) IS
	'rule of osc_check(): transactions of this database, prepared ones too, that are open for longer';

CREATE FUNCTION online_schema.check_wraparound_vacuum(target regclass)
	RETURNS SETOF online_schema.finding
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'wraparound_vacuum', 'warning', t.relid::regclass, 'process ' || a.pid,
		pg_catalog.format('a vacuum of %s to prevent wraparound is running: it gives way to nobody, and a job waits for its lock', t.name),
		NULL::text
	FROM pg_catalog.pg_stat_activity a
	JOIN pg_catalog.pg_stat_progress_vacuum p ON p.pid = a.pid
	JOIN pg_catalog.pg_class c ON p.relid IN (c.oid, c.reltoastrelid)
	JOIN online_schema.check_tables(target) t ON t.relid = c.oid
	WHERE a.datname = pg_catalog.current_database() AND a.query LIKE 'autovacuum:%(to prevent wraparound)';
END;
COMMENT ON FUNCTION online_schema.check_wraparound_vacuum(regclass) IS
	'rule of osc_check(): vacuums to prevent wraparound that run now';

CREATE FUNCTION online_schema.disk_space(tablespace oid, OUT available bigint, OUT reserve bigint)
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_disk_space_sql';
COMMENT ON FUNCTION online_schema.disk_space(oid) IS
	'bytes that are free on the volume of a tablespace (0: the database''s own), and bytes that online_schema.min_free_disk wants to stay free';

-- What a job writes beside a table: as much again as the table, its indexes and
-- TOAST have.  A partitioned table is copied as a whole.
CREATE FUNCTION online_schema.check_disk_space(target regclass)
	RETURNS SETOF online_schema.finding
	LANGUAGE sql VOLATILE
BEGIN ATOMIC
	WITH parts AS (
		SELECT t.relid, t.name, t.relid AS part
		FROM online_schema.check_tables(target) t
		WHERE t.relkind = 'r' AND (NOT t.is_partition OR t.relid = target)
		UNION ALL
		SELECT t.relid, t.name, p.relid
		FROM online_schema.check_tables(target) t
		CROSS JOIN LATERAL pg_catalog.pg_partition_tree(t.relid) p
		WHERE t.relkind = 'p' AND (NOT t.is_partition OR t.relid = target) AND p.isleaf
	), copies AS (
		SELECT p.relid, p.name, c.reltablespace, sum(pg_catalog.pg_total_relation_size(c.oid)) AS size
		FROM parts p JOIN pg_catalog.pg_class c ON c.oid = p.part AND c.relkind = 'r'
		GROUP BY p.relid, p.name, c.reltablespace
	), spaces AS MATERIALIZED (
		SELECT u.reltablespace, d.available, d.reserve,
			coalesce(s.spcname, 'of the database') AS name
		FROM (SELECT DISTINCT c.reltablespace FROM copies c) u
		LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = u.reltablespace
		CROSS JOIN LATERAL online_schema.disk_space(u.reltablespace) d
	)
	SELECT 'disk_space', 'warning', c.relid::regclass, 'tablespace ' || s.name,
		pg_catalog.format('a copy of %s takes about %s; its volume has %s free, of which %s are to stay free (online_schema.min_free_disk)',
			c.name, pg_catalog.pg_size_pretty(c.size), pg_catalog.pg_size_pretty(s.available), pg_catalog.pg_size_pretty(s.reserve)),
		NULL::text
	FROM copies c JOIN spaces s ON s.reltablespace = c.reltablespace
	WHERE s.available - c.size < s.reserve
		AND (target IS NOT NULL OR s.available >= s.reserve)
	UNION ALL
	-- where no table at all could be copied, say so once
	SELECT 'disk_space', 'warning', NULL, 'tablespace ' || s.name,
		pg_catalog.format('the volume has %s free, less than the %s that are to stay free (online_schema.min_free_disk)',
			pg_catalog.pg_size_pretty(s.available), pg_catalog.pg_size_pretty(s.reserve)),
		NULL
	FROM spaces s
	WHERE target IS NULL AND s.available < s.reserve;
END;
COMMENT ON FUNCTION online_schema.check_disk_space(regclass) IS
	'rule of osc_check(): tables for whose copy the volume of their tablespace has too little room';

CREATE FUNCTION @extschema@.osc_check(relation regclass DEFAULT NULL)
	RETURNS TABLE (rule text, severity text, relation regclass, object text, message text, fix text)
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT f.rule, f.severity, f.relation, f.object, f.message, f.fix
	FROM (
		SELECT * FROM online_schema.check_foreign_key_without_index($1)
		UNION ALL SELECT * FROM online_schema.check_duplicate_index($1)
		UNION ALL SELECT * FROM online_schema.check_invalid_index($1)
		UNION ALL SELECT * FROM online_schema.check_constraint_not_valid($1)
		UNION ALL SELECT * FROM online_schema.check_key_range($1)
		UNION ALL SELECT * FROM online_schema.check_disk_space($1)
		UNION ALL SELECT * FROM online_schema.check_wraparound_vacuum($1)
		UNION ALL SELECT * FROM online_schema.check_long_transaction(
			coalesce(nullif(pg_catalog.current_setting('online_schema.blocker_patience', true), ''), '1 min')::interval)
		UNION ALL SELECT * FROM online_schema.check_inactive_slot()
	) f
	ORDER BY f.severity, f.rule, f.relation::text COLLATE "C", f.object COLLATE "C";
END;
COMMENT ON FUNCTION @extschema@.osc_check(regclass) IS
	'looks for what hinders schema changes or will hurt later, on one table with its partitions and children, or on all; one row per finding, none when all is well; severity is warning or error; fix is a command that runs as it stands, or NULL; sees what the catalogs and statistics views show the caller';
