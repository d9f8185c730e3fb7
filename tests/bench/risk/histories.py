"""Probes `sidecar risk` on real histories: `python -m tests.bench.risk.histories CLONE ...`; ends with 1 at a violation.

Eight commits of each clone, spread over time and sizes, are scored by the program itself: among the others, in a clone
that was cut off there with nothing kept, with an empty message, and below a later commit that repairs their lines. The network is
closed where `unshare -n` works. Sums, evidence and SARIF are checked; so are commits that hold nothing to score.
"""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema

from sidecar.risk.features import MESSAGE
from sidecar.risk.model import load

MODEL = load()
SCHEMA = json.loads((Path(__file__).parents[2] / "golden" / "sarif-2.1.0.schema.json").read_text("utf-8"))
SIZES = (3, 200, 30, 450, 10, 90, 20, 150)
CODE = re.compile(r"(?!.*(test|spec|docs?/|examples?/|dist/)).*\.(py|[jt]sx?|go|java|kt|rs)$")
NOTHING = {
    "documentation": r"\.(md|rst|txt)$",
    "lock files": r"(package-lock\.json|yarn\.lock|go\.sum|Cargo\.lock)$",
    "built or vendored": r"^(dist|vendor)/|\.min\.js$",
}
CLOSED = ["unshare", "-n"] if subprocess.run(["unshare", "-n", "true"], check=False).returncode == 0 else []
LATER = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2099-01-01T00:00:00Z")
LATER |= {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
violations = []


def git(where, *args, **env):
    done = subprocess.run(["git", "-C", where, *args], check=True, capture_output=True, env=os.environ | env)
    return done.stdout.decode("utf-8", "replace").strip()


def risk(where, state, commits, *more):
    """What the program says of commits: reports, or the whole output for another format."""
    command = [*CLOSED, sys.executable, "-m", "sidecar", "risk", "--repo", where, "--commits", "-", *more]
    env = os.environ | {"SIDECAR_STATE_DIR": str(state)}
    said = subprocess.run(command, input="\n".join(commits), capture_output=True, text=True, check=True, env=env).stdout
    reports = said.splitlines() if "--format" not in more else [said]
    return [{key: value for key, value in json.loads(report).items() if key != "ms"} for report in reports]


def check(good, what):
    if not good:
        violations.append(what)
        print(f"  VIOLATION: {what}", flush=True)


def logit(p):
    return math.log(p / (1 - p))


def chosen(repo):
    """From each eighth of the history the commit whose new lines of code come nearest to the size that is wanted there."""
    rows = []
    for told in git(repo, "log", "--no-merges", "--min-parents=1", "--reverse", "--numstat", "--format=%x00%H").split(
        "\0"
    ):
        sha, *files = told.splitlines() or [""]
        parts = [line.split("\t") for line in files if line.count("\t") == 2]
        if added := sum(int(new) for new, _, path in parts if new.isdigit() and CODE.match(path)):
            rows.append((sha, added))
    parts = (rows[len(rows) * at // len(SIZES) : len(rows) * (at + 1) // len(SIZES)] for at in range(len(SIZES)))
    return [min(part, key=lambda row: abs(math.log(row[1] / size)))[0] for part, size in zip(parts, SIZES, strict=True)]


def sums(name, report):
    """Effects and base make the score; shares of lines make hunks, files and the whole."""
    total = report["base"] + math.fsum(reason["effect"] for reason in report["reasons"])
    check(abs(total - logit(report["score"])) < 0.01, f"{name}: effects add up to {total}")
    heads = {head.name: head.spread for head in (MODEL.traced, MODEL.history, MODEL.diff)}

    def share(score):
        return (math.log1p(-score) / math.log1p(-report["score"])) ** (1 / heads[report["model"]])

    of_file = {file["file"]: share(file["score"]) for file in report["files"]}
    for hunk in report["hunks"]:
        of_hunk = math.fsum(share(line["score"]) for line in hunk["lines"])
        check(abs(of_hunk - share(hunk["score"])) < 1e-6, f"{name}: lines of {hunk['file']}:{hunk['start']}")
        of_file[hunk["file"]] -= of_hunk
    check(all(abs(rest) < 1e-6 for rest in of_file.values()), f"{name}: hunks of files {of_file}")


def evidence(name, where, sha, report):
    told = [*report["reasons"], *(reason for hunk in report["hunks"] for reason in hunk["reasons"])]
    for commit in {found for reason in told for found in re.findall(r"\b[0-9a-f]{7}\b", reason["text"])}:
        git(where, "cat-file", "-e", commit)
        check(git(where, "merge-base", commit, f"{sha}^").startswith(commit), f"{name}: {commit} is no ancestor")


def probe(repo, sha, whole, tmp):
    name, cut = f"{Path(repo).name} {sha[:10]}", str(tmp / "cut")
    git(".", "init", "-q", cut)
    git(cut, "fetch", "-q", "--no-tags", repo, f"{sha}:refs/heads/here")
    git(cut, "checkout", "-q", "here")
    [report] = risk(cut, tmp / "state", [sha])
    check(report == whole, f"{name}: {report['score']} in a clone that ends there, {whole['score']} among the others")
    sums(name, report)
    evidence(name, cut, sha, risk(cut, tmp / "state", [sha], "--verbose")[0])
    jsonschema.validate(risk(cut, tmp / "state", [sha], "--format", "sarif")[0], SCHEMA)
    who = git(cut, "log", "-1", "--date=iso-strict", "--format=%an%n%ae%n%ad%n%cn%n%ce%n%cd", sha).splitlines()
    names = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL", "DATE")]
    silent = git(cut, "commit-tree", f"{sha}^{{tree}}", "-p", f"{sha}^", "-m", "", **dict(zip(names, who, strict=True)))
    moved = logit(report["score"]) - logit(risk(cut, tmp / "state", [silent])[0]["score"])
    stated = math.fsum(reason["effect"] for reason in report["reasons"] if reason["feature"] in MESSAGE)
    check(abs(moved - stated) < 1e-9, f"{name}: the message moves it by {moved}, {stated} is stated")
    git(cut, "commit", "-q", "--allow-empty", "-m", "Fix regression", **LATER)
    for file in {hunk["file"] for hunk in report["hunks"]}:
        mine = {line["line"] for hunk in report["hunks"] if hunk["file"] == file for line in hunk["lines"]}
        rows = Path(cut, file).read_bytes().split(b"\n")
        Path(cut, file).write_bytes(b"\n".join(b"mended" if n in mine else row for n, row in enumerate(rows, 1)))
    git(cut, "commit", "-q", "-a", "--allow-empty", "-m", f"Fix crash of {sha[:10]}", **LATER)
    for state in ("state", "other"):
        later = risk(cut, tmp / state, [git(cut, "rev-parse", "HEAD"), sha])[1]
        check(later == report, f"{name}: {later['score']} when it is repaired later")
    print(f"  {sha[:10]} {report['score']:.4f}, {sum(len(h['lines']) for h in report['hunks'])} lines", flush=True)


def nothing(repo, state):
    """Commits of documentation, lock files, built or vendored code alone, or of moved files: none is scored, each file says why."""
    found = {}
    for told in git(repo, "log", "--no-merges", "--min-parents=1", "-M", "--name-status", "--format=%x00%H").split(
        "\0"
    ):
        sha, *files = told.splitlines() or [""]
        rows = [line.split("\t") for line in files if "\t" in line]
        kinds = [kind for kind, path in NOTHING.items() if all(re.search(path, row[-1]) for row in rows)]
        for kind in [*kinds, *["moved files"] * all(row[0] == "R100" for row in rows)] if rows else ():
            found.setdefault(kind, []).append(sha)
    for kind, commits in found.items():
        some = commits[:: max(1, len(commits) // 20)][:20]
        for report in risk(repo, state, some):
            bare = report["score"] == MODEL.floor and report["skipped"] and all(f["why"] for f in report["skipped"])
            check(bare, f"{Path(repo).name} {report['commit'][:10]}: {kind} scored")
        print(f"  {kind}: {len(some)} commits", flush=True)


def main():
    for repo in map(os.path.abspath, sys.argv[1:]):
        print(repo, flush=True)
        with tempfile.TemporaryDirectory() as tmp:
            commits = chosen(repo)
            for sha, whole in zip(commits, risk(repo, Path(tmp, "all"), commits), strict=True):
                with tempfile.TemporaryDirectory(dir=tmp) as own:
                    probe(repo, sha, whole, Path(own))
            nothing(repo, Path(tmp, "all"))
    print(f"{len(violations)} violations")
    sys.exit(bool(violations))


if __name__ == "__main__":
    main()
