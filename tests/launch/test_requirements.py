"""The requirements files: every line is one that launch.py understands as pip does."""

import platform
import sys

import pytest
from packaging.requirements import Requirement as PipRequirement

import environment

LINES = [
    (layer, line)
    for layer, file in environment.LAYERS.items()
    for line in (environment.ROOT / file).read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
MACHINES = [
    ("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"), ("darwin", "arm64"), ("darwin", "x86_64")
]  # fmt: skip
PYTHONS = [(3, 10), (3, 11), (3, 12), (3, 13)]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system, machine", MACHINES)
def test_markers_hold_where_packaging_says_they_hold(monkeypatch, python, system, machine):
    monkeypatch.setattr(sys, "version_info", (*python, 0))
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    theirs = {"python_version": f"{python[0]}.{python[1]}", "sys_platform": system, "platform_machine": machine}
    for layer in environment.LAYERS:
        expected = []
        for _, line in [item for item in LINES if item[0] == layer]:
            parsed = PipRequirement(line.split("#")[0])
            if parsed.marker is None or parsed.marker.evaluate(theirs):
                expected.append(f"{parsed.name}{parsed.specifier}")
        assert [f"{item.name}=={item.pinned}" for item in environment.read_layer(layer)] == expected
        assert len({line.split("==")[0] for line in expected}) == len(expected)  # no package twice


def test_running_without_training_needs_neither_torch_nor_cuda():
    names = {line.split("==")[0].lower() for layer, line in LINES if layer == "base"}
    assert not {name for name in names if name.startswith(("torch", "nvidia", "cuda", "triton"))}


@pytest.mark.parametrize(
    "installed, met",
    [("2.13.0", True), ("2.13.0+cpu", True), ("2.10.0+cu126", True), ("2.9.1", False), ("3.0", True), (None, False)],
)
def test_an_installed_torch_from_2_10_on_will_do(monkeypatch, installed, met):
    monkeypatch.setattr(environment, "_installed_version", lambda name: installed)
    (torch,) = [item for item in environment.read_layer("torch") if item.name == "torch"]
    assert torch.met() is met
    assert torch.for_pip() == ("torch>=2.10" if met else "torch==2.13.0")


def test_a_line_that_is_no_pin_is_refused(monkeypatch, tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy>=2\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    with pytest.raises(ValueError, match="expected `name==version"):
        environment.read_layer("base")
