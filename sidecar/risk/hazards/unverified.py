"""Checks of identity that are switched off: of certificates, of host names, of signatures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.mending import Spot
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_JS = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx"})
_OFF: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({".py"}),
        (
            r"_create_unverified_context\b|\bcheck_hostname\s*=\s*False\b|\bverify_mode\s*=\s*(?:ssl\.)?CERT_NONE\b|cert_reqs\s*=\s*[\"']?(?:ssl\.)?CERT_NONE"
            r"|(?:requests|session|client|httpx|http|Client|Session|AsyncClient|\.(?:get|post|put|patch|delete|head|request))\b.*\(.*\bverify\s*=\s*False\b"
            r"|^\s*verify=False\s*,?\s*\)?\s*,?\s*$|\bsession\.verify\s*=\s*False|\bverify_ssl\s*=\s*False\b|[\"']verify_signature[\"']\s*:\s*False"
            r"|\bAutoAddPolicy\("
        ),
    ),
    (
        _JS,
        r"\brejectUnauthorized\s*:\s*false\b|NODE_TLS_REJECT_UNAUTHORIZED[\"'\]]*\s*[=:]\s*[\"']?0|\bstrictSSL\s*:\s*false\b|checkServerIdentity\s*:\s*\(\)\s*=>",
    ),
    (frozenset({".go"}), r"\bInsecureSkipVerify\s*[:=]\s*true\b|ssh\.InsecureIgnoreHostKey\("),
    (
        frozenset({".java", ".kt", ".scala"}),
        r"ALLOW_ALL_HOSTNAME_VERIFIER|NoopHostnameVerifier|TrustAllStrategy|setHostnameVerifier\(\s*\([^)]*\)\s*->\s*true",
    ),
    (frozenset({".rs"}), r"danger_accept_invalid_(?:certs|hostnames)\(\s*true"),
    (frozenset({".rb"}), r"VERIFY_NONE\b"),
    (frozenset({".php"}), r"CURLOPT_SSL_VERIFY(?:PEER|HOST)\s*(?:,|=>)\s*(?:false|0)\b"),
    (frozenset({".cs"}), r"ServerCertificate(?:Custom)?ValidationCallback\s*[+=].*true"),
)
_RULES = tuple((languages, re.compile(pattern)) for languages, pattern in _OFF)
_COMMAND = re.compile(
    r"\bcurl\b(?:(?!\|).)*\s(?:-k|--insecure|-[a-zA-Z]*k[a-zA-Z]*)(?=\s|$)|\bwget\b.*--no-check-certificate|http\.sslVerify[= ]+[\"']?false|GIT_SSL_NO_VERIFY=\S"
    r"|strict-ssl\s+[\"']?false|NODE_TLS_REJECT_UNAUTHORIZED[\"']?\s*[=:]\s*[\"']?0|PYTHONHTTPSVERIFY=0|StrictHostKeyChecking[= ]no|--trusted-host\b|--insecure-skip-tls-verify",
    re.IGNORECASE,
)
_ON: tuple[tuple[frozenset[str] | None, str, str], ...] = (
    (frozenset({".py"}), r"\b((?:verify|verify_ssl|check_hostname)\s*=\s*)False\b", r"\1True"),
    (frozenset({".py"}), r"([\"']verify_signature[\"']\s*:\s*)False\b", r"\1True"),
    (frozenset({".py"}), r"\b(verify_mode\s*=\s*(?:ssl\.)?)CERT_NONE\b", r"\1CERT_REQUIRED"),
    (_JS, r"\b((?:rejectUnauthorized|strictSSL)\s*:\s*)false\b", r"\1true"),
    (_JS, r"\b(NODE_TLS_REJECT_UNAUTHORIZED[\"'\]]*\s*=\s*[\"']?)0\b", r"\g<1>1"),
    (frozenset({".go"}), r"\b(InsecureSkipVerify\s*[:=]\s*)true\b", r"\1false"),
    (frozenset({".rs"}), r"\b(danger_accept_invalid_(?:certs|hostnames)\(\s*)true\b", r"\1false"),
    (frozenset({".rb"}), r"\bVERIFY_NONE\b", "VERIFY_PEER"),
    (frozenset({".php"}), r"\b(CURLOPT_SSL_VERIFYPEER\s*(?:,|=>)\s*)(?:false|0)\b", r"\1true"),
    (None, r"(\bcurl\b(?:(?!\|)[^\"'])*?)\s(?:-k|--insecure)(?=\s)", r"\1"),
    (None, r"(\bwget\b[^\"'|]*?)\s--no-check-certificate(?=\s)", r"\1"),
)
"""What switches a check off by itself, and what it says when the check is on."""
_SWITCHES = tuple((languages, re.compile(off), on) for languages, off, on in _ON)
_RAW = re.compile(r"^\s*[(\[]?\s*rb?[\"']")
_DEFINED = re.compile(r"^\s*(?:async\s+)?def\s|\)\s*(?:->.*)?:\s*$")

_WORDS = (
    "verify", "unverified", "check_hostname", "cert_none", "rejectunauthorized", "reject_unauthorized", "strictssl",
    "checkserveridentity", "autoaddpolicy", "hostname_verifier", "hostnameverifier", "trustall", "danger_accept",
    "validationcallback", "curl", "wget", "strict-ssl", "stricthostkey", "trusted-host", "insecure",
)  # fmt: skip


def find(file: Seen) -> Iterator[Hit]:
    """New lines that switch such a check off, in the product and in what builds it."""
    if not file.product:
        return
    for line in file.holding(_WORDS):
        if _RAW.match(line.text):
            continue  # a pattern that looks for such a thing
        code = any(languages and file.extension in languages and rule.search(line.text) for languages, rule in _RULES)
        if (code and not _DEFINED.search(line.text)) or (file.script and _COMMAND.search(line.text)):
            yield Hit(line.number, line.number, "This line switches off the check of who answers.")


def mend(spot: Spot) -> tuple[str, ...] | None:
    """The check switched on again, where one switch on the line is all there is to it."""
    found = [
        (rule, on)
        for languages, rule, on in _SWITCHES
        if languages is None or spot.extension in languages
        for _ in rule.finditer(spot.text)
    ]
    if len(found) != 1:
        return None
    rule, on = found[0]
    if "check_hostname" in spot.text and any("CERT_NONE" in line for line in spot.lines):
        return None  # Python refuses names that are checked where certificates are not
    return (rule.sub(on, spot.text),)


RULE = Rule(
    id="unverified",
    title="a check of identity is switched off",
    severity="danger",
    why="Whoever stands between both sides can read and change all that is sent, keys included.",
    remedy="Give the certificate authority (or the host's key) that is to be trusted, in place of trusting all.",
    find=find,
    words=_WORDS,
    mend=mend,
)  # fmt: skip
