-- What a PostgreSQL of your own (14 or later) must have for compose.external-db.yaml: a database, and
-- a role with a schema for Dagster, and for the pipelines' own data. (external-location.sql has those of
-- further code locations.) Run it once, as a superuser or as a role that may create databases and roles:
--   psql -h HOST -U ADMIN -d postgres -f config/postgres/external.sql
-- The passwords are those in the secret files, so that none stands on a command line.
\set ON_ERROR_STOP on
\set dagster_password `cat "${DAGNIX_SECRETS_DIR:-.dagnix/secrets}/dagster-password"`
\set storage_password `cat "${DAGNIX_SECRETS_DIR:-.dagnix/secrets}/storage-password"`

CREATE ROLE dagster LOGIN PASSWORD :'dagster_password';
CREATE ROLE storage LOGIN PASSWORD :'storage_password';
-- As whom runs of `pipes` write in Dagster's tables. What such a role may, Dagster's services give the
-- other one, as they start.
CREATE ROLE code_location NOLOGIN;
CREATE ROLE dagster_pipes LOGIN PASSWORD :'storage_password' IN ROLE code_location;

-- C.UTF-8 sorts by code point, as the stack's own Postgres does.
CREATE DATABASE dagster TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE dagster FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE dagster TO dagster, dagster_pipes, storage;

\connect dagster
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- An administrator who is no superuser must be a member of a role to give it a schema.
GRANT dagster, storage TO CURRENT_USER;
CREATE SCHEMA dagster AUTHORIZATION dagster;
CREATE SCHEMA storage AUTHORIZATION storage;
-- Dagster and the pipelines name no schema: the role says which one is theirs.
ALTER ROLE dagster IN DATABASE dagster SET search_path = dagster;
ALTER ROLE dagster_pipes IN DATABASE dagster SET search_path = dagster;
ALTER ROLE storage IN DATABASE dagster SET search_path = storage;
