"""A plain static host on 127.0.0.1: files of a folder below a path, with the headers that a Space's README asks for."""

import contextlib
import http.server
import re
import threading
from functools import partial
from urllib.parse import urlsplit


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Windows knows no type for modules."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def __init__(self, *args, headers, below, **options):
        self._own_headers, self._below = headers, below
        super().__init__(*args, **options)

    def translate_path(self, path):
        below = urlsplit(path).path
        return super().translate_path("/" + below.removeprefix(self._below) if below.startswith(self._below) else "/-")

    def end_headers(self):
        for name, value in self._own_headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_):
        """Nothing: the page's own log says what failed."""


@contextlib.contextmanager
def served(folder, headers, below="/"):
    """The address of the folder's server. headers: of every answer; below: the path that the folder lies at."""
    handler = partial(_Handler, directory=folder, headers=headers, below=below)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{below}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def custom_headers(readme):
    """name -> value of the custom_headers in a Space's front matter."""
    front_matter = readme.split("---\n")[1]
    block = re.search(r"^custom_headers:\n((?:  .+\n)+)", front_matter, flags=re.MULTILINE)[1]
    return dict(line.strip().split(": ", 1) for line in block.splitlines())
