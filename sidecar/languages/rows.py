"""The language servers that are known, a row each: what to start, for which files, and how to install it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_PYTHON: Final = (".py", ".pyi")
_SCRIPT: Final = (".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx")
_C: Final = (".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx")
_PYRIGHT: Final = {"analysis": {"diagnosticMode": "openFilesOnly", "autoSearchPaths": True}}


@dataclass(frozen=True, slots=True)
class Row:
    """One language server.

    `command` begins with the program's name, which is looked for on PATH. `roots` are the files at the workspace's top
    that tell it what belongs to the project: without one it may only know the files that are open. `settings` answer
    its questions for configuration, by section.
    """

    name: str
    command: tuple[str, ...]
    suffixes: tuple[str, ...]
    roots: tuple[str, ...]
    install: str
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    patience: float = 60.0
    """Seconds of silence with a question open after which it is taken to hang."""

    version: tuple[str, ...] = ()
    """What tells its version and ends; empty where nothing does without starting it."""

    own: bool = False
    """Ours: it reads the disk itself, knows at once what it can know, and runs nothing of the project."""

    @property
    def source(self) -> str:
        """As an answer's `source` says it."""
        return self.name if self.own else f"server:{self.name}"


ROWS: Final = (
    Row(
        "basedpyright", ("basedpyright-langserver", "--stdio"), _PYTHON, (), "pip install basedpyright",
        settings={"basedpyright": _PYRIGHT, "python": {}}, version=("basedpyright", "--version"),
    ),
    Row(
        "pyright", ("pyright-langserver", "--stdio"), _PYTHON, (), "npm install -g pyright",
        settings={"python": _PYRIGHT}, version=("pyright", "--version"),
    ),
    Row(
        "typescript-language-server", ("typescript-language-server", "--stdio"), _SCRIPT,
        ("tsconfig.json", "jsconfig.json"), "npm install -g typescript-language-server typescript@6",
        # its syntax server answers at once while a project loads, from one file alone
        options={"disableAutomaticTypingAcquisition": True, "hostInfo": "sidecar", "tsserver": {"useSyntaxServer": "never"}},
        version=("typescript-language-server", "--version"),
    ),
    Row(
        "gopls", ("gopls",), (".go",), ("go.mod", "go.work"), "go install golang.org/x/tools/gopls@latest",
        version=("gopls", "version"),
    ),
    Row(
        "rust-analyzer", ("rust-analyzer",), (".rs",), ("Cargo.toml",), "rustup component add rust-analyzer",
        version=("rust-analyzer", "--version"),
    ),
    Row(
        "clangd", ("clangd", "--background-index", "--log=error"), _C,
        ("compile_commands.json", "build/compile_commands.json"), "apt install clangd",
        version=("clangd", "--version"),
    ),
    Row(
        "jdtls", ("jdtls",), (".java",), ("pom.xml", "build.gradle", "build.gradle.kts"),
        "brew install jdtls (or download it from the Eclipse JDT LS project)",
    ),
    Row("ruby-lsp", ("ruby-lsp",), (".rb",), ("Gemfile",), "gem install ruby-lsp", version=("ruby-lsp", "--version")),
    Row(
        "phpactor", ("phpactor", "language-server"), (".php",), ("composer.json",),
        "composer global require phpactor/phpactor", version=("phpactor", "--version"),
    ),
    Row("intelephense", ("intelephense", "--stdio"), (".php",), ("composer.json",), "npm install -g intelephense"),
    Row(
        "kotlin-language-server", ("kotlin-language-server",), (".kt", ".kts"),
        ("build.gradle.kts", "build.gradle", "pom.xml"), "brew install kotlin-language-server",
        version=("kotlin-language-server", "--version"),
    ),
    Row(
        "metals", ("metals",), (".scala", ".sc"), ("build.sbt", "build.sc"), "cs install metals",
        version=("metals", "--version"),
    ),
    Row(
        "csharp-ls", ("csharp-ls",), (".cs",), ("global.json", "Directory.Build.props"),
        "dotnet tool install --global csharp-ls", version=("csharp-ls", "--version"),
    ),
    Row("sourcekit-lsp", ("sourcekit-lsp",), (".swift",), ("Package.swift",), "install the Swift toolchain from swift.org"),
    Row(
        "bash-language-server", ("bash-language-server", "start"), (".sh", ".bash"), (),
        "npm install -g bash-language-server", version=("bash-language-server", "--version"),
    ),
)  # fmt: skip
"""Where several know a language, the first that is installed is taken."""
