"""The page's files: all there, nothing from elsewhere, nothing that makes markup out of text."""

from __future__ import annotations

import re

import pytest

from sidecar.dashboard.page import FILES, read_file

PAGE = {address: read_file(address).body.decode() for address in FILES}


@pytest.mark.parametrize("address", FILES)
def test_a_file_loads_nothing_from_elsewhere(address: str):
    text = PAGE[address].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|url\(|@import|//[a-z]+\.", text)
    assert read_file(address).media.partition(";")[0].count("/") == 1


def test_the_page_refers_to_its_own_files_only_and_holds_no_inline_code():
    html = PAGE["/dashboard"]
    assert set(re.findall(r'(?:src|href)="([^"#]+)"', html)) == set(FILES) - {"/dashboard"}
    assert not re.search(r"<style|\bstyle=|\bon\w+=|<script(?![^>]*\bsrc=)|javascript:", html)


def test_the_script_writes_text_never_markup():
    script = PAGE["/dashboard/app.js"]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|DOMParser|\beval\b|new Function|setHTML", script
    )
    assert "localStorage" not in script
    assert "document.cookie" not in script
    assert script.count("\n") <= 400


def test_every_section_that_the_script_fills_is_there():
    html, script = PAGE["/dashboard"], PAGE["/dashboard/app.js"]
    sections = re.findall(r"^  \['(\w+)', show\w+, \[", script, re.MULTILINE)
    assert sections == re.findall(r'<section id="(\w+)"', html) == re.findall(r'<a href="#(\w+)">[A-Z]', html)[-5:]
    for ident in re.findall(r"getElementById\('([\w-]+)'\)", script):
        assert f'id="{ident}"' in html
