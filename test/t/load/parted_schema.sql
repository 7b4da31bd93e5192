-- parted_schema.sql: the partitioned table "parted" and its ledger: an independent record of
-- every write. psql variable: rows.
--
-- The ledger counts whole rows, as that of "bag" does: one more for each row written, one less
-- for each taken away; an UPDATE that moves a row to another partition is both. A client of
-- the load has the ids to itself that are its number modulo six, and there is one row of
-- each id, so that no writer meets another one's row.
CREATE TABLE parted (
	id integer NOT NULL,
	day integer NOT NULL,
	v integer DEFAULT 0,
	note text,
	PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_2 (gone integer, note text, v integer DEFAULT 0, day integer NOT NULL, id integer NOT NULL);
ALTER TABLE parted_2 DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (20);
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM (20) TO (30) PARTITION BY HASH (day);
CREATE TABLE parted_3a PARTITION OF parted_3 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_3b PARTITION OF parted_3 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
CREATE INDEX parted_v ON parted (v, lower(note));
INSERT INTO parted SELECT n, n % 40, n % 7, 'note ' || n % 5 FROM generate_series(1, :rows) n;

CREATE TABLE parted_ledger (n integer NOT NULL, image jsonb NOT NULL);
CREATE FUNCTION parted_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		INSERT INTO parted_ledger VALUES (-1, to_jsonb(OLD));
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO parted_ledger VALUES (1, to_jsonb(NEW));
	END IF;
	RETURN NULL;
END $$;
INSERT INTO parted_ledger SELECT 1, to_jsonb(parted) FROM parted;
CREATE TRIGGER parted_ledger AFTER INSERT OR UPDATE OR DELETE ON parted FOR EACH ROW EXECUTE FUNCTION parted_ledger();

-- Rows that the table has too often or too seldom, or in the wrong partition. "defaults" are
-- the values of columns that rows written before did not have.
CREATE FUNCTION parted_faults(defaults jsonb) RETURNS TABLE (fault text)
LANGUAGE plpgsql STABLE SET work_mem = '256MB' SET jit = off AS $$
BEGIN
	RETURN QUERY EXECUTE $q$
	SELECT format('%s times too %s: %s', abs(sum(n)), CASE WHEN sum(n) > 0 THEN 'seldom' ELSE 'often' END, told)
	FROM (
		SELECT n, jsonb_populate_record(NULL::parted, $1 || image)::text AS told FROM parted_ledger
		UNION ALL SELECT -1, jsonb_populate_record(NULL::parted, to_jsonb(parted))::text FROM parted
	) AS counted
	GROUP BY told HAVING sum(n) <> 0
	UNION ALL
	SELECT format('in %s: %s', tableoid::regclass, parted) FROM parted
	WHERE tableoid::regclass::text !~ CASE WHEN day < 10 THEN '_1' WHEN day < 20 THEN '_2' WHEN day < 30 THEN '_3' ELSE '_rest' END
	$q$ USING defaults;
END $$;
ANALYZE;
