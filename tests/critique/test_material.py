"""What a model is shown: numbers, context, order of risk, parts; what it is not shown, and that it is told."""

from __future__ import annotations

import random

import pytest

from sidecar.core.critique import Limits
from sidecar.critique.material import CONTEXT, LONGEST, prepare, shown_part
from tests.critique.making import change, file, scored

LINES = [f"line {n}" for n in range(1, 101)]
LIMITS = Limits()


def test_rows_carry_numbers_of_the_new_side_signs_and_context():
    text = [*LINES[:49], "new one", "new two", *LINES[50:]]
    made = change(file("a.py", (50, ["line 50"], ["new one", "new two"])))
    material = prepare(made, scored(("a.py", 50, 51, 0.3)), {"a.py": text}, LIMITS)
    shown = shown_part(material.parts[0]).splitlines()
    assert shown[:2] == ["### a.py (modified)", "@@ 50-51, risk 0.30"]
    assert shown[2] == "    44   line 44"
    assert shown[7:11] == ["    49   line 49", "       - line 50", "    50 + new one", "    51 + new two"]
    assert shown[-1] == "    57   line 56"
    assert len(shown) == 2 + 3 + 2 * CONTEXT
    assert material.unread == ()


@pytest.mark.parametrize(
    ("hunk", "text", "wanted"),
    [
        ((1, [], ["a", "b"]), ["a", "b"], ["     1 + a", "     2 + b"]),
        ((1, ["gone"], []), ["left"], ["       - gone", "     1   left"]),
        ((2, ["gone"], []), ["left"], ["     1   left", "       - gone"]),
        ((1, ["x"], ["y"]), None, ["       - x", "     1 + y"]),
    ],
    ids=["a new file", "the first line is gone", "the last line is gone", "without its text"],
)
def test_edges(hunk, text, wanted):
    material = prepare(change(file("a", hunk)), scored(), {"a": text} if text else {}, LIMITS)
    assert shown_part(material.parts[0]).splitlines()[2:] == wanted


def test_neighbours_share_their_context():
    text = [*LINES[:9], "x", *LINES[10:14], "y", *LINES[15:]]
    made = change(file("a.py", (10, ["line 10"], ["x"]), (15, ["line 15"], ["y"])))
    (piece,) = prepare(made, scored(("a.py", 10, 10, 0.1), ("a.py", 15, 15, 0.2)), {"a.py": text}, LIMITS).parts[0]
    assert piece.score == 0.2
    assert [row.line for row in piece.rows if row.sign != "-"] == list(range(4, 22))


def test_every_new_row_is_what_the_file_holds_whatever_the_hunks():
    rng = random.Random(7)
    for _ in range(200):
        old = [f"old {n}" for n in range(rng.randint(0, 60))]
        new, hunks, at = [], [], 0
        while at < len(old):
            kept = rng.randint(1, 15)
            new += old[at : at + kept]
            at += kept
            gone = min(rng.randint(0, 3), len(old) - at)
            added = [f"new {rng.random()}" for _ in range(rng.randint(0, 3))]
            if at <= len(old) and (gone or added):
                hunks.append((len(new) + 1, old[at : at + gone], added))
                new += added
                at += gone
        if not hunks:
            continue
        material = prepare(change(file("a", *hunks)), scored(), {"a": new}, LIMITS)
        rows = material.rows["a"]
        assert all(new[row.line - 1] == row.text for row in rows if row.sign != "-")
        assert sorted(row.text for row in rows if row.sign == "+") == sorted(line for hunk in hunks for line in hunk[2])
        assert sorted(row.text for row in rows if row.sign == "-") == sorted(line for hunk in hunks for line in hunk[1])
        assert len({row.line for row in rows if row.sign != "-"}) == len([row for row in rows if row.sign != "-"])


def test_the_riskiest_come_first_and_parts_hold_all():
    files = [file(f"f{n:03}.py", (1, [], [f"x = {n}  # {'y' * 400}"])) for n in range(300)]
    risks = [(f"f{n:03}.py", 1, 1, (n * 7919 % 300) / 300) for n in range(300)]
    material = prepare(change(*files), scored(*risks), {}, Limits(part_tokens=10_000))
    assert len(material.parts) > 2
    scores = [piece.score for part in material.parts for piece in part]
    assert len(scores) == 300
    assert scores == sorted(scores, reverse=True)
    assert all(sum(piece.size for piece in part) <= 30_000 for part in material.parts)
    assert material.unread == ()


def test_what_is_over_the_limit_is_named_with_its_lines():
    files = [file(f"f{n}.py", (1, [], ["x" * 300] * 10)) for n in range(20)]
    material = prepare(change(*files), scored(("f7.py", 1, 10, 0.9)), {}, Limits(tokens=3_000, part_tokens=2_000))
    assert material.parts[0][0].file.path == "f7.py"
    shown = {piece.file.path for part in material.parts for piece in part}
    assert shown | {each.place.split(":")[0] for each in material.unread} == {f.path for f in files}
    assert len(material.unread) == 20 - len(shown) > 0
    assert material.unread[0].place.endswith(":1-10")
    assert "over the limit of 3,000 tokens" in material.unread[0].why


def test_a_hunk_larger_than_a_part_is_cut_into_several_and_nothing_is_lost():
    added = [f"line {n} {'z' * 80}" for n in range(2_000)]
    made = change(file("big.py", (1, [], added)))
    material = prepare(made, scored(("big.py", 1, 2000, 0.4)), {"big.py": added}, Limits(part_tokens=10_000))
    assert [row.text for part in material.parts for piece in part for row in piece.rows] == added
    assert len(material.parts) > 3


def test_a_line_without_end_is_shortened_and_said_so():
    material = prepare(change(file("min.js", (1, [], ["a" * 5_000]))), scored(), {}, LIMITS)
    (row,) = material.rows["min.js"]
    assert row.text.startswith("a" * LONGEST + " … [4,400 more characters")
    assert "min.js:1" in material.notes[0]


def test_files_without_lines_are_named():
    files = [
        file("logo.png", status="added", binary=True, reason="binary"),
        file("moved.py", status="renamed", old_path="old.py", reason="renamed only"),
        file("big.csv", reason="too large"),
        file("config/.env", (1, [], ["TOKEN=abcdef123456"])),
        file("a.py", (1, [], ["x = 1"])),
    ]
    material = prepare(change(*files), scored(), {}, LIMITS)
    assert [(each.place, each.why) for each in material.unread] == [
        ("logo.png", "binary"),
        ("moved.py", "renamed only"),
        ("big.csv", "too large"),
        ("config/.env", "looks like a place of keys or passwords"),
    ]
    assert "abcdef" not in shown_part(material.parts[0])


SECRETS = [
    ("a.py", 'API_KEY = "sk-ant-REDACTED"', False),
    ("a.py", 'password = "correct horse"', True),  # a literal with blanks is no key
    ("a.py", 'db_password="hunter2hunter2"', False),
    ("a.py", "token = read_token(path)", True),
    ("a.py", 'url = "https://me:hunter2@example.org/x"', False),
    ("a.py", "aws = AKIAIOSFODNN7EXAMPLE", False),
    ("a.yml", "password: hunter22", False),
    ("a.py", "pay(" + "'sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc')", False),
    ("a.py", "ours = given-by-the-settings", False),
]


@pytest.mark.parametrize(("path", "line", "kept"), SECRETS, ids=[line for _, line, _ in SECRETS])
def test_values_that_look_like_keys_are_masked(path, line, kept):
    material = prepare(change(file(path, (1, [], [line, "x = 1"]))), scored(), {}, LIMITS, ["given-by-the-settings"])
    first, second = material.rows[path]
    assert (first.text == line) is kept
    assert second.text == "x = 1"
    assert bool(material.notes) is not kept


def test_a_private_key_is_left_out_line_by_line():
    key = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA", "xyz", "-----END RSA PRIVATE KEY-----", "after = 1"]
    rows = prepare(change(file("a.py", (1, [], key))), scored(), {}, LIMITS).rows["a.py"]
    assert [row.text for row in rows] == ["[private key left out]"] * 4 + ["after = 1"]
