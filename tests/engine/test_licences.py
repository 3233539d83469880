"""The list of licences: complete, from metadata of every age, with what needs care named."""

import json
import sys

import pytest

import launch
from engine.commands.licences import as_text
from engine.licences import licences


@pytest.fixture
def install(tmp_path, monkeypatch):
    """install(name, *lines of METADATA, files=()) puts a package on the path; there are no others."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *(place for place in sys.path if "site-packages" not in place)])
    import packaging.requirements  # noqa: F401  # what engine.licences needs itself, before it is out of sight

    def put(name, *lines, files=()):
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        text = "\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines, ""])
        (info / "METADATA").write_text(text, encoding="utf-8")
        (info / "RECORD").write_text("".join(f"{path},,\n" for path in files), encoding="utf-8")
        for path in files:  # from Python 3.12 on those that are not there are not listed
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).touch()

    return put


def require(root, **layers):
    for layer, names in layers.items():
        name = "requirements.txt" if layer == "base" else f"requirements-{layer}.txt"
        (root / name).write_text("# pins\n" + "".join(f"{one}==1.0\n" for one in names), encoding="utf-8")


def test_packages_are_followed_to_what_they_need_and_belong_to_the_first_layer_that_needs_them(install, tmp_path):
    install("page", "License-Expression: MIT", "Requires-Dist: deep>=1", "Requires-Dist: never; extra == 'oauth'")
    install("deep", "License-Expression: MIT", "Requires-Dist: page")
    install("never", "License-Expression: MIT")
    install("charts", "License-Expression: MIT", "Requires-Dist: Deep", "Requires-Dist: far.away; python_version < '3'")
    require(tmp_path, base=["page"], study=["charts", "gone"])
    rows, absent = licences(tmp_path)
    assert [(row.name, row.layer) for row in rows] == [("charts", "study"), ("deep", "base"), ("page", "base")]
    assert absent == ["gone"]


@pytest.mark.parametrize(
    "lines, licence, care",
    [
        (["License-Expression: Apache-2.0"], "Apache-2.0", ""),
        (["License: MIT License"], "MIT License", ""),
        (["License: a\n        whole\n        text", "Classifier: License :: OSI Approved :: BSD"], "BSD", ""),
        (["Classifier: License :: OSI Approved :: GNU General Public License v2 (GPLv2)"],
         "GNU General Public License v2 (GPLv2)", "comes under its terms"),
        (["License-Expression: AGPL-3.0-only"], "AGPL-3.0-only", "comes under its terms"),
        (["License-Expression: GPL-3.0-only AND MPL-2.0"], "GPL-3.0-only AND MPL-2.0", "comes under its terms"),
        (["License-Expression: LGPL-3.0-only"], "LGPL-3.0-only", "changes to the package"),
        (["Classifier: License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)"],
         "Mozilla Public License 2.0 (MPL 2.0)", "changes to the package"),
        ([], "unknown", "names no licence"),
    ],
)  # fmt: skip
def test_the_licence_is_read_from_metadata_of_every_age_and_judged(install, tmp_path, lines, licence, care):
    install("it", *lines)
    require(tmp_path, base=["it"])
    ((row,), _absent) = licences(tmp_path)
    assert row.licence == licence and (care in row.care if care else row.care == "")


def test_a_stricter_library_inside_a_wheel_is_named(install, tmp_path):
    install("video", "License-Expression: BSD-3-Clause", files=["video.libs/libx264-d65.so.165", "video/__init__.py"])
    require(tmp_path, base=["video"])
    rows, absent = licences(tmp_path)
    assert rows[0].care == "bundles x264 (GPL-2.0-or-later)"
    assert "  video  BSD-3-Clause: bundles x264 (GPL-2.0-or-later)" in as_text(rows, absent).splitlines()


def test_the_command_names_the_gpl_of_the_virtual_camera_and_knows_every_licence(capsys):
    assert launch.main(["licences", "--json", "--skip-install"]) == 0
    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)["packages"]}
    assert "GPLv2" in found["pyvirtualcam"]["licence"] and "its terms" in found["pyvirtualcam"]["care"]
    assert [name for name, row in found.items() if row["licence"] == "unknown"] == []
    assert {"numpy", "starlette"} <= set(found) and found["starlette"]["layer"] == "base"
