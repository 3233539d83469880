"""The command `space`: what it writes for a static host, whole or not at all, and what it refuses."""

import json
import re
import subprocess

import pytest

import launch
from engine.errors import BadOutput, UnknownBackend
from webui import browser_runtime, static_page, theme
from webui.browser_runtime import CDN, FILES, FOLDER_VARIABLE, fetch_runtime
from webui.space_readme import readme


def space(*words):
    return launch.main(["space", *map(str, words), "--skip-install"])


def test_a_space_has_all_that_hugging_face_reads(tmp_path):
    assert space("--static", tmp_path / "out") == 0
    out = tmp_path / "out"
    front_matter = (out / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    facts = dict(line.split(": ", 1) for line in front_matter.splitlines() if re.match(r"\w+: ", line))
    assert facts["sdk"] == "static" and (out / facts["app_file"]).is_file()
    assert len(facts["short_description"]) <= 60  # Hugging Face refuses a longer one
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}  # of its documentation
    assert {facts["colorFrom"], facts["colorTo"]} <= colours
    for header in ("cross-origin-opener-policy: same-origin", "cross-origin-embedder-policy: require-corp"):
        assert f"\n  {header}\n" in front_matter
    told = json.loads((out / "runtime.json").read_text())
    assert told == {"base": CDN, "files": FILES} and not (out / "runtime").exists()
    assert f"connect-src 'self' {CDN} " in (out / "index.html").read_text()
    students = json.loads((out / "models" / "students.json").read_text())["students"]
    for student in students:
        for name, hash_of in student["integrity"].items():
            done = subprocess.run(
                f"openssl dgst -sha384 -binary {out / 'models' / name} | openssl base64 -A",
                shell=True, check=True, capture_output=True, text=True,
            )  # fmt: skip
            assert hash_of == f"sha384-{done.stdout}"
    assert [student["name"] for student in students] == ["nano", "small"]
    assert max(path.stat().st_size for path in out.rglob("*") if path.is_file()) < 10e6  # needs no Git LFS


def test_every_file_that_the_page_names_is_written(tmp_path):
    assert space("--static", tmp_path / "out") == 0
    out = tmp_path / "out"
    for path in [*out.glob("*.js"), out / "index.html", out / "page.css"]:
        text = path.read_text(encoding="utf-8")
        named = re.findall(r"""(?:from |new URL\(|src=|href=)["'](?:\./)?([\w./-]+\.\w+)["']""", text)
        assert [name for name in named if not (out / name).is_file()] == [], path.name
        assert not re.search(r"""["'(]/\w""", re.sub(r"https?://", "", text)), f"{path.name} names an absolute path"


def test_a_folder_that_holds_something_is_left_alone_without_overwrite(tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    assert space("--static", out) == 2
    assert capsys.readouterr().err.count("\n") == 1 and [path.name for path in out.iterdir()] == ["mine.txt"]
    (out / "index.html").write_text("old")
    assert space("--static", out, "--overwrite") == 0
    assert (out / "mine.txt").read_text() == "kept" and "Whetstone" in (out / "index.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "out").mkdir()
    assert space("--static", tmp_path / "out") == 0 and (tmp_path / "out" / "index.html").is_file()


@pytest.mark.parametrize(
    "words, expected",
    [
        ((), "say --static OUT"),
        (("--static", "{tmp}/none/out"), "does not exist; create it first"),
        (("--static", "{tmp}/file"), "is a file"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, capsys, words, expected):
    (tmp_path / "file").write_text("")
    assert space(*(word.format(tmp=tmp_path) for word in words)) == 2
    said = capsys.readouterr().err
    assert expected in said and said.count("\n") == 1


@pytest.mark.parametrize("before", [{}, {"index.html": "old"}], ids=["absent", "with an old page"])
def test_a_failure_on_the_way_leaves_nothing_half_written(tmp_path, monkeypatch, before):
    out = tmp_path / "out"
    if before:
        out.mkdir()
    for name, text in before.items():
        (out / name).write_text(text)

    def fail():
        raise BadOutput("the file is not what the engine computes")

    monkeypatch.setattr(static_page, "models", fail)
    with pytest.raises(BadOutput, match="not what the engine computes"):
        static_page.write_page(out, readme(), overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == (["out"] if before else [])
    assert {path.name: path.read_text() for path in out.glob("*")} == before


def test_the_pages_colours_are_those_of_the_gradio_page():
    css = (static_page.PAGE / "page.css").read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in css.split("@media")[:2])
    page_css = theme.style_sheet()
    look = vars(theme.theme())
    for name, ours in {
        "ground": "body_background_fill", "text": "body_text_color", "quiet": "body_text_color_subdued",
        "block": "block_background_fill", "line": "block_border_color", "edge": "input_border_color",
        "field": "input_background_fill", "primary": "button_primary_background_fill",
        "primary-hover": "button_primary_background_fill_hover", "primary-text": "button_primary_text_color",
        "chosen": "checkbox_label_background_fill_selected", "hover": "button_secondary_background_fill_hover",
    }.items():  # fmt: skip
        assert (light[name], dark[name]) == (look[ours], look[f"{ours}_dark"]), name
    for name in ("accent", "bad"):
        assert [light[name], dark[name]] == re.findall(rf"--whetstone-{name}: (#\w+);", page_css), name


def test_without_npm_one_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "runtime"))
    monkeypatch.setattr(browser_runtime.shutil, "which", lambda name: None)
    assert space("--static", tmp_path / "out", "--runtime", "local") == 2
    assert "npm is needed once" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_another_package_than_the_pinned_one_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "runtime"))
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho something else > onnxruntime-web.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setattr(browser_runtime.shutil, "which", lambda name: str(npm))
    with pytest.raises(UnknownBackend, match="SHA-512 is pinned"):
        fetch_runtime()
    assert [path for path in (tmp_path / "runtime").rglob("*") if path.is_file()] == []
