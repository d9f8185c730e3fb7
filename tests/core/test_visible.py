"""Text that does nothing to a terminal."""

import json

from sidecar.core.visible import visible, visible_json


def test_what_moves_a_terminal_is_written_out() -> None:
    assert (
        visible("a\x1b]0;t\x07\x1b[2J\x9b\u202e\x08\r\ufeff\ti\n")
        == r"a\x1b]0;t\x07\x1b[2J\x9b\u202e\x08\r\ufeff" + "\ti\n"
    )
    assert visible("\x1b[31mred\x1b[0m é") == "\x1b[31mred\x1b[0m é"
    assert visible("plain") == "plain"


def test_json_keeps_its_meaning() -> None:
    told = visible_json(json.dumps({"name": "a\x9b\u202e\u2028é"}, ensure_ascii=False))
    assert told == r'{"name": "a\u009b\u202e\u2028é"}'
    assert json.loads(told) == {"name": "a\x9b\u202e\u2028é"}
