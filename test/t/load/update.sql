-- One row of any kind.
\set id random(1, :rows)
\set n random(1, 1000000)
UPDATE item SET amount = amount + :n % 100 / 100.0, note = 'updated ' || :n WHERE id = :id;
