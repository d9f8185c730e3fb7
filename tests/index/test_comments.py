"""What comments say of a file and of what stands below them; licences, pragmas and annotations say nothing."""

from __future__ import annotations

import pytest

from sidecar.index.comments import first_words, words_above

C = (b"//", b"/*", b"*")
HASH = (b"#",)
RUST = (*C, b"#[")


@pytest.mark.parametrize(
    ("text", "marks", "said"),
    [
        (b"// Carts.\nint a;\n", C, b"Carts."),
        (b"int a;\n// Carts.\n", C, b""),
        (b"/*\n * Copyright 2011 Them.\n *\n * You may not use this.\n */\n\n/* Carts. */\n", C, b"Carts."),
        (b"// Copyright 2011 Them.\n// found in the LICENSE file. See the AUTHORS\nint a;\n", C, b""),
        (b"# frozen_string_literal: true\n\n# Carts.\n", HASH, b"Carts."),
        (b"#!/bin/sh\n# -*- coding: utf-8 -*-\n# Carts: a few.\n", HASH, b"Carts: a few."),
        (b'/// <reference lib="es" />\n// https://x.org/y\n// eslint-disable\n', C, b""),
        (b"#[macro_use]\n// Carts.\n", RUST, b"Carts."),
    ],
)
def test_a_file_says_first(text, marks, said):
    assert first_words(text, marks) == said


@pytest.mark.parametrize(
    ("above", "marks", "said"),
    [
        (b"// Adds.\n// More.", C, b"Adds."),
        (b"/** Adds. */\n@Override", C, b"Adds."),
        (b"/// Adds.\n#[inline]", RUST, b"Adds."),
        (b"#[derive(Debug)]", RUST, b""),
        (b"#!/bin/bash", HASH, b""),
        (b"// Other.\n", C, b""),
    ],
)
def test_what_stands_right_above_says(above, marks, said):
    lines = [*above.split(b"\n"), b"int a;"]
    assert words_above(lines, len(lines) - 1, marks) == said
