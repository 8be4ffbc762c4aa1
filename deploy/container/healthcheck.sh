#!/bin/bash
# Healthy when the gateway's own page answers. Needs nothing but bash: the image has no HTTP client.
# A full disk or a destination that is away is no reason to restart; /readyz and the page say so.
set -euo pipefail
# The port of http.listen, where the environment sets it; a configuration file that does needs it as
# an argument.
listen="${SLUICE_HTTP__LISTEN:-:8000}"
port="${1:-${listen##*:}}"
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
IFS= read -r -t 4 status <&3
[[ "$status" == "HTTP/1.1 200"* ]]
