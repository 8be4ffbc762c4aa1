#!/bin/sh
# On the first start of the database: a user for Grafana that may only read.
set -eu
password="$(cat "${GRAFANA_DATABASE_PASSWORD_FILE:-/run/secrets/grafana_database_password}")"
psql -v ON_ERROR_STOP=1 -v password="$password" -v owner="$POSTGRES_USER" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE grafana LOGIN PASSWORD :'password';
GRANT USAGE ON SCHEMA public TO grafana;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO grafana;
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT ON TABLES TO grafana;
SQL
