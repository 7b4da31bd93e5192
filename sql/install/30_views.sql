-- 30_views.sql: what users look at

CREATE VIEW @extschema@.osc_progress WITH (security_barrier) AS
WITH ranges AS (
	SELECT r.job_id, sum(r.rows_done) AS rows_done, sum(r.bytes_done) AS bytes_done,
		sum(r.end_block - r.next_block) AS blocks_left
	FROM online_schema.job_range r GROUP BY r.job_id
), members AS (
	SELECT m.job_id, count(*) FILTER (WHERE m.copied) AS members,
		(array_agg(pg_catalog.quote_ident(m.nspname) || '.' || pg_catalog.quote_ident(m.relname)
			ORDER BY m.member))[1] AS relation,
		sum(m.blocks_total) AS blocks_total, sum(m.rows_total) AS rows_total,
		sum(m.bytes_total) AS bytes_total, sum(m.backlog) AS backlog,
		sum(pg_catalog.cardinality(m.indexes_done)) AS indexes_done,
		sum(m.indexes_total) AS indexes_total
	FROM online_schema.job_member m GROUP BY m.job_id
), jobs AS (
	SELECT j.*, m.members, m.relation, m.rows_total, m.bytes_total, m.backlog,
		coalesce(r.rows_done, 0) AS rows_done, coalesce(r.bytes_done, 0) AS bytes_done,
		CASE WHEN m.blocks_total > 0
			THEN 1 - coalesce(r.blocks_left, 0) / m.blocks_total ELSE 1 END AS copied,
		CASE WHEN m.indexes_total > 0
			THEN m.indexes_done / m.indexes_total::numeric ELSE 1 END AS built
	FROM online_schema.job j
	LEFT JOIN members m ON m.job_id = j.job_id
	LEFT JOIN ranges r ON r.job_id = j.job_id
	-- a role sees the jobs of the roles it is a member of; pg_monitor sees all
	WHERE pg_catalog.pg_has_role(j.owner, 'MEMBER')
		OR pg_catalog.pg_has_role('pg_monitor', 'USAGE')
), percent AS (
	SELECT jobs.*, CASE phase
		WHEN 'planned' THEN 0
		WHEN 'preparing' THEN 1
		WHEN 'backfilling' THEN 2 + 53 * copied
		WHEN 'indexing' THEN 55 + 30 * built
		WHEN 'catching_up' THEN 86
		WHEN 'validating' THEN 88
		WHEN 'ready' THEN 97
		WHEN 'swapping' THEN 97
		WHEN 'kept' THEN 98
		WHEN 'cleaning' THEN 99
		ELSE 100 END::numeric(5,1) AS progress_pct
	FROM jobs
)
SELECT p.job_id, p.relation, p.members, p.ddl, p.strategy, p.state, p.phase,
	p.progress_pct,
	'[' || pg_catalog.repeat('#', (p.progress_pct / 5)::int)
		|| pg_catalog.repeat('.', 20 - (p.progress_pct / 5)::int) || '] '
		|| pg_catalog.lpad(p.progress_pct::text, 5) || ' %' AS progress_bar,
	p.rows_done, p.rows_total, p.bytes_done, p.bytes_total, p.backlog,
	CASE WHEN p.eta_at IS NOT NULL AND p.state = 'running'
			AND p.phase IN ('backfilling', 'indexing', 'catching_up', 'validating')
		THEN greatest(pg_catalog.round(extract(epoch FROM p.eta_at - pg_catalog.clock_timestamp()), 1), 0)
			* interval '1 s' END AS eta,
	p.waiting_for, p.started_at, p.updated_at, p.finished_at,
	pg_catalog.pg_get_userbyid(p.owner) AS owner, p.last_error
FROM percent p;
COMMENT ON VIEW @extschema@.osc_progress IS 'jobs that the role may see, one row each';
COMMENT ON COLUMN @extschema@.osc_progress.job_id IS 'id of the job, as osc_start() returned it';
COMMENT ON COLUMN @extschema@.osc_progress.relation IS 'the first table that the statement names';
COMMENT ON COLUMN @extschema@.osc_progress.members IS 'relations that the job rewrites';
COMMENT ON COLUMN @extschema@.osc_progress.ddl IS 'the statement';
COMMENT ON COLUMN @extschema@.osc_progress.strategy IS 'the strategy asked for';
COMMENT ON COLUMN @extschema@.osc_progress.state IS 'queued, running, paused, ready, kept, cancelling, done, failed, cancelled or reverted';
COMMENT ON COLUMN @extschema@.osc_progress.phase IS 'planned, preparing, backfilling, indexing, catching_up, validating, ready, swapping, kept, cleaning or done';
COMMENT ON COLUMN @extschema@.osc_progress.progress_pct IS 'share of the work that is over, percent, 0 to 100; weighted by phase';
COMMENT ON COLUMN @extschema@.osc_progress.progress_bar IS 'progress_pct as a bar of 20 characters';
COMMENT ON COLUMN @extschema@.osc_progress.rows_done IS 'rows copied by the backfill';
COMMENT ON COLUMN @extschema@.osc_progress.rows_total IS 'rows of the table as the server estimated them when the backfill began';
COMMENT ON COLUMN @extschema@.osc_progress.bytes_done IS 'bytes of the table read by the backfill';
COMMENT ON COLUMN @extschema@.osc_progress.bytes_total IS 'bytes of the table when the backfill began, TOAST and indexes apart';
COMMENT ON COLUMN @extschema@.osc_progress.backlog IS 'changed keys that wait for replay, estimated';
COMMENT ON COLUMN @extschema@.osc_progress.eta IS 'time that the rest of the job will take, seconds, estimated once a second from the speed of the backfill and of the present phase; NULL before the backfill, while the job does not run, and from ready on';
COMMENT ON COLUMN @extschema@.osc_progress.waiting_for IS 'what holds the job up; NULL when nothing does';
COMMENT ON COLUMN @extschema@.osc_progress.started_at IS 'when the first step began';
COMMENT ON COLUMN @extschema@.osc_progress.updated_at IS 'when the job last changed state, phase or what it waits for';
COMMENT ON COLUMN @extschema@.osc_progress.finished_at IS 'when the job came to its end';
COMMENT ON COLUMN @extschema@.osc_progress.owner IS 'role in whose name the job acts';
COMMENT ON COLUMN @extschema@.osc_progress.last_error IS 'the error that ended or paused the job, or what could not be finished after the swap';

CREATE VIEW @extschema@.osc_events WITH (security_barrier) AS
SELECT e.job_id, e.at, e.phase, e.event, e.duration, e.detail
FROM online_schema.job_event e
JOIN online_schema.job j ON j.job_id = e.job_id
-- a role sees the jobs of the roles it is a member of; pg_monitor sees all
WHERE pg_catalog.pg_has_role(j.owner, 'MEMBER')
	OR pg_catalog.pg_has_role('pg_monitor', 'USAGE')
ORDER BY e.event_id;
COMMENT ON VIEW @extschema@.osc_events IS 'audit trail of the jobs that the role may see, in order';
COMMENT ON COLUMN @extschema@.osc_events.job_id IS 'id of the job';
COMMENT ON COLUMN @extschema@.osc_events.at IS 'when the event was written';
COMMENT ON COLUMN @extschema@.osc_events.phase IS 'phase of the job at the event';
COMMENT ON COLUMN @extschema@.osc_events.event IS 'what happened: state, phase, prepare, dry_run, capture, fence, restart, freeze, index, analyze, validate, lock, swap, foreign_key, cleanup, kept, partition_joined, partition_left, setting, blocker, throttle, throttle_end, throttled, falls_behind, error';
COMMENT ON COLUMN @extschema@.osc_events.duration IS 'how long it took, where that means anything';
COMMENT ON COLUMN @extschema@.osc_events.detail IS 'JSON: before and after of a step; for a lock: purpose, granted, waited_ms, the time limits in force, and the blockers';

-- The views filter by role, so everyone may read them; the schema has to be
-- usable only by their owner.
GRANT SELECT ON @extschema@.osc_progress, @extschema@.osc_events TO PUBLIC;
