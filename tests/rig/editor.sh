#!/usr/bin/env bash
# `make editor`: finds the parts (rig, .vsix, the project's own sidecar), makes fresh folders, hands over to editor.mjs
# and removes the folders afterwards. With SIDECAR_MANAGED=1 the extension makes its own environment, as for a user.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
vsix="${SIDECAR_VSIX:-$root/vscode-extension/dist/claude-sidecar.vsix}"
sidecar="$root/.venv/bin/sidecar"
stop() { echo "editor: $*" >&2; exit 2; }

rig="$("$here/install.sh" --path)"
[ -e "$rig/rig.env" ] || stop "the rig is not installed; run: bash tests/rig/install.sh"
[ -e "$vsix" ] || stop "the extension is not packaged; run: make package"
[ -z "${SIDECAR_MANAGED:-}" ] || sidecar=
[ -z "$sidecar" ] || [ -x "$sidecar" ] || stop "sidecar is not installed here; run: make editor"
. "$rig/rig.env"

scratch="$(mktemp -d "${TMPDIR:-/tmp}/sidecar-editor.XXXXXX")"
node=
finish() {
  trap - EXIT INT TERM HUP
  [ -z "$node" ] || { kill -TERM "$node" 2>/dev/null && wait "$node" 2>/dev/null; } || true
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 0' INT TERM HUP
python3 "$here/sample.py" "$scratch/tally" >/dev/null
"$RIG_NODE_BIN" "$here/editor.mjs" "$vsix" "$scratch/tally" "$scratch" ${sidecar:+"$sidecar"} </dev/null &
node=$!
wait "$node"
