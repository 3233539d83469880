"""Laws of the API reference, built as a user builds it: no warning, no dead link, nothing from elsewhere."""

import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from reference.build import PACKAGES, SCRIPTS, readable

ROOT = Path(__file__).resolve().parents[2]
pytest.importorskip("pdoc", reason="needs pdoc (requirements-dev.txt)")
pytest.importorskip("torch", reason="the reference documents what needs torch, too")

pytestmark = pytest.mark.slow  # it imports and reads everything: 20 s

LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder of the reference, made by the command, which fails on a warning."""
    folder = tmp_path_factory.mktemp("reference") / "docs"
    done = subprocess.run(
        [sys.executable, ROOT / "launch.py", "docs", "--skip-install", "--out", folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert str(folder / "index.html") in done.stdout
    return folder


class _Page(HTMLParser):
    """The ids, the links and what is loaded of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if LOADS.get(tag) in found:
            self.loads.append(found[LOADS[tag]])


@cache
def page(path):
    return _Page(path.read_text(encoding="utf-8"))


def test_every_module_has_a_page_and_the_first_one_leads_to_the_packages(pages):
    expected = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            expected |= {name} - set(SCRIPTS)
    there = {".".join(path.relative_to(pages).with_suffix("").parts) for path in pages.rglob("*.html")}
    assert there - {"index"} == expected
    assert {f"{package}.html" for package in PACKAGES} <= set(page(pages / "index.html").links)


def test_links_inside_lead_somewhere(pages):
    dead, seen = [], 0
    for path in sorted(pages.rglob("*.html")):
        for link in page(path).links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
            seen += 1
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in page(target).ids):
                dead.append(f"{path.relative_to(pages)}: {link}")
    assert seen > 1000 and not dead


def test_a_page_loads_nothing_from_elsewhere(pages):
    for path in pages.rglob("*.html"):
        assert not [what for what in page(path).loads if urlsplit(what).scheme not in ("", "data")], path
        text = path.read_text(encoding="utf-8")
        styles = "".join(re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL))
        assert not re.search(r"@import|url\((?![\"']?data:)", styles), path


def promised():
    """Names of ours that README, guide and CONTRIBUTING write: imports, and dotted names in code."""
    names = set()
    for file in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "guide").glob("*.md")):
        text = file.read_text(encoding="utf-8")
        code = " ".join(re.findall(r"```.*?```|`[^`]+`", text, flags=re.DOTALL))
        owners = "|".join(PACKAGES)
        for home, imported in re.findall(rf"from ((?:{owners})[\w.]*) import ([\w, ]+)", code):
            names |= {f"{home}.{name.strip()}" for name in imported.split(",")}
        names |= set(re.findall(rf"(?<![\w./-])(?:{owners})(?:\.\w+)+(?![\w/])", code))
    return sorted(names)


def test_what_readme_and_contributing_name_is_in_it(pages):
    assert {"engine.Sharpener", "mos_study.mos_table", "engine.degradation.Degradation"} <= set(promised())
    for name in promised():
        parts = name.split(".")
        homes = [pages.joinpath(*parts[:size]).with_suffix(".html") for size in range(len(parts), 0, -1)]
        home = next(path for path in homes if path.is_file())
        member = ".".join(parts[len(home.relative_to(pages).parts) :])
        assert not member or member in page(home).ids, name


def test_how_a_sharpener_is_called_is_told(pages):
    assert "Sharpener.__call__" in page(pages / "engine.html").ids
    assert "any size from 1x1" in (pages / "engine.html").read_text(encoding="utf-8")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "docs").touch()
    words = [sys.executable, ROOT / "launch.py", "docs", "--skip-install", "--out", tmp_path / "docs"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "is a file" in done.stderr


@pytest.mark.parametrize(
    "docstring, markdown",
    [
        ("One line.", "One line."),
        ("What.\n\nx: this\ny, z: that\nRaises Bad.", "What.\n\nx: this  \ny, z: that  \nRaises Bad."),
        ("What.\n\na prose that\ngoes on", "What.\n\na prose that\ngoes on"),
        ("What.\n\na   one\nbcd  two\n\nEnd.", "What.\n\n    a   one\n    bcd  two\n\nEnd."),
        ("What.\n\n    x = 1\n        y\n", "What.\n\n    x = 1\n        y"),
    ],
)
def test_columns_stand_and_subjects_begin_a_line(docstring, markdown):
    assert readable(docstring) == markdown
