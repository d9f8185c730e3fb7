"""Which files an import means, by each language's own rules."""

from __future__ import annotations

import posixpath

import pytest

from sidecar.index.modules import Modules

PATHS = [
    "setup.py",
    "app/main.py",
    "app/util.py",
    "src/pkg/__init__.py",
    "src/pkg/a.py",
    "src/pkg/sub/__init__.py",
    "src/pkg/sub/b.py",
    "src/pkg/json.py",
    "web/src/x.ts",
    "web/src/view/index.tsx",
    "web/src/lib/y.js",
    "web/types.d.ts",
    "packages/ui/src/index.ts",
    "packages/ui/src/button.ts",
    "go/main.go",
    "go/inner/one.go",
    "go/inner/two.go",
    "go/inner/two_test.go",
    "rs/src/lib.rs",
    "rs/src/a.rs",
    "rs/src/b/mod.rs",
    "rs/src/b/c.rs",
    "c/src/main.c",
    "c/include/util/x.h",
    "c/src/local.h",
    "rb/lib/foo.rb",
    "rb/lib/foo/bar.rb",
    "sh/lib.sh",
    "sh/run.sh",
]
FACTS = [
    ("module", "example.com/m", "", "go/go.mod"),
    ("module", "@me/ui", "", "packages/ui/package.json"),
    ("paths", "@/*", "./src/*", "web/tsconfig.json"),
]


class Listed:
    """An index that knows names only."""

    def paths(self, candidates):
        return [path for path in candidates if path in PATHS]

    def named(self, name):
        return [path for path in PATHS if posixpath.basename(path) == name]

    def in_folder(self, folder):
        return [path for path in PATHS if posixpath.dirname(path) == folder]

    def facts(self):
        return FACTS


@pytest.mark.parametrize(
    ("importer", "language", "module", "files"),
    [
        ("src/pkg/a.py", "python", ".sub.b", ["src/pkg/sub/b.py"]),
        ("src/pkg/sub/b.py", "python", "..a", ["src/pkg/a.py"]),
        ("src/pkg/sub/b.py", "python", "..", ["src/pkg/__init__.py"]),
        ("src/pkg/a.py", "python", "pkg.sub", ["src/pkg/sub/__init__.py"]),
        ("app/main.py", "python", "pkg.a", ["src/pkg/a.py"]),
        ("app/main.py", "python", "util", ["app/util.py"]),
        ("src/pkg/a.py", "python", "json", []),
        ("app/main.py", "python", "os.path", []),
        ("web/src/x.ts", "typescript", "./view", ["web/src/view/index.tsx"]),
        ("web/src/view/index.tsx", "tsx", "../lib/y.js", ["web/src/lib/y.js"]),
        ("web/src/view/index.tsx", "tsx", "../x.js", ["web/src/x.ts"]),
        ("web/src/view/index.tsx", "tsx", "@/x", ["web/src/x.ts"]),
        ("web/src/x.ts", "typescript", "../types", ["web/types.d.ts"]),
        ("web/src/x.ts", "typescript", "@me/ui", ["packages/ui/src/index.ts"]),
        ("web/src/x.ts", "typescript", "@me/ui/button", ["packages/ui/src/button.ts"]),
        ("web/src/x.ts", "typescript", "react", []),
        ("go/main.go", "go", "example.com/m/inner", ["go/inner/one.go", "go/inner/two.go"]),
        ("go/main.go", "go", "fmt", []),
        ("rs/src/lib.rs", "rust", "crate::a", ["rs/src/a.rs"]),
        ("rs/src/lib.rs", "rust", "self::b", ["rs/src/b/mod.rs"]),
        ("rs/src/b/mod.rs", "rust", "super::a", ["rs/src/a.rs"]),
        ("rs/src/b/c.rs", "rust", "crate::b::c::Type", ["rs/src/b/c.rs"]),
        ("c/src/main.c", "c", "local.h", ["c/src/local.h"]),
        ("c/src/main.c", "c", "util/x.h", ["c/include/util/x.h"]),
        ("c/src/main.c", "c", "stdio.h", []),
        ("rb/lib/foo.rb", "ruby", "./foo/bar", ["rb/lib/foo/bar.rb"]),
        ("sh/run.sh", "bash", "./lib.sh", ["sh/lib.sh"]),
        ("A.java", "java", "a.b", []),
    ],
)
def test_module(importer, language, module, files):
    assert list(Modules(Listed()).files_of(importer, language, module)) == files
