"""Small files, read and parsed once for as long as they do not change."""

import os
import threading
from collections import OrderedDict


class FileCache:
    """read(path) through a memory: again only when the file's time of change or its size differs."""

    def __init__(self, read, most=512):
        self._read, self._most = read, most
        self._lock = threading.Lock()
        self._kept = OrderedDict()  # path -> (stamp, what was read)

    def __call__(self, path):
        """What read(path) gives. Raises what it raises, and OSError when the file is not there."""
        status = os.stat(path)
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        with self._lock:
            kept = self._kept.get(path)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        found = self._read(path)
        with self._lock:
            self._kept[path] = (stamp, found)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found
