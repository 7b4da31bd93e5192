-- a row of one's own, in whatever partition it is
\set id 6 * random(0, :rows / 6 - 1) + :client_id + 1
\set v random(1, 9)
UPDATE parted SET v = v + :v, note = 'updated ' || :v WHERE id = :id;
