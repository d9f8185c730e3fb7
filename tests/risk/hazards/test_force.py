"""Commands that override a guard."""

import pytest

from sidecar.risk.hazards.force import RULE
from tests.risk.hazards.cases import check_words, findings, lines, mend


@pytest.mark.parametrize(
    ("path", "line", "what"),
    [
        ("release.sh", "git push --force origin main", "pushes with force"),
        ("release.sh", "git push -f", "pushes with force"),
        ("release.sh", "git -C site push origin +main:main", "pushes with force"),
        (".github/workflows/a.yml", "      run: git push -uf origin gh-pages", "pushes with force"),
        ("package.json", '    "deploy": "git push --force heroku main",', "pushes with force"),
        ("tool.py", 'subprocess.run(["git", "push", "--force"])', "pushes with force"),
        ("tool.js", "execSync('git push --force')", "pushes with force"),
        ("a.sh", "git commit -m x --no-verify", "passes over the hooks"),
        ("Makefile", "\tHUSKY=0 git commit", "passes over the hooks"),
        ("a.sh", 'rm -rf "$BUILD_DIR/cache"', "deletes what the variable BUILD_DIR names with everything in it"),
        ("a.sh", "rm -fr ${OUT}/", "deletes what the variable OUT names with everything in it"),
        ("a.sh", "rm -r -f /", "deletes a whole tree with everything in it"),
        ("a.sh", "sudo rm -rf ~", "deletes a whole tree with everything in it"),
        ("a.sh", "cd x; rm -rf *", "deletes a whole tree with everything in it"),
        ("Dockerfile", "RUN chmod -R 777 /srv", "lets everybody write (chmod 777)"),
        ("app.py", 'run(["git", "reset", "--hard", "HEAD"])', "throws away uncommitted work"),
        ("app.py", 'os.system("git clean -fdx")', "throws away uncommitted work"),
    ],
)
def test_found(path, line, what):
    (found,) = findings(RULE, path, line)
    assert found.what == f"This line {what}."


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.sh", "git push --force-with-lease"),
        ("a.sh", "git push --follow-tags"),
        ("a.sh", "git push origin main"),
        ("a.sh", "# git push --force"),
        ("a.sh", "git push --dry-run --force"),
        ("a.sh", "npm install --force"),
        ("a.sh", "rm -rf build dist node_modules"),
        ("a.sh", "rm -rf ./tmp/*"),
        ("Dockerfile", "RUN apt-get update && rm -rf /var/lib/apt/lists/*"),
        ("a.sh", 'rm -rf "${TMP:?}/x"'),
        ("a.sh", 'rm -f "$FILE"'),
        ("a.sh", "rm -fr $HOME/.gradle/caches/"),
        ("a.sh", "rm -rf ${HOME}/.cache/x"),
        ("a.sh", "rm -r /tmp/x"),
        ("a.sh", "git reset --hard"),
        ("a.sh", "chmod 755 x"),
        ("app.py", 'raise BadInput("git push --force is refused")'),
        ("app.py", 'FORCED = {"--force", "-f"}'),
        ("docs/a.sh", "git push --force"),
        ("tests/a.sh", "git push --force"),
        ("README.md", "git push --force"),
        ("notes.txt", "git push --force"),
    ],
)
def test_none(path, line):
    assert lines(RULE, path, line) == []


@pytest.mark.parametrize(
    ("path", "line", "mended"),
    [
        ("a.sh", 'rm -rf "$OUT/lib"', 'rm -rf "${OUT:?}/lib"'),
        ("a.sh", "  rm -rf $OUT/lib && make", "  rm -rf ${OUT:?}/lib && make"),
        ("a.bash", 'rm -fr "${OUT}"/*', 'rm -fr "${OUT:?}"/*'),
        ("a.sh", 'rm -rf "$OUT/$NAME"', 'rm -rf "${OUT:?}/$NAME"'),
        ("a.sh", "rm -rf '$OUT'/x \"$OUT/x\"", None),
        ("a.sh", 'rm -rf "$A/x" "$B/x"', None),
        ("ci.yml", '  - rm -rf "$OUT/lib"', None),
        ("a.sh", "rm -rf /", None),
        ("a.sh", "git push --force origin main", None),
        ("a.sh", 'git push --force; rm -rf "$OUT/lib"', None),
        ("a.sh", "chmod 777 x", None),
    ],
)
def test_a_removal_stops_where_its_variable_is_empty(path, line, mended):
    assert mend(RULE, path, line) == mended


def test_words():
    check_words(RULE)
