"""All settings as one value, which knows where each comes from; the tables of what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from sidecar.core.errors import SetupError
from sidecar.core.secret import SecretStr
from sidecar.settings import groups
from sidecar.settings.fields import Group, Setting, settings_of
from sidecar.settings.values import lower


class Settings:
    """All settings, checked. Each room is handed its own group and nothing more."""

    server: groups.Server
    provider: groups.Choice
    databricks: groups.Databricks
    azure_anthropic: groups.AzureAnthropic
    anthropic: groups.Anthropic
    openai: groups.OpenAI
    cache: groups.Cache
    git: groups.GitPolicy
    policy: groups.Policy
    tests: groups.Tests
    mcp: groups.Mcp
    web: groups.Web
    telemetry: groups.Telemetry
    ide: groups.Ide
    gate: groups.Gate
    languages: groups.Languages
    index: groups.Index
    review: groups.Review
    records: groups.Records
    tracing: groups.Tracing

    def __init__(self, given: Mapping[str, Group]) -> None:
        vars(self).update({name: given.get(name) or kind() for name, kind in group_types().items()})
        self._told: tuple[Mapping[str, str], tuple[str, ...], Path | None] = ({}, (), None)

    def __setattr__(self, name: str, value: object) -> None:
        if name in group_types():
            raise AttributeError(f"Settings.{name} is frozen")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={getattr(self, name)!r}' for name in group_types())})"

    def told(self, origins: Mapping[str, str], warnings: tuple[str, ...], state: Path | None) -> Self:
        """The same settings knowing where they come from."""
        settings = type(self)({name: getattr(self, name) for name in group_types()})
        settings._told = (origins, warnings, state)  # noqa: SLF001 - another of our own kind
        return settings

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was odd but did no harm, a sentence each; to be told once at start."""
        return self._told[1]

    @property
    def state(self) -> Path | None:
        """This workspace's own folder for state (perhaps not made yet); None where the user has no place for it."""
        return self._told[2]

    @property
    def trusted(self) -> bool:
        """Whether the user trusts this workspace: then programs that it brings along may be run."""
        workspace = self.server.workspace.resolve()
        return any(workspace.is_relative_to(folder.resolve()) for folder in self.server.trusted_folders)

    @property
    def log_file(self) -> Path | None:
        """Where events are logged; None without a folder for state."""
        return self.state / "logs" / "sidecar.log" if self.state else None

    def origin(self, name: str) -> str:
        """Where the value of a setting (`server.port`) comes from: a flag, a variable, a file, `default`."""
        return self._told[0].get(name, "default")

    def rows(self) -> Iterable[tuple[str, object, str]]:
        """Every setting's name, value (a secret stays masked) and origin."""
        for path, _ in fields():
            group, name = path.split(".")
            yield path, getattr(getattr(self, group), name), self.origin(path)

    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown."""
        values = (value for _, value, _ in self.rows() if isinstance(value, SecretStr))
        return tuple(value.get_secret_value() for value in values)

    def check_provider(self) -> None:
        """Raise SetupError, naming the variable, when the chosen provider cannot work for want of a setting."""
        needed = needed_for(self.provider.name, lambda path: value_of(self, path))
        missing = [path for path in needed if value_of(self, path) is None]
        if missing:
            variables = [extra_of(field_of(path))["env"][0] for path in missing]
            example = extra_of(field_of(missing[0])).get("example", "…")
            raise SetupError(
                f"The provider {self.provider.name} needs {' and '.join(variables)}: "
                f"export {variables[0]}={example} (or take the provider that needs none: PROVIDER=offline).",
                variables[0],
            )


NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "databricks": ("databricks.api_base", "databricks.api_key"),
    "azure_anthropic": ("azure_anthropic.endpoint", "azure_anthropic.api_key"),
    "anthropic": ("anthropic.api_key",),
    "openai": ("openai.base_url",),
    "offline": (),
}


def needed_for(name: str, value: Callable[[str], Any]) -> tuple[str, ...]:
    """The settings that a provider needs, given the others (`value` gives one by its name, None where it is not set)."""
    needed = NEEDED[name]
    if name == "databricks" and not value("databricks.api_key"):
        ways = ("databricks.profile", "databricks.client_id", "databricks.auth_type")
        if value(ways[0]) and not value("databricks.api_base"):
            return ()  # the profile names the workspace
        if any(value(way) for way in ways):
            return ("databricks.api_base",)
    if name == "azure_anthropic" and lower(value("azure_anthropic.auth")) == "entra":
        return ("azure_anthropic.endpoint",)
    return needed


@cache
def group_types() -> Mapping[str, type[Group]]:
    """The groups by name."""
    return {name: getattr(groups, kind.removeprefix("groups.")) for name, kind in Settings.__annotations__.items()}


def fields() -> Iterable[tuple[str, Setting]]:
    """Every setting's name (`server.port`) and what it is."""
    for group, kind in group_types().items():
        for name, setting in settings_of(kind).items():
            yield f"{group}.{name}", setting


def paths() -> set[str]:
    """The names of all settings."""
    return {path for path, _ in fields()}


def field_of(path: str) -> Setting:
    """The setting of a name."""
    return dict(fields())[path]


def extra_of(info: Setting) -> dict[str, Any]:
    """What `_setting` noted: `env`, `example`, `narrow`, each only if there is one."""
    return dict(info.extra)


def value_of(settings: Settings, path: str) -> Any:
    """A setting's value."""
    group, name = path.split(".")
    return getattr(getattr(settings, group), name)


def schema() -> dict[str, Any]:
    """JSON schema of the user's TOML file."""
    from sidecar.settings.file_schema import schema_of  # noqa: PLC0415 - one command needs it

    return schema_of(group_types(), Settings.__doc__ or "")
