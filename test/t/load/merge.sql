-- MERGE that updates or does nothing.
\set id random(1, :rows)
MERGE INTO item USING (SELECT CAST(:id AS integer) AS k) s ON item.id = s.k WHEN MATCHED AND item.qty > 3 THEN UPDATE SET qty = item.qty - 1 WHEN MATCHED THEN UPDATE SET note = 'merged';
