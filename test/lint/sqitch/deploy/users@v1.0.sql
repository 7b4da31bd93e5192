-- Deploy flipr:users to pg
-- requires: zschema

BEGIN;

CREATE TABLE flipr.users (
    nickname  TEXT        PRIMARY KEY,
    password  TEXT        NOT NULL,
    email     VARCHAR(80),
    age       SMALLINT,
    timestamp TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

COMMIT;
