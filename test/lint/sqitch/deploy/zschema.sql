-- Deploy flipr:zschema to pg

BEGIN;

CREATE SCHEMA flipr;

COMMIT;
