-- rows of NULLs come, go, and are written again as they are
DELETE FROM bag WHERE ctid = (SELECT ctid FROM bag WHERE bag IS NULL LIMIT 1 FOR UPDATE SKIP LOCKED);
INSERT INTO bag VALUES (NULL, NULL, NULL);
UPDATE bag SET a = NULL WHERE ctid = (SELECT ctid FROM bag WHERE bag IS NULL LIMIT 1 FOR UPDATE SKIP LOCKED);
