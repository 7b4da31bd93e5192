-- A shelf, which an expression of a job reads, gets another name; the names that it had stay.
\set id random(50, 99)
\set n random(1, 1000000)
WITH old AS (INSERT INTO shelf_history SELECT id, name FROM shelf WHERE id = :id)
UPDATE shelf SET name = 'shelf ' || :n WHERE id = :id;
