"""Every setting can be set, is told of in the docs, and keeps its secret."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from sidecar.core.errors import SetupError
from sidecar.settings import schema
from sidecar.settings.whole import extra_of, field_of, fields
from tests.settings.sources import AZURE, DATABRICKS


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("databricks", "DATABRICKS_API_BASE"),
        ("azure_anthropic", "AZURE_ANTHROPIC_ENDPOINT"),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("openai", "OPENAI_BASE_URL"),
    ],
)
def test_a_chosen_provider_that_lacks_something(build, provider, variable):
    settings = build({"PROVIDER": provider})
    with pytest.raises(SetupError, match=f"export {variable}=") as caught:
        settings.check_provider()
    assert caught.value.variable == variable


WITHOUT_KEY = [
    {"PROVIDER": "databricks", "DATABRICKS_CONFIG_PROFILE": "work"},
    {"DATABRICKS_HOST": "https://w.example.com", "DATABRICKS_CONFIG_PROFILE": "work"},
    {"DATABRICKS_HOST": "https://w.example.com", "DATABRICKS_CLIENT_ID": "me", "DATABRICKS_CLIENT_SECRET": "s"},
    {"DATABRICKS_HOST": "https://w.example.com", "DATABRICKS_AUTH_TYPE": "databricks-cli"},
]


@pytest.mark.parametrize("env", WITHOUT_KEY)
def test_databricks_signs_in_where_there_is_no_key(build, env):
    settings = build(env)
    assert settings.provider.name == "databricks"
    assert settings.databricks.signs_in
    settings.check_provider()
    assert not build(env | {"DATABRICKS_TOKEN": "dapi1"}).databricks.signs_in


def test_azure_signs_in_with_entra_where_it_is_asked_to(build):
    env = {"AZURE_ANTHROPIC_ENDPOINT": "https://a.example.com", "AZURE_ANTHROPIC_AUTH": "entra"}
    assert build(env).provider.name == "azure_anthropic"
    build(env).check_provider()


@pytest.mark.parametrize("env", [{"DATABRICKS_CONFIG_PROFILE": "work"}, {"DATABRICKS_CLIENT_ID": "me"}])
def test_a_way_to_sign_in_alone_chooses_no_provider(build, env):
    assert build(env).provider.name == "offline"


@pytest.mark.parametrize("env", [{}, DATABRICKS, AZURE])
def test_a_complete_provider_is_not_complained_about(build, env):
    build(env).check_provider()


# ── secrets ─────────────────────────────────────────────────────────────────────────────────────────
def test_secrets_are_never_printed(build):
    settings = build(DATABRICKS | {"SIDECAR_TOKEN": "token-of-mine", "SIDECAR_CACHE_URL": "redis://u:p@h/1"})
    shown = f"{settings!r} {settings} {list(settings.rows())}"
    for secret in ("key-of-databricks", "token-of-mine", "redis://u:p"):
        assert secret not in shown
    assert set(settings.secrets()) == {"key-of-databricks", "token-of-mine", "redis://u:p@h/1"}


def test_a_key_loses_the_blanks_of_copying(build):
    settings = build(DATABRICKS | {"DATABRICKS_API_KEY": " key\n"})
    assert settings.databricks.api_key is not None
    assert settings.databricks.api_key.get_secret_value() == "key"


def test_settings_are_frozen(build):
    settings = build()
    with pytest.raises(AttributeError):
        settings.server.port = 1
    with pytest.raises(AttributeError):
        settings.server = None


# ── documents ───────────────────────────────────────────────────────────────────────────────────────
def test_schema_takes_what_load_takes():
    validator = jsonschema.Draft202012Validator(schema())
    validator.validate({"server": {"port": 1}, "git": {"allow_push": True}, "provider": {"model_map": {"a": "b"}}})
    for wrong in ({"server": {"port": "x"}}, {"server": {"prt": 1}}, {"nonsense": {}}):
        assert list(validator.iter_errors(wrong)), wrong


def test_every_setting_has_its_sentence_and_stands_in_the_docs():
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    for path, info in fields():
        assert info.description, path
        assert f"`{path}`" in text, f"{path} is not in docs/settings.md"
        for variable in extra_of(info).get("env", []):
            assert f"`{variable}`" in text, f"{variable} is not in docs/settings.md"
        narrow = extra_of(field_of(path)).get("narrow")
        if narrow:
            assert narrow in next(line for line in text.splitlines() if f"`{path}`" in line), path
