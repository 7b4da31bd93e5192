-- Writer that changes its mind: a savepoint rolled back, then all of it.
\set id random(1, :rows)
\set keep random(0, 1)
BEGIN;
UPDATE address SET note = 'first thought' WHERE id = :id;
SAVEPOINT second;
DELETE FROM address WHERE id = :id;
ROLLBACK TO second;
\if :keep
COMMIT;
\else
ROLLBACK;
\endif
