#!/usr/bin/env bash
# Finds a Redis or Valkey server for the tests, or installs one; prints the program's path. No service is started:
# Debian's package of the tools holds the server itself under another name.
set -euo pipefail
find_server() { command -v redis-server || command -v valkey-server || command -v redis-check-rdb || command -v valkey-check-rdb; }
find_server && exit 0
command -v apt-get >/dev/null || { echo "please install a Redis or Valkey server, then try again" >&2; exit 1; }
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
install() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends redis-tools >&2; }
install || { $sudo apt-get update >&2 && install; }
find_server
