"""Real language servers without an editor, through the product's own sources: each that the rig can have."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import psutil
import pytest

from sidecar.cli.finding import first_line
from sidecar.core.symbols import Answer, Operation, Position, Query
from sidecar.index.source import IndexSource
from sidecar.languages.chain import Chain
from sidecar.languages.rows import ROWS
from sidecar.languages.servers import Servers
from tests.conftest import Rig
from tests.index.trees import build_index

pytestmark = pytest.mark.journey

FILES = {
    "ts/tsconfig.json": '{ "include": ["*.ts"] }\n',
    "ts/cart.ts": "export class Cart {\n  add(item: string): string {\n    return item;\n  }\n}\n",
    "ts/shop.ts": "import { Cart } from './cart';\n\nexport function fill(): void {\n  /* 😀 */ new Cart().add('x');\n}\n",
    "go/go.mod": "module example.org/cart\n\ngo 1.19\n",
    "go/cart.go": "package cart\n\ntype Cart struct{}\n\nfunc (c Cart) Add(s string) string { return s }\n",
    "go/shop.go": 'package cart\n\nfunc Fill() {\n\t/* 😀 */ Cart{}.Add("x")\n}\n',
    "c/compile_commands.json": "[]",
    "c/cart.h": "int add(int a);\n",
    "c/cart.c": '#include "cart.h"\n\nint add(int a) { return a; }\n\nint fill(void) { /* 😀 */ return add(1); }\n',
    "py/cart.py": "class Cart:\n    def add(self, item: str) -> str:\n        return item\n",
    "rust/Cargo.toml": '[package]\nname = "cart"\nversion = "0.1.0"\nedition = "2021"\n',
    "rust/src/lib.rs": "pub mod shop;\n\npub fn add(a: u32) -> u32 {\n    a\n}\n",
    "rust/src/shop.rs": "use crate::add;\n\npub fn fill() -> u32 {\n    /* 😀 */ let sum = add(1);\n    sum\n}\n",
    "sh/cart.sh": '#!/bin/sh\nadd() {\n  echo "$1"\n}\n',
    "sh/shop.sh": '#!/bin/sh\n. ./cart.sh\n\nfill() {\n  : "😀"; add x\n}\n',
    "php/composer.json": '{"name": "example/cart"}\n',
    "php/cart.php": "<?php\n\nclass Cart {\n    public function add(string $item): string { return $item; }\n}\n",
    "php/shop.php": '<?php\n\nfunction fill(): void {\n    /* 😀 */ (new Cart())->add("x");\n}\n',
    "py/shop.py": 'from cart import Cart\n\n\ndef fill() -> None:\n    "😀"; Cart().add("x")\n',
}
"""Small projects: `add` is defined once and called once, from `fill`, behind a character of two units."""

CASES = {
    "ts": ("typescript-language-server", ("cart.ts", 2, 3), ("shop.ts", 4, 22)),
    "go": ("gopls", ("cart.go", 5, 15), ("shop.go", 4, 17)),
    "c": ("clangd", ("cart.c", 3, 5), ("cart.c", 5, 33)),
    "py": ("basedpyright", ("cart.py", 2, 9), ("shop.py", 5, 17)),
    "pyright": ("pyright", ("cart.py", 2, 9), ("shop.py", 5, 17)),
    "sh": ("bash-language-server", ("cart.sh", 2, 1), ("shop.sh", 5, 10)),
    "php": ("intelephense", ("cart.php", 4, 21), ("shop.php", 4, 27)),
    "rust": ("rust-analyzer", ("src/lib.rs", 3, 8), ("src/shop.rs", 4, 22)),
}
CANNOT: dict[str, set[Operation]] = {"sh": {"callers"}, "php": {"callers", "rename"}}
"""What a server does not offer (intelephense: not without a licence): it says so, and the chain goes on."""


@pytest.fixture(params=CASES)
async def language(
    request: pytest.FixtureRequest,
    rig: Rig,
    clean_environment: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[str, Path, Servers]]:
    """One language's project and its server, found on the rig's PATH."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    own = Path(os.sys.executable).parent
    monkeypatch.setenv(
        "PATH", f"{rig.environment['RIG_SERVERS']}{os.pathsep}{own}{os.pathsep}{rig.environment['PATH']}"
    )
    (row,) = [row for row in ROWS if row.name == CASES[request.param][0]]
    if shutil.which(row.command[0]) is None or (row.version and not first_line(row.version)):
        pytest.skip(f"{row.name} does not start here: {row.install}")
    root = tmp_path / {"pyright": "py"}.get(request.param, request.param)
    if request.param == "c":
        command = {"directory": str(root), "file": "cart.c", "command": "cc -c cart.c"}
        (root / "compile_commands.json").write_text(f"[{command}]".replace("'", '"'))
    servers = Servers(root, trusted=True, env={**clean_environment, "PATH": os.environ["PATH"]}, rows=(row,))
    yield request.param, root, servers
    await servers.aclose()


async def ask(servers: Servers, operation: Operation, place: tuple[str, int, int], **more: str) -> Answer:
    path, line, column = place
    answer = await servers.ask(Query(operation, path, Position(line, column), deadline=60, **more))
    assert (answer.status, answer.note) == ("ready", ""), (operation, answer)
    return answer


def places(answer: Answer) -> set[tuple[str, int, int]]:
    return {(item.span.path, item.span.start.line, item.span.start.column) for item in answer.items}


async def test_a_real_server_answers_every_question(language: tuple[str, Path, Servers]) -> None:
    """Cold, at the first question, and whole: with the character that counts as two in the way."""
    name, _, servers = language
    server, defined, used = CASES[name]
    references = await ask(servers, "references", defined)
    assert references.source == f"server:{server}"
    assert {defined, used} <= places(references)
    assert defined in places(await ask(servers, "definition", used))
    assert (await ask(servers, "hover", used)).items
    for operation in CANNOT.get(name, ()):
        answer = await servers.ask(Query(operation, defined[0], Position(*defined[1:]), new_name="put", deadline=60))
        assert (answer.status, answer.note) == ("unsupported", f"{server} cannot tell this.")
    if "callers" not in CANNOT.get(name, ()):
        callers = await ask(servers, "callers", defined)
        assert [call.symbol.name.removesuffix("()") for call in callers.items] in (["fill"], ["Fill"])
        assert (used[1], used[2]) == (callers.items[0].places[0].start.line, callers.items[0].places[0].start.column)
    if "rename" not in CANNOT.get(name, ()):
        edits = await ask(servers, "rename", defined, new_name="put")
        assert {defined, used} <= places(edits)
    outline = await servers.ask(Query("document_symbols", defined[0], deadline=60))
    assert any(symbol.name.lower().endswith("add") for symbol in outline.items)


@pytest.mark.parametrize("language", ["ts"], indirect=True)
async def test_a_loading_project_is_not_answered_for_from_one_file(language: tuple[str, Path, Servers]) -> None:
    """TypeScript's syntax server would say at once that an imported name is defined where it is imported."""
    _, _, servers = language
    assert places(await ask(servers, "definition", ("shop.ts", 1, 10))) == {("cart.ts", 1, 14)}


async def test_changes_by_git_sed_and_hand_are_seen(language: tuple[str, Path, Servers]) -> None:
    """What no editor told it: a file that came, one that changed, one that went."""
    name, root, servers = language
    _, defined, used = CASES[name]
    before = places(await ask(servers, "references", defined))
    other = root / used[0]
    other.write_text("\n" + other.read_text(encoding="utf-8"), encoding="utf-8")
    moved = places(
        await ask(servers, "references", defined if used[0] != defined[0] else (defined[0], defined[1] + 1, defined[2]))
    )
    assert (used[0], used[1] + 1, used[2]) in moved
    assert used not in moved
    subprocess.run(["sed", "-i", "1d", str(other)], check=True)
    assert places(await ask(servers, "references", defined)) == before
    if name in {"c", "rust"}:
        return  # one file holds it all, or the third would have to be named in a second
    third = root / f"third{other.suffix}"
    third.write_text(
        other.read_text(encoding="utf-8").replace("fill", "again").replace("Fill", "Again"), encoding="utf-8"
    )
    assert (third.name, *used[1:]) in places(await ask(servers, "references", defined))
    third.unlink()
    assert places(await ask(servers, "references", defined)) == before


@pytest.mark.parametrize("language", ["ts", "py"], indirect=True)
async def test_places_of_which_a_server_cannot_tell_the_type_are_said(
    language: tuple[str, Path, Servers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's answer is whole by its own account; held against the index it is not."""
    monkeypatch.setattr("sidecar.languages.leftover.SECONDS", 60.0)
    name, root, servers = language
    server, (path, line, column), used = CASES[name]
    assert (await ask(servers, "references", (path, line, column))).items
    odd = {
        "odd.ts": "export function odd(x: any): void {\n  x.add('x');\n}\n",
        "odd.py": "def odd(x):\n    x.add('x')\n",
    }
    (place,) = [file for file in odd if file.endswith(f".{name}")]
    (root / place).write_text(odd[place], encoding="utf-8")
    index = IndexSource(build_index(root, tmp_path / "state"), root)
    answer = await Chain([servers, index]).ask(Query("references", path, Position(line, column), deadline=60))
    await index.aclose()
    assert (answer.source, answer.status, answer.unresolved) == (f"server:{server}", "partial", 1)
    assert used in places(answer)
    assert [(found.span.path, found.span.start.line) for found in answer.maybe] == [(place, 2)]
    assert "1 more place uses this name on something whose type is not known and may mean it." in answer.note


async def test_nothing_is_left_running(language: tuple[str, Path, Servers]) -> None:
    """Servers start helpers of their own: those end too."""
    name, _, servers = language
    await ask(servers, "definition", CASES[name][2])
    (slot,) = [slot for slot in servers._slots.values() if slot.session]
    top = psutil.Process(slot.session.child.pid)
    family = [top, *top.children(recursive=True)]
    assert len(family) >= 2
    await servers.aclose()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
