-- roles.sql: the roles that own and use the rich tables; once for the cluster.
CREATE ROLE rich_owner NOLOGIN;
CREATE ROLE rich_reader LOGIN;
CREATE ROLE rich_clerk LOGIN;
CREATE ROLE rich_tenant LOGIN;
