"""The block for CLAUDE.md: what it says, that it stays the same, that it is small, and that nothing else is touched."""

from __future__ import annotations

import contextlib
import os
import sys

import pytest

from sidecar.briefing.summary import BEGIN, END, FILE, MOST_BYTES, summarize, write
from sidecar.core.errors import Conflict, Refused, StoreError
from sidecar.store.symbols import SymbolReader
from tests.index.trees import build_index, write_tree

FILES = {
    "README.md": "# Shop\n\n[![badge](x)](y)\n\nA shop that sells carts to people who need one.\nIt is small.\n\nMore text that is not the first.\n",
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["flask>=3"]\nscripts = { shop = "shop.cli:main" }\n[tool.ruff]\n[dependency-groups]\ndev = ["pytest>=8"]\n',
    "Makefile": "test: ## every test\n\tpytest\nlint:\n\truff check\nsecret-thing:\n",
    ".editorconfig": "[*]\nindent_style = space\nindent_size = 4\n",
    "shop/__init__.py": '"""Carts and what is in them."""\n',
    "shop/base.py": '"""What all others need."""\nclass Base: pass\n',
    "shop/cart.py": "from .base import Base\nclass Cart(Base): pass\n",
    "shop/cli.py": "from shop.base import Base\nfrom shop import cart\ndef main(): pass\n",
    "tests/test_cart.py": "from shop.cart import Cart\n",
}
OWN = "# My project\r\n\r\nAlways say please.\n\n"


def block(root, state):
    with contextlib.closing(SymbolReader(build_index(root, state))) as reader:
        return summarize(reader, root)


@pytest.fixture
def root(tmp_path):
    return write_tree(tmp_path / "work", FILES)


@pytest.mark.parametrize(
    ("files", "lines", "never"),
    [
        (
            {
                "Readme.adoc": "= Wire\n:toc-placement: preamble\nimage:badge.svg[]\n\n[source,c]\n----\nint main(void) { return send(one, two, three); }\n----\n\nWire sends what others want to have sent.\n",
                "CMakeLists.txt": "",
                ".clang-format": "",
                "db/env.h": "// Copyright (c) 2011 Them. All rights reserved.\n// found in the LICENSE file. See the AUTHORS\n\n// What the system gives.\nint a;\n",
                "db/a.c": '#include "env.h"\n',
                "db/a_test.c": '#include "env.h"\n',
                "db/b_test.c": '#include "env.h"\n',
            },
            [
                "Wire sends what others want to have sent.",
                "- `cmake -B build && cmake --build build`: CMakeLists.txt",
                "- Checks: clang-format",
                "- `db/env.h`: What the system gives.",
                "- Tests lie in `db/`, named like `*_test.c`.",
            ],
            ["toc-placement", "int main", "AUTHORS"],
        ),
        (
            {
                "Cargo.toml": '[package]\nname = "a"\n[[bin]]\nname = "run"\npath = "src/main.rs"\n',
                "src/main.rs": "mod util;\nfn main() {}\n",
                "src/util.rs": "pub fn a() {}\n",
                "examples/web/requirements.txt": "celery\n",
            },
            ["- `run` → `src/main.rs`", "- `cargo test`: Cargo.toml"],
            ["- `src/main.rs`\n", "Celery"],
        ),
        (
            {
                "composer.json": '{"scripts": {"test": "phpunit"}}',
                "lib/a.rb": "# frozen_string_literal: true\n\n# Says hello.\nX = 1\n",
                "lib/b.rb": "require_relative 'a'\n",
                "tests/ATest.php": "<?php\n",
                "tests/BTest.php": "<?php\n",
            },
            [
                "- `composer test`: phpunit",
                "- `lib/a.rb`: Says hello.",
                "- Tests lie in `tests/`, named like `*Test.php`.",
            ],
            ["frozen"],
        ),
    ],
)
def test_it_is_right_about_projects_of_other_languages(tmp_path, files, lines, never):
    text = block(write_tree(tmp_path / "work", files), tmp_path / "state")
    assert [line for line in lines if line not in text] == []
    assert [words for words in never if words in text] == []


def test_it_says_what_a_newcomer_needs(root, tmp_path):
    text = block(root, tmp_path / "state")
    assert text.startswith(BEGIN)
    assert text.endswith(END)
    for line in [
        "A shop that sells carts to people who need one. It is small.",
        "- `shop/`: Carts and what is in them.",
        "python 100 %",
        "Flask",
        "- `shop` → `shop.cli:main`",
        "- `make test`: every test",
        "- `make lint`",
        "- Tests: pytest",
        "- Checks: EditorConfig, ruff",
        "- `shop/base.py`: What all others need.",
        "- Tests lie in `tests/`, named like `test_*`.",
        "indent size 4, indent style space",
    ]:
        assert line in text
    assert "secret-thing" not in text
    assert "badge" not in text


def test_it_is_the_same_for_the_same_project_and_for_edits_that_change_nothing_it_says(root, tmp_path):
    before = block(root, tmp_path / "one")
    assert block(root, tmp_path / "two") == before
    write_tree(root, {"shop/cart.py": FILES["shop/cart.py"] + "# a comment\n"})
    assert block(root, tmp_path / "three") == before


def test_it_stays_below_its_limit(tmp_path):
    many = {f"folder_{n:03}/__init__.py": f'"""{"long words " * 20}"""\n' for n in range(120)}
    targets = "".join(f"test-{n}: ## {'every word ' * 10}\n" for n in range(90))
    root = write_tree(tmp_path / "work", {**FILES, **many, "Makefile": targets})
    text = block(root, tmp_path / "state")
    assert len(text.encode()) <= MOST_BYTES
    assert "A shop that sells" in text


def test_an_empty_folder_has_an_empty_block(tmp_path):
    (tmp_path / "work").mkdir()
    assert block(tmp_path / "work", tmp_path / "state").startswith(BEGIN)


def test_the_users_own_words_stay_byte_for_byte(tmp_path):
    place = tmp_path / FILE
    place.write_bytes(OWN.encode())
    place.chmod(0o640)
    assert write(tmp_path, f"{BEGIN}\none\n{END}")
    assert place.read_bytes().decode() == f"{OWN}{BEGIN}\none\n{END}\n"
    place.write_bytes(place.read_bytes() + b"\nAfter it.\r\n")
    assert write(tmp_path, f"{BEGIN}\ntwo \\1 \\g<0>\n{END}")
    assert place.read_bytes().decode() == f"{OWN}{BEGIN}\ntwo \\1 \\g<0>\n{END}\n\nAfter it.\r\n"
    assert not write(tmp_path, f"{BEGIN}\ntwo \\1 \\g<0>\n{END}")
    if sys.platform != "win32":
        assert place.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.skipif(sys.platform == "win32", reason="such names and files are none there")
def test_what_files_say_of_themselves_cannot_break_the_block(tmp_path):
    """Nor can a README that is a pipe hold it up, or one that leads out of the project bring in what lies there."""
    (tmp_path / "secret").write_text("A secret that somebody else keeps outside of the project.")
    files = {
        "a\n# b.py": '"""Ends <!-- sidecar:end --> here."""\nx = 1\n',
        "use.py": "import c\n",
        "c.py": '"""<!-- sidecar:begin"""\n',
    }
    root = write_tree(tmp_path / "work", files)
    os.mkfifo(root / "README.md")
    (root / "README.rst").symlink_to(tmp_path / "secret")
    (root / "README.txt").symlink_to("README.txt")
    write_tree(root, {"docs/readme": "What it is for, in the words of the project itself."})
    (root / "README").symlink_to("docs/readme")
    os.mkfifo(root / ".editorconfig")
    with contextlib.closing(SymbolReader(build_index(root, tmp_path / "state"))) as reader:
        text = summarize(reader, root)
    assert (text.count("<!-- sidecar:begin"), text.count(END)) == (1, 1)
    assert "`c.py`: <! -- sidecar:begin" in text
    assert "secret" not in text
    assert "in the words of the project itself" in text
    assert [write(root, text), write(root, text)] == [True, False]


def test_it_is_written_only_when_asked_or_when_it_is_there(tmp_path):
    text = f"{BEGIN}\none\n{END}"
    assert not write(tmp_path, text, only_existing=True)
    assert not (tmp_path / FILE).exists()
    (tmp_path / FILE).write_bytes(OWN.encode())
    assert not write(tmp_path, text, only_existing=True)
    assert (tmp_path / FILE).read_bytes() == OWN.encode()
    assert write(tmp_path, text)
    assert write(tmp_path, text.replace("one", "two"), only_existing=True)


@pytest.mark.parametrize("marks", [BEGIN, END, f"{BEGIN}{END}{BEGIN}{END}", f"{END}{BEGIN}"])
def test_marks_that_do_not_fit_are_left_for_the_user(tmp_path, marks):
    (tmp_path / FILE).write_text(f"x\n{marks}\ny\n")
    with pytest.raises(Conflict, match="marks"):
        write(tmp_path, f"{BEGIN}\none\n{END}")
    assert (tmp_path / FILE).read_text() == f"x\n{marks}\ny\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_link_is_never_followed(tmp_path):
    (tmp_path / "outside.md").write_text("precious")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / FILE).symlink_to(tmp_path / "outside.md")
    with pytest.raises(Refused, match="link"):
        write(tmp_path / "work", f"{BEGIN}\none\n{END}")
    assert (tmp_path / "outside.md").read_text() == "precious"


def test_a_file_that_is_no_text_is_left_as_it_is(tmp_path):
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StoreError, match="left as it is"):
        write(tmp_path, f"{BEGIN}\none\n{END}")
    assert (tmp_path / FILE).read_bytes() == b"\xff\xfe\x00"
