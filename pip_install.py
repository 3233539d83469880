"""Runs pip for a person: one line that moves while it works, its own words in a log and on the screen when it fails."""

import os
import re
import subprocess
import sys
import time

_MB = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
_DOWNLOAD = re.compile(r"Downloading \S+ \(([\d.]+) (bytes|kB|MB|GB)\)")
_MOVES_EVERY_S = 0.5
_SPEAKS_EVERY_S = 30.0  # where a line cannot move: a file, a container's log
_PATIENCE_S = 10.0  # for a pip that was told to stop


def pip_install(words, *, log, say, pass_fds=()):
    """Whether `pip install WORDS`, of the running interpreter, succeeded.

    log: the path of a file for pip's words, begun anew. say(text): prints a line for the person.
    """
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--no-input", *words]  # a question that nobody sees would wait for ever
    # a pip configured for --user installs refuses to serve a virtual environment
    environment = {**os.environ, "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, pass_fds=pass_fds
        )
    try:
        _watch(process, log, say)
    except BaseException:  # Ctrl-C reaches pip as well, which tidies
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    if process.returncode != 0:
        print(_complaint(_read(log)), file=sys.stderr, flush=True)
    return process.returncode == 0


def progress(text):
    """What pip is doing, from its words so far."""
    megabytes = sum(float(number) * _MB[unit] for number, unit in _DOWNLOAD.findall(text))
    fetched = f"{megabytes:.0f} MB fetched" if megabytes >= 1 else ""
    if "Installing collected packages:" in text:
        packages = text.rpartition("Installing collected packages:")[2].partition("\n")[0].count(",") + 1
        return ", ".join(filter(None, [fetched, f"unpacking {packages} packages"]))
    return fetched or "looking up packages"


def _watch(process, log, say):
    """Tell what pip does until it has ended."""
    moves = sys.stderr.isatty()
    started_at = spoke_at = time.monotonic()
    width = 0
    while True:
        try:
            process.wait(_MOVES_EVERY_S)
            break
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        text = f"{progress(_read(log))}, {now - started_at:.0f} s"
        if moves:
            print("\r" + f"whetstone: {text} ".ljust(width), end="", file=sys.stderr, flush=True)
            width = max(width, len(text) + 12)
        elif now - spoke_at >= _SPEAKS_EVERY_S:
            say(text)
            spoke_at = now
    if width:
        print("\r" + " " * width, end="\r", file=sys.stderr, flush=True)


def _read(log):
    return log.read_text(encoding="utf-8", errors="replace")


def _complaint(text):
    """The end of pip's words, from its first error on; at most 20 lines."""
    lines = text.strip().splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("ERROR")), len(lines))
    return "\n".join(lines[min(first, max(0, len(lines) - 5)) :][-20:])
