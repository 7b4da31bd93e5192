-- Deploy flipr:users to pg
-- requires: zschema

BEGIN;

-- longer addresses: the rows stay as they are, for the type above was varchar(80)
ALTER TABLE flipr.users ALTER COLUMN email TYPE VARCHAR(254);
ALTER TABLE flipr.users ALTER COLUMN password SET NOT NULL;
ALTER TABLE flipr.users ALTER COLUMN age TYPE INTEGER;

COMMIT;
