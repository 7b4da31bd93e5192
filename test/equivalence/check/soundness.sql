-- soundness.sql: what amcheck finds in the tables and B-trees of all cases; nothing is good.
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION amcheck;
DO $$
DECLARE
	heap record;
	index regclass;
	fault text;
BEGIN
	FOR heap IN SELECT c.oid::regclass AS name, coalesce(t.oid, c.oid)::regclass AS storage
		FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid OR t.oid = c.oid
		WHERE c.relnamespace::regnamespace::text ~ '^eq_' AND c.relkind IN ('r', 'm')
	LOOP
		BEGIN
			IF EXISTS (SELECT FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.oid = heap.storage AND a.amname = 'heap') THEN
				FOR fault IN SELECT format('%s: block %s: %s', heap.storage, blkno, msg) FROM verify_heapam(heap.storage, check_toast => true)
				LOOP
					RAISE WARNING '%: %', heap.name, fault;
				END LOOP;
			END IF;
			FOR index IN SELECT indexrelid FROM pg_index JOIN pg_class i ON i.oid = indexrelid
				WHERE indrelid = heap.storage AND indisvalid AND relam = (SELECT oid FROM pg_am WHERE amname = 'btree')
			LOOP
				PERFORM bt_index_check(index, heapallindexed => true);
			END LOOP;
		EXCEPTION WHEN others THEN
			RAISE WARNING '%: %', heap.name, SQLERRM;
		END;
	END LOOP;
END $$;
DROP EXTENSION amcheck;
