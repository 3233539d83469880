"""The page's own temporary folder: everything a visitor uploads or gets lies in it, and it goes when the program goes.

whetstone-page-XXXX/     readable by this user alone
    lock                 held while the program lives; a folder whose lock is free was left behind by a kill
    served/              what the browser sends and gets: the only folder that the server reads from on request
    originals/           uploaded pictures, out of the server's reach
"""

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

PREFIX = "whetstone-page-"


class Workspace:
    """A temporary folder with a lock, removed by close(). Use as a context manager."""

    def __init__(self, parent=None):
        parent = Path(parent or tempfile.gettempdir()).resolve()
        remove_stale(parent)
        self.root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._lock = _try_lock(self.root / "lock")
        self.served = self.root / "served"
        self.originals = self.root / "originals"
        self._taken_in: dict[str, Path] = {}  # where the server put an upload -> where it is now
        self.served.mkdir()
        self.originals.mkdir()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def close(self):
        """Remove the folder and all that is in it; calling it again does nothing."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        shutil.rmtree(self.root, ignore_errors=True)

    def new_folder(self, parent):
        """A new empty folder with a name that cannot be guessed, in self.served or self.originals."""
        folder = parent / secrets.token_hex(16)
        folder.mkdir()
        return folder

    def take_in(self, path):
        """Move an upload to a folder of its own; returns its new path. Raises FileNotFoundError.

        The server puts equal files of two visitors who upload at the same moment into one place.
        """
        target = self.new_folder(self.served) / Path(path).name
        try:
            os.rename(path, target)
        except FileNotFoundError:  # the other one's was moved already
            shutil.copyfile(self._taken_in.get(path, path), target)
        self._taken_in[path] = target
        while len(self._taken_in) > 256:
            self._taken_in.pop(next(iter(self._taken_in)))
        with contextlib.suppress(OSError):  # another file is in it
            Path(path).parent.rmdir()
        return str(target)

    def owns_served(self, path):
        """Whether path (any string) is a plain file inside the served folder."""
        try:
            real = Path(os.path.realpath(path))
        except (OSError, ValueError):  # ValueError: a null character
            return False
        return real.is_relative_to(self.served) and real.is_file()

    def sweep(self, older_than_s, keep=()):
        """Delete what was left in the served folder (an upload that was broken off, for one) longer ago than that.

        keep: folders and files that are still in use.
        """
        kept = {Path(path) for path in keep}
        oldest = time.time() - older_than_s
        for entry in self.served.iterdir():
            with contextlib.suppress(OSError):  # gone in the meantime
                if entry in kept or any(entry in path.parents for path in kept) or entry.lstat().st_mtime > oldest:
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink()


def remove_stale(parent):
    """Remove the folders of programs that were killed before they could."""
    for folder in Path(parent).glob(f"{PREFIX}*"):
        if folder.is_symlink() or not folder.is_dir() or not _is_mine(folder):
            continue
        lock_path = folder / "lock"
        if not lock_path.exists() and time.time() - folder.stat().st_mtime < 60:
            continue  # another program is just making it
        lock = _try_lock(lock_path)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            lock.close()


def _is_mine(folder):
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def _try_lock(path):
    """An open file that holds the lock, or None when another program holds it."""
    try:
        file = open(path, "a+b")  # noqa: SIM115 - it stays open as long as the lock is held
    except OSError:
        return None
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
