"""Results written whole or not at all: beside their place, then renamed over what an earlier run left there."""

import contextlib
import os
import secrets
import sys
from pathlib import Path

from mos_study.errors import BadOutput


def write_whole(path, data):
    """Write bytes to path, over an older result; its folder is made. Raises BadOutput."""
    path = Path(path)
    temporary = path.parent / f".whetstone-{secrets.token_hex(8)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(OSError):  # moved away already, or never made
                temporary.unlink()
    except OSError as error:
        raise BadOutput(f"{path} cannot be written ({error.strerror or error}); name another place") from error


def harmless(text):
    """Text that a spreadsheet takes neither for a formula (an apostrophe goes before it) nor for a further row."""
    text = text.replace("\r", " ")  # csv leaves it unquoted, and programs end a row there
    return "'" + text if text.lstrip()[:1] in ("=", "+", "-", "@") or text[:1] in ("\t", "\n") else text


def write_table(path, table):
    """Write a DataFrame as CSV (UTF-8, no index, an empty cell for what is not known, no text that is a formula)."""
    table = table.map(lambda cell: harmless(cell) if isinstance(cell, str) else cell)
    write_whole(path, table.to_csv(index=False, lineterminator="\n").encode())


def say(text, stream=None):
    """Print a line; what the terminal's encoding lacks (ids and file names may be anything) becomes a question mark."""
    stream = stream or sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(str(text).encode(encoding, "replace").decode(encoding), file=stream)
