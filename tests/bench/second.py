"""A second truth for Python: what jedi says where the type checker says nothing at all, as of the fixtures of pytest.

Asked are all places of the tree that bear a definition's name, are none of the first truth's, and for which basedpyright
has no definition, in the tree or outside. jedi is asked directly, without a line of the product; it reads the fixtures
that a test's parameters name. Where it too says nothing, or something else, the place counts as none.
"""

from __future__ import annotations

import io
import json
import tokenize
from collections import defaultdict
from collections.abc import Sequence

import jedi

from tests.bench.trees import CACHE, Named, Tree, _units
from tests.bench.truth import Spot, Truth


def second_truth(
    tree: Tree, command: list[str], references: Sequence[tuple[Named, list[Spot]]]
) -> dict[Spot, set[Spot]]:
    """By definition: the places that only jedi knows. Kept beside the tree."""
    kept = CACHE / f"{tree.root.name}.{len(references)}.second.json"
    if not kept.exists():
        with Truth(command, tree.root, tree.all_files(), tree.language) as truth:
            kept.write_text(json.dumps(_learn(tree, truth, references)))
    found: defaultdict[Spot, set[Spot]] = defaultdict(set)
    for (path, line, unit), places in json.loads(kept.read_text()):
        found[path, line, unit] |= {(a, b, c) for a, b, c in places}
    return found


def _learn(tree: Tree, truth: Truth, references: Sequence[tuple[Named, list[Spot]]]) -> list[tuple[Spot, list[Spot]]]:
    project = jedi.Project(tree.root, added_sys_path=[str((tree.root / tree.sources).parent)])
    said: dict[Spot, set[tuple[str, int]]] = {}
    named = _named(tree, {each.name for each, _ in references})
    learnt = []
    for each, known in references:
        path, line, _ = each.spot
        wanted = (str(tree.root / path), line + 1)
        more = []
        for spot, column in named[each.name]:
            if spot in known or truth.knows(spot):
                continue
            if spot not in said:
                # a new one each time: how much one of them infers in all has a limit
                said[spot] = _goes(jedi.Script(path=tree.root / spot[0], project=project), spot[1] + 1, column)
            if wanted in said[spot]:
                more.append(spot)
        learnt.append((each.spot, more))
    return learnt


def _goes(script: jedi.Script, line: int, column: int) -> set[tuple[str, int]]:
    try:
        return {(str(name.module_path), name.line or 0) for name in script.goto(line, column, follow_imports=True)}
    except Exception:  # noqa: BLE001 - what it falls over it does not know
        return set()


def _named(tree: Tree, names: set[str]) -> dict[str, list[tuple[Spot, int]]]:
    """Where these names stand as identifiers, with the column in characters."""
    found: defaultdict[str, list[tuple[Spot, int]]] = defaultdict(list)
    for path in tree.all_files():
        file = path.relative_to(tree.root).as_posix()
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
            if token.type == tokenize.NAME and token.string in names:
                row, column = token.start
                found[token.string].append(((file, row - 1, _units(token.line, column)), column))
    return found
