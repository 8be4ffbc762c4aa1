#!/bin/sh
# Makes the secrets of compose.yaml: long random texts, one file each, in deploy/secrets.
# Those that exist are kept. The folder is closed to others; the files in it are readable, because
# each container reads its own under a user of its own.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 0700 secrets
for name in postgres_password grafana_database_password influxdb_password influxdb_token \
  mosquitto_password grafana_password metrics_token; do
  [ -s "secrets/$name" ] && continue
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"secrets/$name"
  chmod 0444 "secrets/$name"
  echo "made deploy/secrets/$name"
done
