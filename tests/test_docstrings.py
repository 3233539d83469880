"""Docstrings are there: of every module, of what a module offers, and of all that a package exports."""

import ast
import inspect
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

import mos_study

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("engine", "distill", "mos_study", "webui", "reference")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
# the same in every command: launch.py says what they are
OF_COMMANDS = {"add_arguments", "run"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_and_what_it_offers_say_what_they_are(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    offered = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    assert not [node.name for node in offered if not ast.get_docstring(node) and node.name not in OF_COMMANDS]


@pytest.mark.parametrize("package", ["engine", "mos_study"])
def test_every_method_of_what_a_package_exports_is_told(package):
    home = import_module(package)
    silent = []
    for name in home.__all__:
        thing = getattr(home, name)
        assert inspect.getdoc(thing), name
        for member, value in vars(thing).items() if inspect.isclass(thing) else ():
            value = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if (inspect.isfunction(value) or isinstance(value, property)) and (
                not member.startswith("_") or member == "__call__"
            ):
                silent += [] if inspect.getdoc(value) else [f"{name}.{member}"]
    assert not silent


@pytest.mark.parametrize("name", mos_study.__all__)
def test_what_the_study_exports_says_what_it_raises(name):
    thing = getattr(mos_study, name)
    assert not inspect.isfunction(thing) or "Raises Bad" in inspect.getdoc(thing)


@pytest.mark.parametrize("home, name", [("engine.sharpener", "Sharpener.__call__"), ("distill.metrics", "ssim"),
                                        ("distill.metrics", "psnr")])  # fmt: skip
def test_who_takes_pixels_says_their_shape_type_and_what_is_refused(home, name):
    told = inspect.getdoc(attrgetter(name)(import_module(home)))
    assert "(H, W, 3)" in told and "uint8" in told and "Raises" in told
