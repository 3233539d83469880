"""The doctor: it never fails because a thing is missing, and each lack comes with its fix."""

import json
import os
import socket
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import engine.cards
from engine import doctor, hardware
from engine.cards import Card, save_card
from engine.students import StudentConfig
from tests.launch.small_product import ROOT


def run_doctor(*arguments, interpreter=(), **environment):
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import launch; sys.exit(launch.main(sys.argv[1:]))"
    command = [sys.executable, *interpreter, "-c", program, "doctor", "--skip-install", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder of models with one whole card, "small"."""
    config = StudentConfig(width=4, depth=0)
    weights = {name: np.zeros(shape, np.float32) for name, shape in config.shapes().items()}
    save_card(Card("small", config, weights), tmp_path)
    monkeypatch.setattr(engine.cards, "MODELS_DIR", tmp_path)
    return tmp_path


def test_an_empty_interpreter_gets_findings_and_fixes_not_a_traceback(tmp_path):
    done = run_doctor(interpreter=("-I", "-S"), WHETSTONE_VENV=str(tmp_path / "none"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "!!  gradio is not installed" in done.stdout and "fix: `python launch.py` installs it" in done.stdout
    assert "Port " in done.stdout  # it went on to the last topic


def test_json_holds_the_same_topics(tmp_path):
    done = run_doctor("--json", WHETSTONE_VENV=str(tmp_path / "none"))
    findings = json.loads(done.stdout)
    assert list(findings) == list(doctor.TOPICS)
    rows = [row for topic in findings.values() for row in topic]
    assert rows and all(set(row) == {"text", "status", "fix"} for row in rows)
    assert all(row["fix"] for row in rows if row["status"] != "ok")


def test_a_collector_that_breaks_hides_neither_itself_nor_the_others(monkeypatch):
    def broken():
        yield doctor.Finding("seen before it broke")
        raise RuntimeError("driver on fire")

    monkeypatch.setattr(doctor, "TOPICS", {"Broken": broken, "Port": doctor._port})
    findings = doctor.examine()
    assert [row.status for row in findings["Broken"]] == ["ok", "problem"]
    assert "driver on fire" in findings["Broken"][1].text
    assert findings["Port"]


def test_a_port_in_use_is_told_with_another_to_take(monkeypatch):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        monkeypatch.setattr(doctor, "PORT", port)
        (finding,) = doctor._port()
    assert finding.status == "note" and f"python launch.py --port {port + 1}" in finding.fix


def test_a_whole_model_is_told_with_its_size(models):
    (finding,) = doctor._models()
    assert finding.status == "ok"
    # 12 x 12 x 4 + 4 in the head, 3 x 3 x 4 x 16 + 16 in the tail
    assert finding.text.startswith("small: 1,172 parameters")


def test_a_damaged_model_is_named_with_its_fix(models):
    weights = bytearray((models / "small.safetensors").read_bytes())
    weights[-1] ^= 1
    (models / "small.safetensors").write_bytes(weights)
    (models / "broken.json").write_text("{")
    broken, small = doctor._models()
    assert broken.status == small.status == "problem"
    assert "broken.json" in broken.text and "SHA-256" in small.text and "checkout -- assets/models" in small.fix


def test_no_model_at_all_is_a_problem(models):
    (models / "small.json").unlink()
    (finding,) = doctor._models()
    assert finding.status == "problem"


def test_a_temporary_folder_that_cannot_be_written_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    findings = list(doctor._disk())
    assert findings[-1].status == "problem" and "TMPDIR" in findings[-1].fix


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for nvidia-smi is a shell script")
def test_an_nvidia_gpu_without_torch_comes_with_the_command_that_uses_it(tmp_path, monkeypatch):
    script = tmp_path / "nvidia-smi"
    script.write_text("#!/bin/sh\necho 'NVIDIA GeForce GTX 1060, 6144 MiB, 580.95.05'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert hardware.nvidia_gpus() == ["NVIDIA GeForce GTX 1060, 6144 MiB, driver 580.95.05"]
    monkeypatch.setattr(doctor, "_version", lambda package: None)
    (finding,) = doctor._torch()
    assert finding.status == "note" and "python launch.py --torch" in finding.fix


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the comparison is with Linux' own numbers")
def test_memory_is_what_linux_says():
    total, free = hardware.memory_bytes()
    assert 0 < free <= total <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
