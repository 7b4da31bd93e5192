-- the places of rows that are gone become free
VACUUM bag;
