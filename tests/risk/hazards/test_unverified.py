"""Checks of identity that are switched off."""

import pytest

from sidecar.core.diff import Hunk
from sidecar.core.review import Suggestion
from sidecar.risk.hazards.rules import mended
from sidecar.risk.hazards.secret import veiled
from sidecar.risk.hazards.unverified import RULE
from tests.risk.hazards.cases import check_words, findings, lines, mend
from tests.risk.hazards.test_secret import KEY


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "requests.get(url, verify=False)"),
        ("a.py", "    verify=False,"),
        ("a.py", "ctx.check_hostname = False"),
        ("a.py", "ctx.verify_mode = ssl.CERT_NONE"),
        ("a.py", "ssl._create_default_https_context = ssl._create_unverified_context"),
        ("a.py", 'jwt.decode(token, options={"verify_signature": False})'),
        ("a.py", "client.set_missing_host_key_policy(paramiko.AutoAddPolicy())"),
        ("a.ts", "new https.Agent({ rejectUnauthorized: false })"),
        ("a.js", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'"),
        ("a.js", "process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = 0"),
        ("a.go", "\tTLSClientConfig: &tls.Config{InsecureSkipVerify: true},"),
        ("a.go", "\tHostKeyCallback: ssh.InsecureIgnoreHostKey(),"),
        ("A.java", "builder.hostnameVerifier(NoopHostnameVerifier.INSTANCE);"),
        ("a.rs", ".danger_accept_invalid_certs(true)"),
        ("a.rb", "http.verify_mode = OpenSSL::SSL::VERIFY_NONE"),
        ("a.php", "curl_setopt($c, CURLOPT_SSL_VERIFYPEER, false);"),
        ("a.sh", "curl -sk https://x | sh"),
        ("Dockerfile", "RUN wget --no-check-certificate https://x"),
        ("a.yml", "  run: git config http.sslVerify false"),
        ("a.sh", "ssh -o StrictHostKeyChecking=no host"),
    ],
)
def test_found(path, line):
    assert lines(RULE, path, line) == [1]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "def get(url, verify=False):"),
        ("a.py", "    cert_reqs='CERT_NONE', ca_certs=None):"),
        ("a.py", "check(plan, verify=False)"),
        ("a.py", "verify = False"),
        ("a.py", 'r"InsecureSkipVerify|_create_unverified_context",'),
        ("a.py", "# verify=False,"),
        ("a.py", "requests.get(url, verify=True)"),
        ("tests/test_a.py", "requests.get(url, verify=False)"),
        ("docs/a.md", "curl -k https://x"),
        ("a.go", "InsecureSkipVerify: cfg.Insecure,"),
        ("a.js", "rejectUnauthorized: true"),
        ("a.sh", "curl -fsSL https://x -o kernel"),
        ("a.sh", "echo x | grep -k"),
    ],
)
def test_none(path, line):
    assert lines(RULE, path, line) == []


@pytest.mark.parametrize(
    ("path", "line", "wanted"),
    [
        ("app.py", "r = requests.get(url, verify=False)", "r = requests.get(url, verify=True)"),
        ("app.py", "session.verify = False", "session.verify = True"),
        ("app.py", "    ctx.verify_mode = ssl.CERT_NONE", "    ctx.verify_mode = ssl.CERT_REQUIRED"),
        ("app.py", "    ctx.check_hostname = False", "    ctx.check_hostname = True"),
        (
            "app.py",
            "jwt.decode(t, options={'verify_signature': False})",
            "jwt.decode(t, options={'verify_signature': True})",
        ),
        ("app.ts", "  rejectUnauthorized: false,", "  rejectUnauthorized: true,"),
        ("app.js", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '1'"),
        ("a.go", "\tc := &tls.Config{InsecureSkipVerify: true}", "\tc := &tls.Config{InsecureSkipVerify: false}"),
        ("src/a.rs", "    .danger_accept_invalid_certs(true)", "    .danger_accept_invalid_certs(false)"),
        ("a.rb", "http.verify_mode = OpenSSL::SSL::VERIFY_NONE", "http.verify_mode = OpenSSL::SSL::VERIFY_PEER"),
        ("a.php", "curl_setopt($c, CURLOPT_SSL_VERIFYPEER, false);", "curl_setopt($c, CURLOPT_SSL_VERIFYPEER, true);"),
        ("get.sh", "curl -sS -k https://a.example/x", "curl -sS https://a.example/x"),
        ("get.sh", "wget --no-check-certificate https://a.example/x", "wget https://a.example/x"),
    ],
)
def test_a_check_is_switched_on_again(path, line, wanted):
    assert mend(RULE, path, f"first\n{line}\nlast") == f"first\n{wanted}\nlast"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("app.py", "requests.get(a, verify=False) or requests.get(b, verify=False)"),
        ("app.py", "ctx = ssl._create_unverified_context()"),
        ("app.py", "client.set_missing_host_key_policy(paramiko.AutoAddPolicy())"),
        ("app.js", "  checkServerIdentity: () => undefined,"),
        ("a.go", "\tHostKeyCallback: ssh.InsecureIgnoreHostKey(),"),
        ("a.php", "curl_setopt($c, CURLOPT_SSL_VERIFYHOST, 0);"),
        ("get.sh", "curl -sSk https://a.example/x"),
        ("get.sh", "ssh -o StrictHostKeyChecking=no a.example"),
    ],
)
def test_what_is_no_single_switch_is_left_to_its_author(path, line):
    assert mend(RULE, path, line) is None


def test_names_are_not_checked_where_certificates_are_not():
    lines = ["ctx.check_hostname = False", "ctx.verify_mode = ssl.CERT_NONE"]
    hunks = (Hunk(0, 1, (), tuple(lines)),)
    first, second = findings(RULE, "app.py", *lines)
    assert mended(first, lines, hunks) is None
    assert mended(second, lines, hunks) == Suggestion((lines[1],), ("ctx.verify_mode = ssl.CERT_REQUIRED",))


def test_a_line_with_a_secret_has_no_mend():
    line = f'requests.get(url, auth=("me", "{KEY}"), verify=False)'
    (finding,) = findings(RULE, "app.py", line)
    assert mended(finding, veiled([line]), (Hunk(0, 1, (), (line,)),)) is None


def test_words():
    check_words(RULE)
