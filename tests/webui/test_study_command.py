"""What `study serve` and `study export` refuse or say in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.webui.study_process import write_study

ROOT = Path(__file__).resolve().parents[2]


def study(*words):
    command = [sys.executable, "launch.py", "study", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--host", "0.0.0.0"), "--listen"),
        (("--port", "99999"), "--port"),
        (("--ends", "soon"), "--ends"),
        (("--ends", "2020-01-01"), "is over"),
        (("--max-raters", "7"), "planned sessions"),
        (("--invites", "7"), "--invites"),
        (("--leader-password", "short"), "8 characters"),
        (("--public-url", "study.example.org"), "--public-url"),
        (("--database", "mysql://x"), "--database"),
        (("--break-minutes", "0"), "--break-minutes"),
    ],
)
def test_settings_that_cannot_be_are_one_line(tmp_path, options, word):
    write_study(tmp_path / "study")
    done = study("serve", "--skip-install", tmp_path / "study", *options)
    assert done.returncode == 2 and word in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_folder_without_a_study_is_one_line(tmp_path):
    for words in (("serve", "--skip-install", tmp_path), ("export", "--skip-install", tmp_path)):
        done = study(*words)
        assert done.returncode == 2 and "study plan" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_lost_picture_is_named_before_anybody_comes(tmp_path):
    plan = write_study(tmp_path / "study")
    name = next(iter(plan.files.values()))
    (tmp_path / "study" / name).unlink()
    done = study("serve", "--skip-install", tmp_path / "study")
    assert done.returncode == 2 and name in done.stderr


def test_export_writes_the_tables_of_an_empty_study(tmp_path):
    write_study(tmp_path / "study")
    done = study("export", "--skip-install", tmp_path / "study")
    assert done.returncode == 0
    assert (tmp_path / "study" / "ratings.csv").read_text().startswith("study,session,rater,trial,kind")
