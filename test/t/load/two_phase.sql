-- A transaction that is prepared and then committed.
\set id random(1, :rows)
BEGIN;
UPDATE item SET note = 'two phases', amount = amount + 2 WHERE id = :id;
PREPARE TRANSACTION 'client :client_id';
COMMIT PREPARED 'client :client_id';
