"""The toolbox: names and aliases, policies, bounds, faults; it never raises."""

from sidecar.core.errors import Refused
from sidecar.core.tool import Caller, ToolResult
from sidecar.tools.box import MORE, MOST_TEXT, WorkspaceToolBox
from sidecar.tools.define import Input, Nothing, define
from tests.tools.conftest import Call


class Size(Input):
    n: int = 1


async def long(given: Size, caller: Caller) -> ToolResult:
    """Say much."""
    return ToolResult(text="".join(f"{number:09d}\n" for number in range(given.n)))


async def broken(given: Nothing, caller: Caller) -> ToolResult:
    """Break."""
    raise ZeroDivisionError


async def plain(given: Nothing, caller: Caller) -> ToolResult:
    """A value."""
    return ToolResult(value={"a": 1})


def filled(**more: object) -> WorkspaceToolBox:
    box = WorkspaceToolBox(aliases={"old_long": "long", "lang": "long"}, **more)  # type: ignore[arg-type]
    box.put("test", [define("long", "read", long), define("broken", "run", broken), define("plain", "write", plain)])
    return box


async def test_aliases_are_resolved_before_the_policy() -> None:
    box = filled(disallowed_tools=("lo*",))
    for name in ("long", "LONG", "old_long", "Old_Long", "lang"):
        result = await box.call(name, {}, Caller())
        assert result.error
        assert "POLICY_DISALLOWED_TOOLS" in result.text
        assert box.find(name) is not None
    assert [spec.name for spec in box.specs()] == [MORE, "broken", "plain"]


async def test_a_tool_is_switched_off_by_any_of_its_names() -> None:
    box = filled(disallowed_tools=("Old_Long",))
    assert (await box.call("long", {}, Caller())).error
    assert not (await box.call("plain", {}, Caller())).error


async def test_a_check_sees_the_tools_own_name_and_may_refuse() -> None:
    box = filled()
    seen = []

    async def check(spec, arguments, caller) -> None:
        seen.append((spec.name, spec.effect))
        if spec.effect == "write":
            raise Refused("Not while the moon is full.")

    end = box.guard(check)
    assert not (await box.call("lang", {}, Caller())).error
    assert (await box.call("plain", {}, Caller())).text == "Not while the moon is full."
    assert seen == [("long", "read"), ("plain", "write")]
    end()
    assert (await box.call("plain", {}, Caller())).text == '{"a":1}'


async def test_a_long_result_comes_in_pieces() -> None:
    box = filled()
    first = await box.call("long", {"n": 10_000}, Caller())
    whole = first.text[:MOST_TEXT]
    assert first.next in first.text
    piece = first
    while piece.next:
        piece = await box.call(MORE, {"next": piece.next}, Caller())
        assert len(piece.text) < MOST_TEXT + 200
        whole += piece.text[:MOST_TEXT]
    assert whole == "".join(f"{number:09d}\n" for number in range(10_000))
    assert (await box.call(MORE, {"next": first.next}, Caller())).error


async def test_what_is_kept_for_later_is_bounded() -> None:
    box = filled()
    tickets = [(await box.call("long", {"n": 5_000}, Caller())).next for _ in range(40)]
    known = [not (await box.call(MORE, {"next": ticket}, Caller())).error for ticket in tickets]
    assert known[-1]
    assert not known[0]


async def test_it_never_raises() -> None:
    box = filled()
    assert "ZeroDivisionError" in (await box.call("broken", {}, Caller())).text
    assert "There is no tool" in (await box.call("nothing", {}, Caller())).text
    assert "It takes: `n`" in (await box.call("long", {"n": "x", "m": 2}, Caller())).text


async def test_listeners_hear_of_changes() -> None:
    box = filled()
    heard = []
    end = box.subscribe(lambda: heard.append(len(box.specs())))
    box.put("test", [])
    end()
    box.put("more", [define("plain", "read", plain)])
    assert heard == [1]


async def test_private_keys_never_leave(call: Call, box: WorkspaceToolBox) -> None:
    async def leak(given: Nothing, caller: Caller) -> ToolResult:
        """Leak."""
        return ToolResult(text="x -----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- y")

    box.put("leak", [define("leak", "read", leak)])
    assert (await call("leak")).text == "x [private key left out] y"
