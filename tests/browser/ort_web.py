"""ONNX Runtime Web: three files of its npm package, fetched once into a cache, and a server for a page that runs it."""

import base64
import contextlib
import hashlib
import http.server
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
from functools import partial
from pathlib import Path

import pytest

VERSION = "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="  # the registry's
MODULE = "ort.wasm.min.mjs"
FILES = (MODULE, "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
CACHE_VARIABLE = "WHETSTONE_ORT_WEB_CACHE"
PAGE = b'<!doctype html><title>ONNX Runtime Web</title><link rel="icon" href="data:,">'


def runtime_folder():
    """The folder with FILES: npm fetches 33 MB on first use, 14 MB are kept. Skips where npm is absent or offline."""
    root = Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "whetstone-ort-web").absolute()
    folder = root / VERSION
    if not folder.exists():
        if not shutil.which("npm"):
            pytest.skip("[browser] needs npm once, to fetch ONNX Runtime Web (Debian: `apt install npm`)")
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=root) as workshop:
            _fetch(Path(workshop))
            if not folder.exists():  # else another run was faster
                (Path(workshop) / "files").rename(folder)
    return folder


def _fetch(workshop):
    words = ["npm", "pack", "--loglevel=error", f"onnxruntime-web@{VERSION}"]
    done = subprocess.run(words, cwd=workshop, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"[browser] npm could not fetch ONNX Runtime Web: {' '.join(done.stderr.split())[:200]}")
    (packed,) = workshop.glob("*.tgz")
    if base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() != SHA512:
        raise RuntimeError(f"onnxruntime-web {VERSION} from npm is not the package whose SHA-512 is pinned here")
    (workshop / "files").mkdir()
    with tarfile.open(packed) as archive:
        for name in FILES:
            (workshop / "files" / name).write_bytes(archive.extractfile(f"package/dist/{name}").read())


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Isolated, as browsers want it of a page whose WebAssembly has threads; Windows knows no type for modules."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def end_headers(self):
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_):
        """Nothing: the page's own log says what failed."""


@contextlib.contextmanager
def served(folder):
    """The address of a server on 127.0.0.1 for what lies in a folder, with the runtime and an empty page put there."""
    for name in FILES:
        shutil.copy(runtime_folder() / name, folder)
    (folder / "index.html").write_bytes(PAGE)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
