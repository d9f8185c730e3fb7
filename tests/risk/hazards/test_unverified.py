"""Checks of identity that are switched off."""

import pytest

from sidecar.risk.hazards.unverified import RULE
from tests.risk.hazards.cases import check_words, lines


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


def test_words():
    check_words(RULE)
