"""Files that are made to hold credentials and should not be in a repository at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.core.policy import secret as kept_away
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_KEY_FILES = (".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk")
_SETTING = re.compile(
    r"^\s*(?:export\s+)?[\w.:/-]*(?:key|secret|passw(?:or)?d|token|auth|credential)[\w-]*[\"']?\s*[:=]\s*[\"']?(?P<value>[^\s\"'#]{6,})",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"example|sample|dummy|fake|placeholder|change_?me|your|xxx|\*\*\*|<|\$\{?\w|\{\{|^(true|false|none|null)$",
    re.IGNORECASE,
)


def find(file: Seen) -> Iterator[Hit]:
    """A new file of such a name, where it is a key or gives a value to something that is called one."""
    if file.status not in {"added", "renamed", "copied"} or not file.product or not kept_away(file.path):
        return
    key_file = file.name.startswith(("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")) and not file.name.endswith(".pub")
    if file.extension in _KEY_FILES or key_file:
        text = file.lower
        if file.binary or "private key" in text or not text or key_file:
            yield Hit(1, max(1, len(file.whole)), f"{file.path} is a key or a store of keys, and the change adds it.")
        return
    for line in file.lines:
        match = _SETTING.match(line.text)
        if match and not _EMPTY.search(match["value"]):
            yield Hit(
                line.number, line.number, f"{file.path} is a file of credentials, and this line gives one a value."
            )
            return


RULE = Rule(
    id="credential-file",
    title="a file of credentials",
    severity="danger",
    why="Such files are read by programs as they are, and in a repository everybody who clones it has them.",
    remedy="Leave it out (`git rm --cached`), name it in .gitignore, commit a template without values in its place, and replace what was pushed.",
    find=find,
)
