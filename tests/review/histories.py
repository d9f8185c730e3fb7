"""Histories with branches, merges, renames and repairs, made from a seed, for the tests that follow lines."""

import random

from tests.fakes.repository import ADA, GRACE, Repository

FILES = ("app/a.py", "app/b.py", "lib/c.go", "web/d.ts")


def edited(rnd, lines, tag):
    """The lines with a few stretches replaced; all texts are unique, so that a line has one writer."""
    for part in range(rnd.randint(1, 3)):
        at = rnd.randint(0, len(lines))
        lines[at : at + rnd.randint(0, 3)] = [f"value_{tag}_{part}_{n} = {n}" for n in range(rnd.randint(1, 4))]
    return lines


def made(root, seed, commits=40):
    """A repository in which two branches edit and repair files, are joined now and then, and rename one after that."""
    rnd = random.Random(seed)
    repository = Repository.create(
        root, {name: text([f"first_{name[-4]}_{n} = 1" for n in range(30)]) for name in FILES}
    )
    repository.git("branch", "side")
    branch = "main"
    for n in range(commits):
        if n % 9 and rnd.random() < 0.2:
            branch = "side" if branch == "main" else "main"
            repository.git("checkout", "-q", branch)
        if n % 9 == 8:
            join(repository, "side" if branch == "main" else "main")
            continue
        names = repository.git("ls-files", "-z").strip("\0").split("\0")
        name = rnd.choice(names)
        lines = edited(rnd, repository.path(name).read_text().splitlines(), f"{seed}_{n}")
        target = f"{name.rpartition('.')[0]}_{n}.{name.rpartition('.')[2]}" if n % 9 == 0 else name
        change = {target: text(lines)} | ({name: None} if target != name else {})
        repository.commit(rnd.choice(["Fix crash", "Add it"]), change, author=rnd.choice([ADA, GRACE]))
    return repository


def join(repository, other):
    """Merge a branch; what conflicts is taken from both sides."""
    repository.git("merge", "-q", "--no-ff", "-X", "ours", "-m", "Join", other, ok=(0, 1))
    if repository.git("ls-files", "--unmerged"):
        repository.git("add", "--all")
        repository.git("commit", "-q", "-m", "Join")


def text(lines):
    return "".join(f"{line}\n" for line in lines)
