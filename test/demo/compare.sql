-- The table against its ledger: replays every noted change on the copy from the start
-- and compares the outcome with the table, each column as stored (record images, so that
-- NULL, '' and a value of another type all count as different).
-- Prints: rows compared, rows missing, rows too many, rows differing, changes replayed.
WITH last_change AS (
	SELECT DISTINCT ON (key) key, op, image FROM ledger.change ORDER BY key, n DESC
), expected AS (
	SELECT s.* FROM ledger.address_at_start s
	WHERE NOT EXISTS (SELECT FROM last_change c WHERE c.key = s.id)
	UNION ALL
	SELECT r.* FROM last_change c, jsonb_populate_record(NULL::ledger.address_at_start, c.image) r
	WHERE c.op <> 'DELETE'
)
SELECT count(*),
	   count(*) FILTER (WHERE a.id IS NULL),
	   count(*) FILTER (WHERE e.id IS NULL),
	   count(*) FILTER (WHERE a.id = e.id AND record_image_ne(ROW(a.*), ROW(e.*))),
	   (SELECT count(*) FROM ledger.change)
FROM expected e FULL JOIN address a ON a.id = e.id;
