"""The page's temporary folder: gone at the end, even after a kill; nothing outside it is ever handed out."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from webui.workspace import PREFIX, Workspace, remove_stale

ROOT = Path(__file__).resolve().parents[2]


def test_the_folder_is_private_and_gone_at_the_end(tmp_path):
    with Workspace(tmp_path) as workspace:
        (workspace.new_folder(workspace.originals) / "0000").write_bytes(b"secret")
        if os.name != "nt":
            assert workspace.root.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_what_a_killed_program_left_is_removed_by_the_next(tmp_path):
    program = (
        f"from webui.workspace import Workspace\nw = Workspace({str(tmp_path)!r})\n"
        "(w.originals / 'x').write_bytes(b'secret')\nprint(w.root, flush=True)\nimport time\ntime.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process:
        left = Path(process.stdout.readline().strip())
        with Workspace(tmp_path):
            assert (left / "originals" / "x").exists(), "a living program's folder was removed"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert left.exists()
    with Workspace(tmp_path):
        assert not left.exists()


def test_a_link_that_poses_as_a_left_folder_is_not_followed(tmp_path):
    target = tmp_path / "precious"
    target.mkdir()
    (target / "lock").touch()
    (tmp_path / f"{PREFIX}evil").symlink_to(target)
    remove_stale(tmp_path)
    assert target.exists()


def test_only_plain_files_inside_the_served_folder_are_handed_out(tmp_path):
    with Workspace(tmp_path) as workspace:
        inside = workspace.new_folder(workspace.served) / "a.jpg"
        inside.write_bytes(b"1")
        hidden = workspace.originals / "b"
        hidden.write_bytes(b"2")
        link = workspace.served / "link.jpg"
        link.symlink_to(hidden)
        assert workspace.owns_served(str(inside))
        for path in (
            hidden,
            link,
            workspace.served,
            inside.parent,
            inside.parent / "missing.jpg",
            f"{workspace.served}/../originals/b",
            "/etc/passwd",
            "",
            "a\0b",
            f"{workspace.served}x/a.jpg",
        ):
            assert not workspace.owns_served(str(path)), path


def test_the_sweep_deletes_what_is_old_and_not_in_use(tmp_path):
    with Workspace(tmp_path) as workspace:
        old, used, fresh = (workspace.new_folder(workspace.served) for _ in range(3))
        for folder in (old, used, fresh):
            (folder / "a.jpg").write_bytes(b"1")
        broken_off = workspace.served / "tmpabc"
        broken_off.write_bytes(b"half an upload")
        before = time.time() - 7200
        for path in (old, used, broken_off):
            os.utime(path, (before, before))
        workspace.sweep(3600, keep=[used / "a.jpg"])
        assert not old.exists() and not broken_off.exists()
        assert (used / "a.jpg").exists() and (fresh / "a.jpg").exists()
