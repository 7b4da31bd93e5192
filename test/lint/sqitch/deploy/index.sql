-- Deploy flipr:index to pg

SET lock_timeout = '2s';

CREATE UNIQUE INDEX CONCURRENTLY users_email ON flipr.users (lower(email));
CREATE INDEX users_timestamp ON flipr.users (timestamp);
