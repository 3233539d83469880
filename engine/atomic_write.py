"""A file that appears whole or not at all: written beside its place, flushed to disk, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import weakref
from pathlib import Path

from engine.errors import BadOutput

_NO_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_DISK_TROUBLE = _NO_SPACE | {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EIO
}  # fmt: skip


def write_atomically(path: str | os.PathLike, data: bytes, *, overwrite: bool = False) -> None:
    """Writes data to path; until the last step nothing there changes, and what stood there is never opened.

    A new file gets the permissions of the process's umask; one that takes the place of another keeps the other's.
    Raises BadOutput: something is there already (without overwrite), folder missing or read-only, disk full.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise BadOutput(f"{path} is a folder; give the name of a file in it")
    if not overwrite and os.path.lexists(path):
        raise BadOutput(already_there(path))
    temporary = path.parent / f".whetstone-{secrets.token_hex(8)}.tmp"
    try:
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _move(temporary, path, overwrite)
        except OSError as error:
            raise BadOutput(refusal(path, len(data), error)) from error
    finally:
        _unlink(temporary)


class Beside:
    """A long file that a library writes by itself: `temporary` beside its place; keep() moves it there, discard() not.

    Raises BadOutput at once: something is there already (without overwrite), folder missing or read-only; keep() too.
    """

    def __init__(self, path: str | os.PathLike, *, overwrite: bool = False):
        self.path, self._overwrite = Path(path), overwrite
        if os.path.isdir(self.path):
            raise BadOutput(f"{self.path} is a folder; give the name of a file in it")
        if not overwrite and os.path.lexists(self.path):
            raise BadOutput(already_there(self.path))
        self.temporary = self.path.parent / f".whetstone-{secrets.token_hex(8)}.tmp"
        # also where nobody came to call discard(): Ctrl-C may fall between any two steps of whoever makes this
        self._remove = weakref.finalize(self, _unlink, self.temporary)
        try:
            self.temporary.open("xb").close()
        except OSError as error:
            raise BadOutput(refusal(self.path, 0, error)) from error

    def refusal(self, error: OSError) -> str:
        """One line on why the library could not go on writing."""
        size = self.temporary.stat().st_size if self.temporary.exists() else 0
        return refusal(self.path, size, error, "more than ")

    def keep(self) -> None:
        """Flush it to disk and give it its name."""
        try:
            with open(self.temporary, "rb+") as file:
                os.fsync(file.fileno())
            _move(self.temporary, self.path, self._overwrite)
        except OSError as error:
            raise BadOutput(self.refusal(error)) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave nothing behind; after keep() it does nothing."""
        self._remove()


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):  # moved away already, or never made
        path.unlink()


@contextlib.contextmanager
def writing_into(folder: str | os.PathLike):
    """For long work that writes many files: a disk that is full, read-only or not there raises BadOutput."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_TROUBLE:
            raise
        raise BadOutput(
            f"cannot write into {folder} ({error.strerror}); what is there stays whole: "
            "free some space or name another folder, and start again"
        ) from error


def _move(temporary: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        with contextlib.suppress(FileNotFoundError):
            there = os.stat(path, follow_symlinks=False)
            if stat.S_ISREG(there.st_mode):
                os.chmod(temporary, stat.S_IMODE(there.st_mode))
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # fails where a rename would replace what someone else made meanwhile
    except FileExistsError as error:
        raise BadOutput(already_there(path)) from error
    except (OSError, NotImplementedError):  # no hard links on this file system
        if os.path.lexists(path):
            raise BadOutput(already_there(path)) from None
        os.replace(temporary, path)


def already_there(path: Path) -> str:
    """One line on why nothing is written to a path where something is, and what to do."""
    return f"{path} exists already and is left as it is; choose another name, or add --overwrite to replace it"


def refusal(path: Path, size: int, error: OSError, more: str = "") -> str:
    """One line on why `size` bytes could not be written to path, and what to do; more: "more than " where it grows."""
    folder = path.parent
    if error.errno in _NO_SPACE:
        needed = more + (f"{size / 1e6:.1f} MB" if size >= 50_000 else f"{size:,} bytes")
        return f"the disk of {folder} is full: {path.name} needs {needed}; free some space or choose another folder"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"the folder {folder} does not exist; create it first, or choose another"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"the folder {folder} cannot be written to ({error.strerror}); choose a folder of your own"
    if error.errno == errno.ENAMETOOLONG:
        return f"the name {path.name[:40]}... is too long for this disk; choose a shorter one"
    return f"{path} cannot be written ({error.strerror or error}); choose another folder"
