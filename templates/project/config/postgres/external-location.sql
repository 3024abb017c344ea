-- What a PostgreSQL of your own must have for a further code location, beside what external.sql makes:
-- a role with a schema of its name, and one as whom its runs write in Dagster's tables. Run it once for each, as who has run external.sql:
--   psql -h HOST -U ADMIN -d dagster -v location=marketing -f config/postgres/external-location.sql
-- The password is that in the secret file, which `./dagnix location add` takes if it is there.
\set ON_ERROR_STOP on
SELECT 'storage_' || replace(:'location', '-', '_') AS role,
       'dagster_' || replace(:'location', '-', '_') AS runs \gset
\set password `cat "${DAGNIX_SECRETS_DIR:-.dagnix/secrets}/storage/":'location'`

CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE ROLE :"runs" LOGIN PASSWORD :'password' IN ROLE code_location;
GRANT CONNECT, TEMPORARY ON DATABASE dagster TO :"role", :"runs";
-- An administrator who is no superuser must be a member of a role to give it a schema.
GRANT :"role" TO CURRENT_USER;
CREATE SCHEMA :"role" AUTHORIZATION :"role";
ALTER ROLE :"role" IN DATABASE dagster SET search_path = :"role";
ALTER ROLE :"runs" IN DATABASE dagster SET search_path = dagster;
