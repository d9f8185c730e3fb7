"""Words: a probability as cases, reasons in order, and text that Markdown shows as it is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.review import Finding, HunkRisk, Reason, RiskReport
from sidecar.review.words import (
    beside,
    cases,
    code,
    comment,
    defuse,
    escape,
    evidence,
    found,
    head,
    raising,
    reasons,
    title,
    whole,
)  # fmt: skip

REPORT = RiskReport(
    0.314,
    "high",
    -1.5,
    "m@1",
    reasons=(
        Reason("small", 1, 0.1, "a small thing"),
        Reason("silent", 1, 0.9, ""),
        Reason("good", 1, -0.8, "the author knows it"),
        Reason("large", 1, 0.5, "a large thing"),
    ),
)


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (0.0, "fewer than 1 of 100"),
        (0.0049, "fewer than 1 of 100"),
        (0.01, "about 1 of 100"),
        (0.314, "about 31 of 100"),
        (0.994, "about 99 of 100"),
        (0.999, "more than 99 of 100"),
    ],
)
def test_a_probability_in_words(score, said):
    assert cases(score) == said


def test_a_comment_says_severity_meaning_and_reasons():
    hunk = HunkRisk("a.py", 1, 2, 0.2, reasons=(Reason("here", 1, 0.05, "this place"),))
    assert comment(hunk, REPORT, "high") == (
        "**High risk.** this place\n\n- a large thing\n- a small thing\n\n"
        "Changes like this one were repaired later in about 31 of 100 cases; for these lines alone it is about 20 of 100."
    )
    assert comment(HunkRisk("a.py", 1, 2, 0.31), RiskReport(0.31, "high", 0.0, "m"), "high") == (
        "**High risk.** Changes like this one were repaired later in about 31 of 100 cases."
    )


def test_a_comment_without_reasons_is_one_sentence():
    body = comment(HunkRisk("a.py", 1, 2, 0.5), RiskReport(0.5, "critical", 0, "m"), "medium")
    assert body == "**Some risk.** Changes like this one were repaired later in about 50 of 100 cases."


def test_no_more_than_three_reasons_each_once():
    many = [Reason(str(n), 1, 1 - n / 10, f"reason {n // 2}") for n in range(10)]
    assert reasons(many) == ["- reason 0", "- reason 1", "- reason 2"]


def test_only_what_raises_a_score_and_has_words_strongest_first():
    assert [reason.feature for reason in raising(REPORT.reasons)] == ["large", "small"]


def test_titles():
    assert [title(band) for band in ("low", "medium", "high", "critical")] == [
        "Low risk",
        "Some risk",
        "High risk",
        "Very high risk",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, 3.14 (yes) and my_long_name!", "plain words, 3.14 (yes) and my_long_name!"),
        ("[click](command:evil)", r"\[click\](command\:evil)"),
        ("![x](http://e/p.png)", r"!\[x\](http\://e/p.png)"),
        ("<img src=x>", r"\<img src=x>"),
        ("a *b* _c_ `d` ~~e~~", r"a \*b\* \_c\_ \`d\` \~\~e\~\~"),
        ("see www.evil.example", r"see www\.evil.example"),
        ("# head", r"\# head"),
        ("- item", r"\- item"),
        ("12. item", r"12\. item"),
        ("> quote", r"\> quote"),
        ("&lt; a & b", r"\&lt; a & b"),
        ("back\\slash", r"back\\slash"),
        ("a\nb", "a(U+000A)b"),
        ("evil\u202egnp.exe", "evil(U+202E)gnp.exe"),
        ("zero\u200bwidth\x1b[31m", r"zero(U+200B)width(U+001B)\[31m"),
        ("\udcff.py", "(U+DCFF).py"),
    ],
)
def test_text_is_shown_as_it_is(text, shown):
    assert escape(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.py", "`a.py`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("", "`  `"),
        ("a\nb", "`a(U+000A)b`"),
        ("x``y`", "``` x``y` ```"),
    ],
)
def test_text_as_code(text, shown):
    assert code(text) == shown


@given(st.text())
def test_whatever_the_text_it_stays_on_one_line_and_can_be_sent(text):
    for shown in (escape(text), code(text)):
        assert "\n" not in shown
        assert "\r" not in shown
        shown.encode()


def found_here(rule: str, what: str, *, hazard: bool = True) -> Finding:
    return Finding(rule, "a.py", 3, 3, "danger", f"a {rule}", what, "It matters.", "Do *that*.", hazard)


def test_a_finding_says_what_why_and_what_to_do():
    assert found([found_here("secret", "This line holds a_token.")]) == (
        "**Hazard: a secret.** This line holds a_token.\n\nIt matters. Do \\*that\\*."
    )
    assert head(found_here("copy", "x", hazard=False)) == "Worth a look: a copy"


def test_commands_in_a_remedy_are_code_and_all_else_is_text():
    one = replace(found_here("force", "x"), remedy='Use `git push --force-with-lease` or `"${NAME:?}/…"`, *or* a_b.')
    other = replace(one, rule="other", what="Another.")
    shown = 'Use `git push --force-with-lease` or `"${NAME:?}/…"`, \\*or\\* a_b.'
    assert found([one, other]) == (
        f"**Hazard: a force.** x\n\nIt matters. {shown}\n\n- Hazard: a force. Another. {shown}"
    )
    assert beside([one]) == [f"Hazard: a force. {shown}"]
    assert whole(one) == f"**Hazard: a force.** x It matters. {shown}"


def test_a_name_with_signs_around_it_shows_just_so():
    assert escape("__init__ and my_name, _x_") == "\\_\\_init\\_\\_ and my_name, \\_x\\_"


def test_findings_of_one_place_are_told_in_one_comment_three_at_most():
    several = [found_here("secret", f"This is {n}.") for n in range(5)]
    text = found([*several, several[1]], "Changes like this one were repaired later.")
    assert text.count("Hazard: a secret") == 3
    assert "- Hazard: a secret. This is 1. Do" in text
    assert text.endswith("\n\nChanges like this one were repaired later.")


HARMLESS = [
    ("a link", "see [x](https://e)", "see [x]\\(https://e)"),
    ("an image", "![x](https://e)", "!\\[x]\\(https://e)"),
    ("by reference", "[x][y]\n[y]: https://e", "[x]\\[y]\n[y]\\: https://e"),
    ("HTML", "<img src=x> a < b <!-- -->", "&lt;img src=x> a < b &lt;!-- -->"),
    ("escaped by itself", "\\<img> \\[x](y)", "\\&lt;img> \\[x]\\(y)"),
    ("code on a line", "`a[0](b)` and ``c ` [d](e)``", "`a[0](b)` and ``c ` [d](e)``"),
    ("a mark without a partner", "`a [x](y)\n`b [x](y)", "&#96;a [x]\\(y)\n&#96;b [x]\\(y)"),
    ("an escaped mark", "\\``[x](y)`", "\\&#96;&#96;[x]\\(y)&#96;"),
    ("a table", "| `a | [x](y) ` |", "| &#96;a | [x]\\(y) &#96; |"),
    ("a fence", "```py\na[0](b)\n```\n[x](y)", "```py\na[0](b)\n```\n[x]\\(y)"),
    ("a fence that ends indented", "```\na\n   ```\n[x](y)", "```\na\n   ```\n[x]\\(y)"),
    ("a fence without end", "~~~\n[x](y)", "~~~\n[x](y)\n~~~"),
    ("a fence in a list", "- a\n  ```\n[x](y)", "- a\n  &#96;&#96;&#96;\n[x]\\(y)"),
    ("waves in a list", "- ~~~\n[x](y)", "- &#126;~~\n[x]\\(y)"),
    ("what cannot be seen", "a\u202eb\x1b[31m\tc", "a(U+202E)b(U+001B)[31m    c"),
]


@pytest.mark.parametrize(("given", "wanted"), [row[1:] for row in HARMLESS], ids=[row[0] for row in HARMLESS])
def test_a_models_markdown_leads_nowhere(given, wanted):
    assert defuse(given) == wanted


def test_the_commits_that_reasons_name_are_evidence():
    here = Reason(
        "nfix", 3, 0.5, "Lines repaired by a1b2c3d and 99887f7; not deadbeef.py, 1234567, abcdefg or x/0a0a0a0/."
    )
    again = Reason("exp", 3, 0.2, "Also a1b2c3d, and 0f0f0f0.")
    report = RiskReport(0.4, "high", -1.0, "m@1", reasons=(again, Reason("low", 1, -0.5, "Lowered by fffff00.")))
    told = evidence(HunkRisk("a.py", 1, 2, 0.4, (), (here,)), report)
    assert [(each.kind, each.target) for each in told] == [
        ("commit", "a1b2c3d"),
        ("commit", "99887f7"),
        ("commit", "0f0f0f0"),
    ]


def test_what_a_file_is_known_for_is_evidence_even_where_three_other_reasons_are_shown():
    more = [Reason(f"r{n}", 1, 1.0 - n / 10, f"Reason {n}.") for n in range(4)]
    files = [
        Reason("nfix", 9, 0.1, f"{path} was repaired 9 times before (newest: {id_}).")
        for path, id_ in (("a.py", "a1a1a1a"), ("b.py", "b2b2b2b"))
    ]
    report = RiskReport(0.4, "high", -1.0, "m@1", reasons=(*more, *files))
    assert [each.target for each in evidence(HunkRisk("a.py", 1, 2, 0.4), report)] == ["a1a1a1a"]
