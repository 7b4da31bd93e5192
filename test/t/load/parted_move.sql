-- an UPDATE that moves the row to another partition, or not
\set id 6 * random(0, :rows / 6 - 1) + :client_id + 1
\set day random(0, 39)
UPDATE parted SET day = :day, note = 'moved to ' || :day WHERE id = :id;
