-- transactions.sql: what goes on from statement to statement.

---- bad no_lock_timeout
---- expect 1:1 require-lock-timeout warning
ALTER TABLE orders ADD COLUMN note text;
ALTER TABLE orders ADD COLUMN note2 text;

---- bad lock_timeout_zero
---- expect 2 require-lock-timeout warning
SET lock_timeout = 0;
ALTER TABLE orders ADD COLUMN note text;

---- bad lock_timeout_zero_text
---- expect 2 require-lock-timeout warning
SET lock_timeout TO '0s';
ALTER TABLE orders ADD COLUMN note text;

---- bad lock_timeout_reset
---- expect 3 require-lock-timeout warning
SET lock_timeout = '1s';
RESET lock_timeout;
ALTER TABLE orders ADD COLUMN note text;

---- bad lock_timeout_reset_all
---- expect 3 require-lock-timeout warning
SET lock_timeout = '1s';
RESET ALL;
ALTER TABLE orders ADD COLUMN note text;

---- good statement_timeout_does_as_well
SET statement_timeout = '5s';
ALTER TABLE orders ADD COLUMN note text;

---- good lock_timeout_by_function
SELECT pg_catalog.set_config('lock_timeout', '2s', false);
ALTER TABLE orders ADD COLUMN note text;

---- good lock_timeout_local
BEGIN;
SET LOCAL lock_timeout = '500ms';
ALTER TABLE orders ADD COLUMN note text;
COMMIT;

---- bad lock_timeout_local_ends
---- expect 5 require-lock-timeout warning
BEGIN;
SET LOCAL lock_timeout = '500ms';
ALTER TABLE orders ADD COLUMN note text;
COMMIT;
ALTER TABLE orders ADD COLUMN note2 text;

---- bad lock_timeout_local_outside
---- expect 2 require-lock-timeout warning
SET LOCAL lock_timeout = '500ms';
ALTER TABLE orders ADD COLUMN note text;

---- bad lock_timeout_rolled_back
---- expect 4 require-lock-timeout warning
BEGIN;
SET lock_timeout = '500ms';
ROLLBACK;
ALTER TABLE orders ADD COLUMN note text;

---- good lock_timeout_local_in_tool_transaction
---- options --transactional
SET LOCAL lock_timeout = '500ms';
ALTER TABLE orders ADD COLUMN note text;

---- good lock_timeout_set_in_transaction_stays
BEGIN;
SET lock_timeout = '500ms';
COMMIT;
ALTER TABLE orders ADD COLUMN note text;

---- bad new_connection_forgets
---- expect 3 require-lock-timeout warning
SET lock_timeout = '500ms';
\c - other
ALTER TABLE orders ADD COLUMN note text;

---- bad concurrently_in_transaction
---- expect 2 not-in-transaction error
---- expect 3 not-in-transaction error
---- expect 4 not-in-transaction error
---- expect 5 not-in-transaction error
---- expect 6 not-in-transaction error
BEGIN;
CREATE INDEX CONCURRENTLY ON orders (a);
DROP INDEX CONCURRENTLY orders_a;
REINDEX INDEX CONCURRENTLY orders_b;
ALTER TABLE m DETACH PARTITION m1 CONCURRENTLY;
VACUUM orders;
COMMIT;

---- bad concurrently_in_tool_transaction
---- options --transactional
---- expect 1 not-in-transaction error
CREATE INDEX CONCURRENTLY ON orders (a);

---- good concurrently_in_file_without_transaction
---- options --transactional
-- osc-lint: transactional off
CREATE INDEX CONCURRENTLY ON orders (a);

---- good concurrently_after_commit
BEGIN;
SELECT 1;
COMMIT;
CREATE INDEX CONCURRENTLY ON orders (a);

---- bad concurrently_after_chain
---- expect 4 not-in-transaction error
BEGIN;
SELECT 1;
COMMIT AND CHAIN;
CREATE INDEX CONCURRENTLY ON orders (a);
COMMIT;

---- bad validate_in_transaction
---- expect 4 validate-in-same-transaction error
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT p CHECK (price > 0) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT p;
COMMIT;

---- bad validate_in_statement
---- expect 2 validate-in-same-transaction error
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT p CHECK (price > 0) NOT VALID, VALIDATE CONSTRAINT p;

---- bad validate_in_tool_transaction
---- options --transactional
---- expect 3 validate-in-same-transaction error
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT p CHECK (price > 0) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT p;

---- bad validate_behind_a_strong_lock
---- expect 4 validate-in-same-transaction error
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN note text;
ALTER TABLE orders VALIDATE CONSTRAINT p;
COMMIT;

---- good validate_in_transaction_of_its_own
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE orders ADD CONSTRAINT p CHECK (price > 0) NOT VALID;
COMMIT;
BEGIN;
ALTER TABLE orders VALIDATE CONSTRAINT p;
COMMIT;

---- bad backfill_in_transaction
---- expect 4:1 backfill-in-transaction error
---- expect 5 backfill-in-transaction error
---- expect 6 backfill-in-transaction error
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN total numeric;
UPDATE orders SET total = price * amount;
DELETE FROM orders WHERE price IS NULL;
INSERT INTO archive SELECT * FROM orders;
COMMIT;

---- good backfill_after_commit
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN total numeric;
COMMIT;
UPDATE orders SET total = price * amount WHERE id BETWEEN 1 AND 1000;

---- good few_rows_in_transaction
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN total numeric;
INSERT INTO settings (name, value) VALUES ('a', 'b'), ('c', 'd');
CREATE TABLE fresh (a int);
INSERT INTO fresh SELECT 1;
COMMIT;

---- bad backfill_in_tool_transaction
---- options --transactional
---- expect 3 backfill-in-transaction error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN total numeric;
UPDATE orders SET total = 0;

---- bad uncommitted
---- expect 2:1 uncommitted-transaction error
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE orders ADD COLUMN total numeric;

---- good committed_with_other_words
SET lock_timeout = '2s';
START TRANSACTION;
ALTER TABLE orders ADD COLUMN total numeric;
END;
BEGIN WORK;
SAVEPOINT a;
ROLLBACK TO a;
COMMIT WORK;

---- bad wait_in_transaction
---- expect 3 not-in-transaction error
BEGIN;
SELECT osc_start('ALTER TABLE orders ALTER id TYPE bigint');
CALL osc_wait(1);
COMMIT;

---- good online
SELECT osc_start('ALTER TABLE orders ALTER id TYPE bigint');
CALL osc_wait(1);
CALL osc_wait(osc_start('ALTER TABLE orders ADD COLUMN u uuid DEFAULT gen_random_uuid()'));
