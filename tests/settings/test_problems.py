"""A value that cannot be taken is told with the variable and the mend; a secret is not shown."""

from __future__ import annotations

import pytest

from sidecar.core.errors import SetupError
from sidecar.settings.problems import near

REFUSED = [
    # env, words that the sentence holds, the variable it names
    ({"PORT": "abc"}, ['PORT is "abc"', "not a whole number", "8080"], "PORT"),
    ({"PORT": "70000"}, ["at most 65535"], "PORT"),
    ({"PORT": "-1"}, ["at least 0"], "PORT"),
    ({"PORT": "9" * 5000}, ["PORT"], "PORT"),
    ({"PROVIDER": "databrick"}, ["databricks, azure_anthropic", "did you mean databricks?"], "PROVIDER"),
    ({"MODEL_PROVIDER": "x"}, ["MODEL_PROVIDER", "must be one of"], "MODEL_PROVIDER"),
    ({"SIDECAR_AUTH": "tokn"}, ["auto, token, none", "did you mean token?"], "SIDECAR_AUTH"),
    ({"SIDECAR_LOG_LEVEL": "loud"}, ["debug, info, warning, error"], "SIDECAR_LOG_LEVEL"),
    ({"POLICY_GIT_ALLOW_PUSH": "ye"}, ["true or false"], "POLICY_GIT_ALLOW_PUSH"),
    ({"POLICY_MAX_STEPS": "0"}, ["at least 1"], "POLICY_MAX_STEPS"),
    ({"POLICY_GIT_COMMIT_REGEX": "("}, ["regular expression"], "POLICY_GIT_COMMIT_REGEX"),
    ({"PROMPT_CACHE_TTL_MS": "1.5"}, ["not a whole number"], "PROMPT_CACHE_TTL_MS"),
    ({"DATABRICKS_HOST": "dbc.example.com"}, ["did you mean https://dbc.example.com?"], "DATABRICKS_HOST"),
    ({"DATABRICKS_API_BASE": "https://"}, ["no address"], "DATABRICKS_API_BASE"),
    ({"DATABRICKS_API_BASE": "ftp://a.example.com"}, ["https://"], "DATABRICKS_API_BASE"),
    ({"DATABRICKS_API_BASE": "https://me:pw@a.example.com"}, ["its own setting"], "DATABRICKS_API_BASE"),
    ({"DATABRICKS_API_BASE": "https://a.example.com:x"}, ["no address"], "DATABRICKS_API_BASE"),
    ({"DATABRICKS_API_BASE": "https://a b"}, ["no address"], "DATABRICKS_API_BASE"),
    ({"DATABRICKS_API_BASE": "https://[::1"}, ["no address"], "DATABRICKS_API_BASE"),
    ({"OPENAI_BASE_URL": "localhost:11434"}, ["localhost:11434"], "OPENAI_BASE_URL"),
    ({"DATABRICKS_ENDPOINT_PATH": "//evil.example.com/x"}, ["no path"], "DATABRICKS_ENDPOINT_PATH"),
    ({"DATABRICKS_ENDPOINT_PATH": "/a/../b"}, ["no path"], "DATABRICKS_ENDPOINT_PATH"),
    ({"SIDECAR_MODEL_MAP": "abc"}, ["asked-name=provider-name"], "SIDECAR_MODEL_MAP"),
    ({"WORKSPACE_ROOT": "/no/such/folder"}, ["--workspace"], "WORKSPACE_ROOT"),
    ({"AZURE_ANTHROPIC_VERSION": "a\nb"}, ["AZURE_ANTHROPIC_VERSION"], "AZURE_ANTHROPIC_VERSION"),
]  # fmt: skip


@pytest.mark.parametrize(("env", "words", "variable"), REFUSED)
def test_refuses_with_the_variable_and_the_mend(build, env, words, variable):
    with pytest.raises(SetupError) as caught:
        build(env)
    assert all(word in caught.value.sentence for word in words), caught.value.sentence
    assert caught.value.variable == variable
    assert len(caught.value.sentence) < 400


@pytest.mark.parametrize("bad", ["two words", "line\nbreak", "schlüssel", "\x00\x01"])
def test_a_bad_key_is_refused_and_not_shown(build, bad):
    with pytest.raises(SetupError) as caught:
        build({"DATABRICKS_API_KEY": bad})
    assert "DATABRICKS_API_KEY" in caught.value.sentence
    assert bad not in caught.value.sentence


def test_a_password_in_an_address_is_not_shown(build):
    with pytest.raises(SetupError, match="its own setting") as caught:
        build({"OPENAI_BASE_URL": "http://me:hush@127.0.0.1/v1"})
    assert "hush" not in caught.value.sentence
    assert "127.0.0.1/v1" in caught.value.sentence


def test_flags_and_files_are_named_too(build, tmp_path):
    with pytest.raises(SetupError, match=r"^--port is"):
        build(flags={"server.port": "x"})
    with pytest.raises(SetupError, match=r"server\.port \(in .*config\.toml\)"):
        build(toml='[server]\nport = "x"')
    with pytest.raises(SetupError, match=r"config\.toml cannot be read.*table declaration"):
        build(toml="[server")
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SetupError, match=r"config\.toml cannot be read"):
        build()


@pytest.mark.parametrize(
    ("name", "told"),
    [("databrick", " (did you mean databricks?)"), ("databricks", " (did you mean databricks?)"), ("x", "")],
)
def test_near(name, told):
    assert near(name, ["offline", "databricks"]) == told
