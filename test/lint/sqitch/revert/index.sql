-- Revert flipr:index from pg

DROP INDEX flipr.users_timestamp;
DROP INDEX flipr.users_email;
