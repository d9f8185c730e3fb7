"""A command line taken apart: words as a shell would have them, and what is hidden in them."""

import pytest

from sidecar.core.commandline import HIDDEN, read_commands


def told(text: str) -> list[list[str]]:
    return [command.words for command in read_commands(text).commands]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("a;b&&c||d|e&f\ng", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]]),
        ("(a; { b; })", [["a"], ["{", "b"], ["}"]]),
        ("a >x 2>&1 b <y 2>&- {n}>z c &>w d >|v e", [["a", "b", "c", "d", "e"]]),
        ("a\\\nb \\\n c 'x\\\ny'", [["ab", "c", "x\\\ny"]]),
        ("a # it's\nb # \"", [["a"], ["b"]]),
        ("a#b 'c' '' \"\"", [["a#b", "c", "", ""]]),
        ("a $'\\x70\\165\\u0073h\\n' $\"b\"", [["a", "push\n", "b"]]),
        ("a${IFS}b$IFS'c'", [["a", "b", "c"]]),
        ("$x ${y} a$z 'b$c' \"d$e\"", [[HIDDEN, HIDDEN, f"a{HIDDEN}", "b$c", f"d{HIDDEN}"]]),
        ("a* b? c[de] f{g,h} HEAD@{1} i[", [["a\0", "b\0", "c\0", "f\0", "HEAD@{1}", "i["]]),
        ("a $(b 'c)' $(d)) e", [["d"], ["b", "c)", HIDDEN], ["a", HIDDEN, "e"]]),
        ('a "x $(b "c") y"', [["b", "c"], ["a", f"x {HIDDEN} y"]]),
        ("a `b \\`c\\``", [["c"], ["b", HIDDEN], ["a", HIDDEN]]),
        ("a <(b) >(c)", [["b"], ["c"], ["a", HIDDEN, HIDDEN]]),
        ("a -m \"$(cat <<'E'\nit's \"so\"\n\nE\n)\" && b", [["cat"], ["a", "-m", "it's \"so\""], ["b"]]),
        ('a -m "$(cat <<E\n$x\nE\n)"', [["cat"], ["a", "-m", HIDDEN]]),
        ("a $(case b in b) c;; (d|e) f;; esac) g", [["case", "b", "in", "b"], ["c"], ["d"], ["e"], ["f"], ["esac"], ["a", HIDDEN, "g"]]),
        ("a $(case b\nin\nb) { c; } esac) d", [["case", "b"], ["in"], ["b"], ["{", "c"], ["}", "esac"], ["a", HIDDEN, "d"]]),
        ("a $(case b in esac) c", [["case", "b", "in", "esac"], ["a", HIDDEN, "c"]]),
        ("a $(case b in +(b|c)) d;; esac) e",
         [["case", "b", "in", "+"], ["b"], ["c"], ["d"], ["esac"], ["a", HIDDEN, "e"]]),
        ("a $(case b in b) case c in (esac) d;; case) e;& f) esac;; esac) g",
         [["case", "b", "in", "b"], ["case", "c", "in"], ["esac"], ["d"], ["case"], ["e"], ["f"], ["esac"], ["esac"], ["a", HIDDEN, "g"]]),
        ("a $('case' b in) c", [["case", "b", "in"], ["a", HIDDEN, "c"]]),
        ("a $(echo case b in) c", [["echo", "case", "b", "in"], ["a", HIDDEN, "c"]]),
        ("a $(x=1 case b in) c", [["x=1", "case", "b", "in"], ["a", HIDDEN, "c"]]),
        ("a $(>x case b in) c", [["case", "b", "in"], ["a", HIDDEN, "c"]]),
        ("a) b; case c in (d) e;; esac; (f)", [["a"], ["b"], ["case", "c", "in"], ["d"], ["e"], ["esac"], ["f"]]),
        ("", []),
    ],
)  # fmt: skip
def test_words_are_what_a_shell_makes_of_them(text: str, commands: list[list[str]]) -> None:
    assert told(text) == commands


def test_what_a_command_is_fed() -> None:
    script = read_commands("bash <<E <<-'F' <<<'g h' x\na\nE\n\tb\n\tF\nc | d || e")
    assert [(one.words, one.fed, one.piped) for one in script.commands] == [
        (["bash", "x"], ["g h", "a", "\tb"], False), (["c"], [], False), (["d"], [], True), (["e"], [], False),
    ]  # fmt: skip


def test_texts_that_may_become_commands() -> None:
    assert read_commands('${x:-a b} "${y:=$(c)}"').inner == ["a b", "$(c)"]
    assert read_commands("a $(b)").nested
    assert not read_commands("a '$(b)'").nested


@pytest.mark.parametrize("text", ["'a", '"a', "`a", "$(a", "${a", "$'a", '"$(a"', "<(a", "$(" * 100 + ")" * 100])
def test_what_is_not_closed_is_no_command(text: str) -> None:
    with pytest.raises(ValueError):
        read_commands(text)
