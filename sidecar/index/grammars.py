"""Which grammar reads a file, and how definitions look in it: node types, the field of their name, what they define."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath
from typing import Final

from tree_sitter import Language

Shapes = Mapping[str, tuple[str, str]]
"""Type of a defining node -> (field that holds its name, kind of what it defines)."""


@dataclass(frozen=True)
class Grammar:
    """One language.

    `scopes` maps nodes that contain definitions to the field of their name; `top` are the nodes right under which a
    variable counts as defined for others (elsewhere it is a local one).
    """

    name: str
    suffixes: tuple[str, ...]
    shapes: Shapes
    scopes: Mapping[str, str]
    top: frozenset[str] = frozenset()


_PYTHON: Final = Grammar(
    "python",
    (".py", ".pyi"),
    {
        "function_definition": ("name", "function"),
        "class_definition": ("name", "class"),
        "assignment": ("left", "variable"),
    },
    {"class_definition": "name", "function_definition": "name"},
    frozenset({"module", "class_definition"}),
)
_ECMA_SHAPES: Final[Shapes] = {
    "function_declaration": ("name", "function"),
    "generator_function_declaration": ("name", "function"),
    "class_declaration": ("name", "class"),
    "class": ("name", "class"),
    "method_definition": ("name", "method"),
    "variable_declarator": ("name", "variable"),
}
_JAVASCRIPT_SCOPES: Final = {"class_declaration": "name", "class": "name", "function_declaration": "name"}
_JAVASCRIPT: Final = Grammar(
    "javascript",
    (".js", ".jsx", ".mjs", ".cjs"),
    {**_ECMA_SHAPES, "field_definition": ("property", "field")},
    _JAVASCRIPT_SCOPES,
    frozenset({"program", "export_statement"}),
)
_TYPESCRIPT_SHAPES: Final[Shapes] = {
    **_ECMA_SHAPES,
    "abstract_class_declaration": ("name", "class"),
    "interface_declaration": ("name", "interface"),
    "type_alias_declaration": ("name", "type"),
    "enum_declaration": ("name", "enum"),
    "function_signature": ("name", "function"),
    "method_signature": ("name", "method"),
    "abstract_method_signature": ("name", "method"),
    "public_field_definition": ("name", "field"),
    "property_signature": ("name", "field"),
    "internal_module": ("name", "module"),
    "module": ("name", "module"),
}
_TYPESCRIPT_SCOPES: Final = {
    **_JAVASCRIPT_SCOPES,
    "abstract_class_declaration": "name",
    "interface_declaration": "name",
    "enum_declaration": "name",
    "internal_module": "name",
}
_TYPESCRIPT: Final = Grammar(
    "typescript", (".ts", ".mts", ".cts"), _TYPESCRIPT_SHAPES, _TYPESCRIPT_SCOPES, _JAVASCRIPT.top
)
_TSX: Final = Grammar("tsx", (".tsx",), _TYPESCRIPT_SHAPES, _TYPESCRIPT_SCOPES, _JAVASCRIPT.top)
_GO: Final = Grammar(
    "go",
    (".go",),
    {
        "function_declaration": ("name", "function"),
        "method_declaration": ("name", "method"),
        "method_elem": ("name", "method"),
        "type_spec": ("name", "type"),
        "type_alias": ("name", "type"),
        "field_declaration": ("name", "field"),
        "const_spec": ("name", "constant"),
        "var_spec": ("name", "variable"),
    },
    {"type_spec": "name", "function_declaration": "name"},
    frozenset({"source_file"}),
)
_JAVA: Final = Grammar(
    "java",
    (".java",),
    {
        "class_declaration": ("name", "class"),
        "interface_declaration": ("name", "interface"),
        "enum_declaration": ("name", "enum"),
        "record_declaration": ("name", "class"),
        "annotation_type_declaration": ("name", "interface"),
        "method_declaration": ("name", "method"),
        "constructor_declaration": ("name", "constructor"),
        "variable_declarator": ("name", "field"),
        "enum_constant": ("name", "constant"),
    },
    {
        "class_declaration": "name",
        "interface_declaration": "name",
        "enum_declaration": "name",
        "record_declaration": "name",
    },
    frozenset({"field_declaration", "constant_declaration"}),
)
_RUST: Final = Grammar(
    "rust",
    (".rs",),
    {
        "function_item": ("name", "function"),
        "function_signature_item": ("name", "function"),
        "struct_item": ("name", "struct"),
        "enum_item": ("name", "enum"),
        "union_item": ("name", "union"),
        "trait_item": ("name", "trait"),
        "type_item": ("name", "type"),
        "mod_item": ("name", "module"),
        "macro_definition": ("name", "macro"),
        "const_item": ("name", "constant"),
        "static_item": ("name", "variable"),
        "enum_variant": ("name", "constant"),
        "field_declaration": ("name", "field"),
    },
    {
        "impl_item": "type",
        "trait_item": "name",
        "mod_item": "name",
        "struct_item": "name",
        "enum_item": "name",
        "function_item": "name",
    },
)

GRAMMARS: Final = (_PYTHON, _JAVASCRIPT, _TYPESCRIPT, _TSX, _GO, _JAVA, _RUST)
_TABLES: Final = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "rust": ("tree_sitter_rust", "language"),
}
_BY_SUFFIX: Final = {suffix: grammar for grammar in GRAMMARS for suffix in grammar.suffixes}


def grammar_for(path: str) -> Grammar | None:
    """The grammar of a file by its name, or None."""
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower())


def language(name: str) -> Language:
    """The parser's tables for a grammar; loaded now, as few projects need all of them."""
    package, function = _TABLES[name]
    return Language(getattr(import_module(package), function)())
