-- Writer: people move; some addresses change far more often than others.
\set id random_zipfian(1, :rows, 1.05)
\set n random(1, 1000000)
UPDATE address SET street = 'moved ' || :n, note = NULLIF(note, 'ring twice'), verified = NOT verified WHERE id = :id;
