"""A file that another process may still be writing: read once, then only what was added, within a budget of time."""

import os
import time

_CHUNK = 2**20  # bytes read at once: about 20 ms of work between two looks at the clock
_LONGEST = 2**24  # bytes without an end of a line or record: no log looks like that


class GrowingFile:
    """Feeds a file's bytes to `take`, from where the last look ended.

    take(buffer) returns how many bytes from the start of the buffer it is done with: whole lines or records; more than
    there are means that they need not be read; 0 means that the first one is not whole yet. forget() is called when the
    file was replaced or cut, before it is read anew.
    """

    def __init__(self, path, take, forget):
        self.path, self._take, self._forget = path, take, forget
        self.done = self.size = 0  # bytes
        self.problem = ""  # why nothing more is read, in words
        self.identity = self._seen = None  # identity: of the file on its disk

    def advance(self, until):
        """Read on until the end of the file or until time.monotonic() passes `until`. Raises OSError."""
        status = os.stat(self.path)
        identity = (status.st_dev, status.st_ino)
        if identity != self.identity or status.st_size < self.done:
            self.identity, self.done, self.problem, self._seen = identity, 0, "", None
            self._forget()
        self.size = status.st_size
        seen = (status.st_mtime_ns, status.st_size)
        if self.problem or (seen == self._seen and self.done == self.size):
            return
        with open(self.path, "rb") as file:
            reach = _CHUNK
            while self.done < self.size and not self.problem:
                file.seek(self.done)
                buffer = file.read(reach)
                taken = self._take(buffer)
                if taken:
                    self.done, reach = self.done + taken, _CHUNK
                elif len(buffer) < reach:
                    break  # the last line or record is still being written
                elif reach >= _LONGEST:
                    self.problem = "holds a line or record of more than 16 MB"
                else:
                    reach *= 2
                if time.monotonic() > until:
                    return
        self._seen = seen

    @property
    def is_read(self):
        """Whether all that is whole of it was read at the last look."""
        return self._seen is not None or bool(self.problem)
