"""Certificates that are read late: nobody is trusted before, exactly the same ones are afterwards."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sidecar import certificates


def late_context() -> ssl.SSLContext:
    with certificates.late():
        return ssl.create_default_context()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of `localhost` that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


async def greeted(context: ssl.SSLContext, authority: tuple[Path, Path]) -> bytes:
    """What a TLS server with that certificate says to a client with this context."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*authority)

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=serving)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        said = await reader.read(5)
        writer.close()
    return said


async def test_the_first_connection_reads_them(monkeypatch: pytest.MonkeyPatch, authority: tuple[Path, Path]) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
    context = late_context()
    assert context.cert_store_stats()["x509"] == 0
    assert await greeted(context, authority) == b"hello"
    assert type(context) is ssl.SSLContext
    assert context.cert_store_stats() == ssl.create_default_context().cert_store_stats()


async def test_who_is_not_known_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: tuple[Path, Path]
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with pytest.raises(ssl.SSLCertVerificationError):
        await greeted(late_context(), authority)


def test_they_can_be_read_before(monkeypatch: pytest.MonkeyPatch, authority: tuple[Path, Path]) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
    monkeypatch.setenv("SSL_CERT_DIR", str(authority[0].parent / "none"))
    context = late_context()
    certificates.read()
    assert context.cert_store_stats()["x509"] == 1
    assert type(context) is ssl.SSLContext
    certificates.read()


def test_a_context_that_asks_for_no_certificate_waits_for_its_first_use() -> None:
    with certificates.late():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_default_verify_paths()
    certificates.read()
    assert type(context) is not ssl.SSLContext
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
    assert type(context) is ssl.SSLContext


def test_contexts_of_others_are_left_alone() -> None:
    class Own(ssl.SSLContext):
        pass

    with certificates.late():
        own = Own(ssl.PROTOCOL_TLS_CLIENT)
        own.load_default_certs()
    after = ssl.create_default_context()
    assert (type(own), type(after)) == (Own, ssl.SSLContext)


def test_the_start_reads_none() -> None:
    code = (
        "import ssl; before = dict(ssl.SSLContext.__dict__)\n"
        "import sidecar.app, aiohttp.connector\n"
        "context = aiohttp.connector._SSL_CONTEXT_VERIFIED\n"
        "print(context.cert_store_stats()['x509'], context.verify_mode.name, context.check_hostname)\n"
        "print(dict(ssl.SSLContext.__dict__) == before)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["0", "CERT_REQUIRED", "True", "True"]
