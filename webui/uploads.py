"""Files that a browser sent, taken over under names of our own."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadImage
from webui.file_names import clean_name, unlike


@dataclass(frozen=True)
class Upload:
    """A file that the browser sent: where it lies, and the name that the browser gave it."""

    path: str
    name: str


@dataclass(frozen=True)
class Entry:
    """A picture on the desk: its name on the page and where it lies."""

    name: str
    path: Path


def link_all(uploads, folder):
    """The uploads' entries, their bytes under our own names in folder: a visitor's name never reaches that disk."""
    entries: list[Entry] = []
    taken: set[str] = set()
    for number, upload in enumerate(uploads):
        name = unlike(clean_name(upload.name), taken)
        taken.add(name.casefold())
        entry = Entry(name, folder / f"{number:04d}")
        try:
            _link(upload.path, entry.path)
        except FileNotFoundError:
            raise BadImage(f"{name} did not arrive whole; bring it again") from None
        entries.append(entry)
    return tuple(entries)


def _link(source, target):
    """A second name for the same bytes, a copy where the file system has no links."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
