"""Texts that are put together and run."""

import pytest

from sidecar.risk.hazards.injection import RULE
from tests.risk.hazards.cases import check_words, lines, mend


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", 'os.system(f"rm {name}")'),
        ("a.py", 'subprocess.run("ls " + path, shell=True)'),
        ("a.py", 'subprocess.check_output(f"ls {path}", shell=True)'),
        ("a.js", "exec(`rm ${name}`)"),
        ("a.ts", "child_process.execSync('ls ' + path)"),
        ("a.go", 'exec.Command("sh", "-c", "ls "+path)'),
        ("A.java", 'Runtime.getRuntime().exec("ls " + path);'),
        ("a.rb", 'system("ls #{path}")'),
        ("a.py", 'cursor.execute(f"SELECT * FROM a WHERE b = {c}")'),
        ("a.py", 'db.execute("DELETE FROM a WHERE b = %s" % c)'),
        ("a.py", 'db.execute("SELECT a FROM b WHERE c = " + c)'),
        ("a.js", "db.query(`SELECT * FROM a WHERE b = ${c}`)"),
        ("a.go", 'db.Query(fmt.Sprintf("SELECT a FROM b WHERE c = %s", c))'),
        ("A.java", 'st.executeQuery("SELECT a FROM b WHERE c = " + c);'),
        ("a.rs", 'conn.execute(&format!("DELETE FROM a WHERE b = {}", c))'),
        ("a.py", "eval(request.args['x'])"),
        ("a.js", "eval(req.body.code)"),
        ("a.py", "yaml.load(text)"),
    ],
)
def test_found(path, line):
    assert lines(RULE, path, line) == [1]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", 'subprocess.run(["ls", path])'),
        ("a.py", 'os.system("ls")'),
        ("a.py", 'subprocess.run("ls | wc", shell=True)'),
        ("a.py", 'cursor.execute("SELECT a FROM b WHERE c = %s", (c,))'),
        ("a.js", "regex.exec(name)"),
        ("a.js", "db.query('SELECT a FROM b WHERE c = ?', [c])"),
        ("a.go", 'exec.Command("ls", path)'),
        ("a.py", "yaml.load(text, Loader=SafeLoader)"),
        ("a.py", "yaml.safe_load(text)"),
        ("a.py", "model.eval()"),
        ("a.py", "ast.literal_eval(x)"),
        ("tests/test_a.py", 'os.system(f"rm {name}")'),
        ("a.md", "eval(req.body)"),
    ],
)
def test_none(path, line):
    assert lines(RULE, path, line) == []


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("x = yaml.load(text)", "x = yaml.safe_load(text)"),
        ("x = yaml.load(open(path, 'rb'))", "x = yaml.safe_load(open(path, 'rb'))"),
        ("x = yaml.unsafe_load(text)", None),
        ("x = [yaml.load(a), yaml.load(b)]", None),
        ("x = yaml.load(text, UnsafeLoader)", None),
        ("os.system('rm ' + name)", None),
    ],
)
def test_yaml_is_loaded_safely(line, mended):
    assert mend(RULE, "app.py", line) == mended


def test_words():
    check_words(RULE)
