-- What is rolled back, in whole and in part.
\set id random(1, :rows)
BEGIN;
UPDATE address SET street = 'kept' WHERE id = :id;
SAVEPOINT a;
UPDATE address SET street = 'rolled back' WHERE id = :id;
ROLLBACK TO a;
COMMIT;
BEGIN;
UPDATE address SET street = 'rolled back' WHERE id = :id;
ROLLBACK;
