"""Whom a server process contacts: its audit events, written into what it prints."""

import os
import re

# Writes down every address that the process connects to, resolves or sends to.
WATCH = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("CONTACT", event, repr(arguments[-1] if event == "socket.connect" else arguments[:2]), flush=True)
sys.addaudithook(watch)
"""


def watched(folder):
    """The environment variable that makes every Python started with it watch itself. folder: for the watch."""
    (folder / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    return {"PYTHONPATH": os.fspath(folder)}


def strangers(output):
    """Addresses outside this machine among what it contacted; a watch that saw nothing at all does not work."""
    contacts = re.findall(r"CONTACT \S+ (.*)", output)
    assert any("127.0.0.1" in whom for whom in contacts), "the watch did not work"
    return [whom for whom in contacts if not re.search(r"'127\.0\.0\.1'|'::1'|'localhost'|^'/", whom)]
