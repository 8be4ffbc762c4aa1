#!/bin/sh
# Makes the password file from the secret and starts the broker. Devices are added by
#   docker compose exec mosquitto mosquitto_passwd /mosquitto/data/passwords DEVICE
set -eu
data="${MOSQUITTO_DATA:-/mosquitto/data}"
secret="${MOSQUITTO_SECRET:-/run/secrets/mosquitto_password}"
umask 0077
touch "$data/passwords"
grep -v '^sluice:' "$data/passwords" >"$data/passwords.devices" || true
printf 'sluice:%s\n' "$(cat "$secret")" >"$data/passwords.sluice"
# Hashes what is plain in the file.
mosquitto_passwd -U "$data/passwords.sluice"
cat "$data/passwords.devices" "$data/passwords.sluice" >"$data/passwords"
rm "$data/passwords.devices" "$data/passwords.sluice"
# The image starts as root and the broker drops to its own user.
if [ "$(id -u)" = 0 ]; then chown -R mosquitto "$data"; fi
exec mosquitto -c "${MOSQUITTO_CONF:-/mosquitto/config/mosquitto.conf}"
