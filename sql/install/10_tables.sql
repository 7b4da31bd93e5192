-- 10_tables.sql: where jobs, their members, helper objects and events are kept

CREATE SCHEMA online_schema;
COMMENT ON SCHEMA online_schema IS
	'jobs of the extension online_schema; read them through osc_progress and osc_events';

CREATE TABLE online_schema.job (
	job_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ddl text NOT NULL,
	strategy text NOT NULL,
	swap text NOT NULL CHECK (swap IN ('auto', 'manual')),
	run text NOT NULL CHECK (run IN ('background', 'manual')),
	owner oid NOT NULL,
	state text NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'ready',
		'kept', 'cancelling', 'done', 'failed', 'cancelled', 'reverted')),
	phase text NOT NULL CHECK (phase IN ('planned', 'preparing', 'backfilling',
		'indexing', 'catching_up', 'validating', 'ready', 'swapping', 'kept',
		'cleaning', 'done')),
	phase_since timestamptz NOT NULL DEFAULT clock_timestamp(),
	final_state text NOT NULL DEFAULT 'cancelled'
		CHECK (final_state IN ('failed', 'cancelled', 'reverted')),
	settings jsonb NOT NULL,
	session_settings jsonb NOT NULL,
	backfill jsonb,
	system_identifier bigint NOT NULL,
	database_id oid NOT NULL,
	attempts integer NOT NULL DEFAULT 0,
	next_try_at timestamptz,
	announced text,
	eta_at timestamptz,
	kept_until timestamptz,
	blocked_since timestamptz,
	obstructed boolean NOT NULL DEFAULT false,
	swap_since timestamptz,
	waiting_for text,
	last_error text,
	last_error_code text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	started_at timestamptz,
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	finished_at timestamptz
);
COMMENT ON TABLE online_schema.job IS 'one row per call of osc_start()';

CREATE TABLE online_schema.job_member (
	job_id bigint NOT NULL REFERENCES online_schema.job ON DELETE CASCADE,
	member integer NOT NULL,
	relation oid NOT NULL,
	nspname text NOT NULL,
	relname text NOT NULL,
	helper_schema text NOT NULL,
	copied boolean NOT NULL,
	reached boolean NOT NULL DEFAULT false,
	active boolean NOT NULL DEFAULT true,
	generation integer NOT NULL DEFAULT 1,
	shadow oid,
	twin oid,
	canary oid,
	dry_run_done boolean NOT NULL DEFAULT false,
	fence xid8,
	fence_passed boolean NOT NULL DEFAULT false,
	capture_state text,
	source_storage bigint,
	places oid,
	shadow_storage bigint,
	fingerprint text,
	mapping text,
	frozen boolean NOT NULL DEFAULT false,
	indexes_done text[] NOT NULL DEFAULT '{}',
	indexes_total integer NOT NULL DEFAULT 0,
	analyzed boolean NOT NULL DEFAULT false,
	horizon xid8,
	blocks_total bigint NOT NULL DEFAULT 0,
	rows_total bigint NOT NULL DEFAULT 0,
	bytes_total bigint NOT NULL DEFAULT 0,
	backlog bigint NOT NULL DEFAULT 0,
	keys_replayed bigint NOT NULL DEFAULT 0,
	validate_source bigint NOT NULL DEFAULT 0,
	validate_shadow bigint NOT NULL DEFAULT 0,
	rows_compared bigint NOT NULL DEFAULT 0,
	rows_not_compared bigint NOT NULL DEFAULT 0,
	rows_differing bigint NOT NULL DEFAULT 0,
	sample jsonb,
	orphan_checks jsonb NOT NULL DEFAULT '[]',
	foreign_keys jsonb NOT NULL DEFAULT '[]',
	columns text,
	vacuumed_blocks bigint NOT NULL DEFAULT 0,
	old_unique text[] NOT NULL DEFAULT '{}',
	PRIMARY KEY (job_id, member)
);
CREATE UNIQUE INDEX job_member_active ON online_schema.job_member (relation) WHERE active;
COMMENT ON TABLE online_schema.job_member IS
	'one row per relation that a job changes, copied or not; a relation is active in one job at a time';

CREATE TABLE online_schema.job_step (
	job_id bigint NOT NULL REFERENCES online_schema.job ON DELETE CASCADE,
	step_no integer NOT NULL,
	kind text NOT NULL CHECK (kind IN ('short', 'scan', 'top', 'final')),
	phase text NOT NULL,
	relation oid NOT NULL,
	command text NOT NULL,
	undo text,
	begun boolean NOT NULL DEFAULT false,
	done boolean NOT NULL DEFAULT false,
	PRIMARY KEY (job_id, step_no)
);
COMMENT ON TABLE online_schema.job_step IS
	'the commands that a job runs: short ones and scans in a transaction each, top-level ones, and those of the swap';

CREATE TABLE online_schema.job_range (
	job_id bigint NOT NULL,
	member integer NOT NULL,
	range_no integer NOT NULL,
	generation integer NOT NULL,
	next_block bigint NOT NULL,
	end_block bigint NOT NULL,
	rows_done bigint NOT NULL DEFAULT 0,
	bytes_done bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (job_id, member, range_no),
	FOREIGN KEY (job_id, member) REFERENCES online_schema.job_member ON DELETE CASCADE
) WITH (fillfactor = 50);
COMMENT ON TABLE online_schema.job_range IS
	'one row per backfill worker: the blocks of the source that it copies, and how far it is';

CREATE TABLE online_schema.job_object (
	object_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	job_id bigint NOT NULL REFERENCES online_schema.job,
	member integer NOT NULL,
	kind text NOT NULL,
	schema_name text NOT NULL,
	object_name text NOT NULL,
	object_oid oid,
	registered_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX job_object_job ON online_schema.job_object (job_id, member);
COMMENT ON TABLE online_schema.job_object IS
	'registry of helper objects: what jobs have made and not yet removed';

CREATE TABLE online_schema.job_event (
	event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	job_id bigint NOT NULL REFERENCES online_schema.job ON DELETE CASCADE,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	phase text NOT NULL,
	event text NOT NULL,
	duration interval,
	detail jsonb
);
CREATE INDEX job_event_job ON online_schema.job_event (job_id, event_id);
COMMENT ON TABLE online_schema.job_event IS 'audit trail of jobs';

-- The capture trigger reads this table by column number (src/mirror/capture.c):
-- keep the order of its columns.
CREATE TABLE online_schema.capture (
	relation oid PRIMARY KEY,
	row_trigger oid NOT NULL,
	truncate_trigger oid NOT NULL,
	log oid NOT NULL,
	enabled boolean NOT NULL,
	key_attnums int2[] NOT NULL
);
COMMENT ON TABLE online_schema.capture IS
	'where the capture trigger of a relation notes changed keys';

-- The mirror trigger reads this table by column number (src/mirror/mirror.c):
-- keep the order of its columns.
CREATE TABLE online_schema.mirror (
	relation oid PRIMARY KEY,
	row_trigger oid NOT NULL,
	direction "char" NOT NULL CHECK (direction IN ('f', 'r', 'b', 'o')),
	owner oid NOT NULL,
	columns text NOT NULL,
	notes oid NOT NULL,
	notes_back oid NOT NULL,
	key_attnums int2[] NOT NULL,
	key_back_attnums int2[] NOT NULL,
	settings jsonb,
	first_trigger oid
);
COMMENT ON TABLE online_schema.mirror IS
	'how the mirror trigger of a relation keeps two columns equal: f, the new one follows the old; r, the old one the new; b, both names are live; o, off';

-- Logical decoding passes over relations whose relrewrite is set: a publication
-- FOR ALL TABLES must not send the rows of jobs to subscribers, which do not
-- have these tables.
UPDATE pg_catalog.pg_class c SET relrewrite = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = 'online_schema'::pg_catalog.regnamespace;
UPDATE pg_catalog.pg_class t SET relrewrite = c.oid
FROM pg_catalog.pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'online_schema'::pg_catalog.regnamespace
	AND t.oid = c.reltoastrelid;

-- Jobs act with their owner's rights, and rows here name the storage that a
-- swap hands over: nobody but the extension may write them.  Reading goes
-- through views that show a role its own jobs.
REVOKE ALL ON ALL TABLES IN SCHEMA online_schema FROM PUBLIC;
REVOKE ALL ON SCHEMA online_schema FROM PUBLIC;
