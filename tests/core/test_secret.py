"""A secret shows itself to nobody who does not ask for it by name."""

import logging

import orjson
import pytest

from sidecar.core.secret import SecretStr


def test_gives_itself_away_only_when_asked():
    secret = SecretStr("s3cret")
    assert secret.get_secret_value() == "s3cret"
    shown = f"{secret} {secret!r} {[secret]} {secret:}" + "%s %r" % (secret, secret)  # noqa: UP031 - as loggers do it
    shown += orjson.dumps({"k": secret}, default=str).decode()
    shown += logging.LogRecord("n", 20, "", 0, "%s", (secret,), None).getMessage()
    assert "s3cret" not in shown
    assert "*" in shown


def test_is_not_written_by_accident():
    with pytest.raises(TypeError):
        orjson.dumps(SecretStr("s3cret"))
    with pytest.raises(AttributeError):
        SecretStr("s3cret").other = 1


def test_equals_by_value():
    assert SecretStr("a") == SecretStr("a")
    assert SecretStr("a") != SecretStr("b")
    assert SecretStr("a") != "a"
    assert len({SecretStr("a"), SecretStr("a")}) == 1
    assert str(SecretStr("")) == ""
