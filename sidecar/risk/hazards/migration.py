"""Changes of a database that destroy what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.seen import Hit, New, Rule, Seen

_SQL = re.compile(
    r"\bDROP\s+(?P<drop>TABLE|COLUMN|DATABASE|SCHEMA)\s+(?:IF\s+EXISTS\s+)?(?P<name>[\w.\"`\[\]]+)|\bTRUNCATE\s+(?:TABLE\s+)?(?P<cut>(?!ON\b|FROM\b)[\w.\"`]+)\s*(?:;|$|CASCADE|[\"'])"
    r"|\bDELETE\s+FROM\s+(?P<all>[\w.\"`]+)\s*(?:;|[\"'`]|$)",
    re.IGNORECASE,
)
_CALLS = re.compile(
    r"\bop\.(?:drop_table|drop_column)\(|\bmigrations\.(?:DeleteModel|RemoveField)\(|(?:\b|\.)(?:dropTable|dropColumn|dropColumns|removeColumn|dropSchema|dropDatabase)\("
    r"|^\s*(?:drop_table|remove_column|remove_columns)[\s(:]|Schema::drop(?:IfExists)?\(|\$table->dropColumn\("
)
_PLACE = re.compile(
    r"(?:^|/)(?:migrations?|migrate|alembic|versions|db|sql|schema|flyway|liquibase|changelogs?)(?:/|$)", re.IGNORECASE
)
_BACK = re.compile(
    r"\bdef\s+(?:downgrade|down|backwards?|reverse)\b|\b(?:exports\.down|async\s+down|function\s+down|down\s*[:=(])|--\s*\+?\s*(?:goose|migrate)?\s*:?\s*down\b"
    r"|--\s*\+migrate\s+Down|\brollback\b.*:|--//@UNDO|^\s*--\s*rollback\b",
    re.IGNORECASE,
)
_FORTH = re.compile(
    r"\bdef\s+(?:upgrade|up|change|forwards?)\b|\b(?:exports\.up|async\s+up|function\s+up|up\s*[:=(])|--\s*\+?\s*(?:goose|migrate)?\s*:?\s*up\b",
    re.IGNORECASE,
)
_BACK_FILE = re.compile(r"(?:\.|_|-|/)(?:down|rollback|undo|revert|teardown|drop)\b[^/]*$", re.IGNORECASE)
_ROUGH = re.compile(
    r"(?:^|[._\"`])(?:tmp|temp|_?old|backup|bak|new)(?:_|\b)|_(?:tmp|temp|old|bak|new)\b", re.IGNORECASE
)


def find(file: Seen) -> Iterator[Hit]:
    """Steps forward that drop tables, columns or all rows; what takes a step back may, and so may a table that is rebuilt."""
    sql = file.extension in {".sql", ".ddl"}
    if not file.product or _BACK_FILE.search(file.path) or not (sql or (file.code and _PLACE.search(file.path))):
        return
    text = file.lower
    back = False
    fresh = {line.number for line in file.lines}
    for line in file.whole:
        if _FORTH.search(line.text):
            back = False
        elif _BACK.search(line.text):
            back = True
        if not back and line.number in fresh and not line.text.lstrip().startswith(("--", "#", "//", "*")):
            yield from _judge(line, text)


def _judge(line: New, text: str) -> Iterator[Hit]:
    match = _SQL.search(line.text)
    if match is None:
        if _CALLS.search(line.text):
            yield Hit(line.number, line.number, "This line takes a table or a column away, with all that is in it.")
        return
    name = match["name"] or match["cut"] or match["all"]
    bare = name.strip('"`[]').lower()
    rebuilt = (
        f"create table {bare}" in text
        or f"create table if not exists {bare}" in text
        or re.search(rf"rename to [\"`]?{re.escape(bare)}\b", text)
    )
    if _ROUGH.search(name) or (match["drop"] and rebuilt):
        return
    what = f"drops the {match['drop'].lower()} {bare}" if match["drop"] else f"deletes every row of {bare}"
    yield Hit(line.number, line.number, f"This line {what}.")


RULE = Rule(
    id="migration",
    title="a migration destroys data",
    severity="danger",
    why="What is in there is gone once this has run, and old code that still runs beside the new one fails.",
    remedy="Do it in two steps: first stop using it and ship that, then drop it with a backup at hand.",
    find=find,
    words=("drop", "truncate", "delete", "remove"),
)
