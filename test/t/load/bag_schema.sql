-- bag_schema.sql: the table "bag", which has no key, and its ledger: an independent record of
-- every write. psql variable: rows.
--
-- The ledger counts whole rows: one more for each row written, one less for each taken away.
-- What a row is worth does not depend on the order of writes, so the count must be that of
-- the table in every snapshot. Wide values count by their md5.
--
-- Writers of one row hold no other lock while they wait. Writers of many rows have groups
-- (column a) to themselves, from 1000000 on: one for each client of one pgbench.
CREATE TABLE bag (
	a integer,
	b text,
	c numeric(10,2) DEFAULT 0,
	d text,
	doc text,
	slot integer UNIQUE
) WITH (fillfactor = 80);
INSERT INTO bag SELECT n % 1000, 'v' || n % 5, n % 7, CASE WHEN n % 3 > 0 THEN repeat('d', n % 50) END,
		CASE WHEN n % 500 = 1 THEN (SELECT string_agg(md5((n * i)::text), '') FROM generate_series(1, 200) i) END
	FROM generate_series(1, :rows) n;
-- the same row, a hundred times; and rows of NULLs
INSERT INTO bag SELECT 77, 'twin' FROM generate_series(1, 100);
INSERT INTO bag SELECT NULL, NULL, NULL FROM generate_series(1, 100);
CREATE INDEX bag_a ON bag (a);
CREATE INDEX bag_b ON bag (lower(b), c) WHERE d IS NOT NULL;

CREATE TABLE bag_ledger (n integer NOT NULL, image jsonb NOT NULL);

CREATE FUNCTION bag_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		INSERT INTO bag_ledger VALUES (-1, to_jsonb(OLD) || jsonb_build_object('doc', md5(OLD.doc)));
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO bag_ledger VALUES (1, to_jsonb(NEW) || jsonb_build_object('doc', md5(NEW.doc)));
	END IF;
	RETURN NULL;
END $$;
INSERT INTO bag_ledger SELECT 1, to_jsonb(bag) || jsonb_build_object('doc', md5(doc)) FROM bag;
CREATE TRIGGER bag_ledger AFTER INSERT OR UPDATE OR DELETE ON bag FOR EACH ROW EXECUTE FUNCTION bag_ledger();
ALTER TABLE bag ENABLE ALWAYS TRIGGER bag_ledger;

-- Rows that the table has too often or too seldom. "defaults" are the values of columns that
-- rows written before did not have.
CREATE FUNCTION bag_faults(defaults jsonb) RETURNS TABLE (fault text)
LANGUAGE plpgsql STABLE SET work_mem = '256MB' SET jit = off AS $$
BEGIN
	RETURN QUERY EXECUTE $q$
	SELECT format('%s times too %s: %s', abs(sum(n)), CASE WHEN sum(n) > 0 THEN 'seldom' ELSE 'often' END, told)
	FROM (
		SELECT n, jsonb_populate_record(NULL::bag, $1 || image)::text AS told FROM bag_ledger
		UNION ALL SELECT -1, jsonb_populate_record(NULL::bag, to_jsonb(bag) || jsonb_build_object('doc', md5(doc)))::text FROM bag
	) AS counted
	GROUP BY told HAVING sum(n) <> 0
	$q$ USING defaults;
END $$;
ANALYZE;
