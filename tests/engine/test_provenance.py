"""The commit beside a figure: what counts as a changed checkout, asked of real ones."""

import subprocess

import pytest

from engine import provenance
from engine.hardware import cpu_flags


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A function that runs git in a checkout of its own, which holds some code and a result."""

    def git(*arguments):
        settings = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        subprocess.run(["git", "-C", str(tmp_path), *settings, *arguments], check=True, capture_output=True)

    git("init")
    for name in ("engine/code.py", "assets/results/figure.json", "assets/models/nano.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("first")
    git("add", "-A")
    git("commit", "-m", "first")
    monkeypatch.setattr(provenance, "_CHECKOUT", tmp_path)
    return tmp_path


def test_an_unchanged_checkout_is_its_commit_in_twelve_digits(checkout):
    head = subprocess.run(["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert provenance.commit() == head.stdout[:12]


def test_an_earlier_figure_and_files_that_git_does_not_know_leave_it_clean(checkout):
    (checkout / "assets/results/figure.json").write_text("made again")
    (checkout / "runs").mkdir()
    (checkout / "runs/log").write_text("new")
    assert not provenance.commit().endswith("-dirty")


@pytest.mark.parametrize("name", ["engine/code.py", "assets/models/nano.json"])
def test_changed_code_or_weights_are_told(checkout, name):
    (checkout / name).write_text("changed")
    assert provenance.commit().endswith("-dirty")


def test_outside_a_checkout_it_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_CHECKOUT", tmp_path / "nowhere")
    assert provenance.commit() == "unknown"


def test_a_figure_tells_what_its_processor_was_told(monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    made = provenance.provenance("python launch.py benchmark")
    assert made["command"] == "ONEDNN_MAX_CPU_ISA=AVX2 python launch.py benchmark"
    assert made["machine"]["told"] == "ONEDNN_MAX_CPU_ISA=AVX2"
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    free = provenance.provenance("python launch.py benchmark")
    assert free["command"] == "python launch.py benchmark" and "told" not in free["machine"]
    if cpu_flags() is not None:
        assert ("AVX2" in made["machine"]["instructions"]) == ("avx2" in cpu_flags())
