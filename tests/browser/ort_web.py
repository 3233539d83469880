"""ONNX Runtime Web for tests: the product's own files of it, and a server for an empty page that runs it."""

import contextlib
import shutil

import pytest

from engine.errors import UnknownBackend
from tests.browser.static_server import served
from webui.browser_runtime import FILES, fetch_runtime
from webui.static_page import ISOLATION

PAGE = b'<!doctype html><title>ONNX Runtime Web</title><link rel="icon" href="data:,">'


def runtime_or_skip():
    """The folder with the runtime's files. Skips where npm is absent or offline."""
    try:
        return fetch_runtime()
    except UnknownBackend as error:
        pytest.skip(f"[browser] {error}")


@contextlib.contextmanager
def served_with_runtime(folder):
    """The address of a server on 127.0.0.1 for what lies in a folder, with the runtime and an empty page put there."""
    runtime = runtime_or_skip()
    for name in FILES:
        shutil.copy(runtime / name, folder)
    (folder / "index.html").write_bytes(PAGE)
    with served(folder, ISOLATION) as address:
        yield address
