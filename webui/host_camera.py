"""What the Live tab's controls of this machine's camera mean: calls of the engine's one LiveSession.

The call runs whether or not a page looks: pages pull previews at a low rate, and closing them stops nothing. Every page
drives the same session. Knows no web server and no Gradio.
"""

import contextlib
import os
import threading
import time
from pathlib import Path

from engine.errors import BadSetting
from webui.live_jpeg import encode
from webui.live_protocol import write_preview

PATTERN = "pattern"
SIZES = ((480, 640), (720, 1280), (1080, 1920))  # (height, width)
RATES = (15, 24, 30, 60)
PREVIEW_EVERY_S = 0.1  # at most ten pairs a second are encoded, however many pages look
_PREVIEW_QUALITY = 85


class HostCamera:
    """names: the students to choose from; default: the first. recordings: a folder that is made when first needed."""

    def __init__(self, names, default, *, device="auto", backend="auto", recordings=None, session=None):
        self._names, self._default = list(names), default
        self._device, self._backend = device, backend
        self._recordings = Path(recordings) if recordings else recordings_folder()
        self._session = session
        self._lock = threading.Lock()
        self._pictures = threading.Lock()
        self._encoded = None  # (index, message) of the last preview
        self._encoded_at = 0.0
        self._starting = False
        self._without = self._lost = ""  # why there is no virtual camera: from the start, since it was lost
        self._saved = None  # the last recording's file
        self.pages = 0  # that look; counted by the server's one thread

    @property
    def session(self):
        """The LiveSession; PyAV and OpenCV's cameras are imported when it is first looked at."""
        with self._lock:
            if self._session is None:
                from engine.live.session import LiveSession

                self._session = LiveSession()
            return self._session

    def close(self):
        """End the call with the page's server."""
        if self._session is not None:
            self._session.stop()

    def offers(self):
        """What can be chosen, for JSON."""
        from engine.live.devices import cameras

        found = [{"source": device.number, "name": device.name} for device in cameras()]
        if not found and not _lists_cameras():
            found = [{"source": number, "name": f"Camera {number}"} for number in range(3)]
        return {
            "type": "offers",
            "sources": [*found, {"source": PATTERN, "name": "Test picture (no camera)"}],
            "sizes": [{"height": height, "width": width} for height, width in SIZES],
            "rates": list(RATES),
            "students": self._names,
            "student": self._default,
            "recordings": str(self._recordings),
        }

    def do(self, message):
        """One click, a dict with a "type"; a start takes a second. Raises WhetstoneError: the line for the person."""
        kind, value = message["type"], message.get("value")
        clicks = {
            "start": lambda: self._start(self._settings(message)),
            "stop": self._stop,
            "strength": lambda: self._change(strength=value),
            "bypass": lambda: self._change(bypass=value is True),
            "student": lambda: self.session.set_student(self._student(value)),
            "record": lambda: self._record(value is True),
        }
        if kind not in clicks:
            raise BadSetting(f"there is no {kind[:20]!r} here; reload the page")
        clicks[kind]()

    def state(self):
        """The session's stats() and the settings that it runs with, for JSON.

        Beside them what newer messages do not take back: trouble, why this run has no virtual camera ("" when it has
        one or wants none), and saved, the path of the last recording or None.
        """
        session = self.session
        settings, stats = session.settings, session.stats()
        self._lost = (self._lost or stats["message"]) if stats.get("sink_lost") else ""
        return {
            "type": "state",
            **stats,
            "trouble": (self._without or self._lost) if stats["running"] else "",
            "saved": self._saved,
            **({"state": "starting"} if self._starting else {}),
            "settings": {
                "source": settings.source,
                "height": settings.height,
                "width": settings.width,
                "fps": settings.fps,
                "student": settings.model,
                "virtual": settings.output == "virtual",
            },
        }

    def preview(self, after_index=None):
        """(index, message) of the newest pair; None when there is no other than after_index yet, or not so soon.

        Never waits, and never makes the call wait: the pair is taken as it is, and one encoding serves every page.
        """
        pair = self.session.preview()
        if pair is None:
            return None
        with self._pictures:
            index = pair[0].index
            is_new = self._encoded is None or index != self._encoded[0]
            if is_new and time.monotonic() >= self._encoded_at + PREVIEW_EVERY_S:
                before, after = (encode(frame.pixels, _PREVIEW_QUALITY) for frame in pair)
                self._encoded = index, write_preview(index & 0xFFFFFFFF, before, after)
                self._encoded_at = time.monotonic()
            return self._encoded if self._encoded is not None and self._encoded[0] != after_index else None

    def _start(self, settings):
        session = self.session
        self._starting = True
        try:
            said = [number for number, _line in session.stats()["messages"]]
            with self._recording_watched():
                session.start(settings)
            stats = session.stats()
            new = [line for number, line in stats["messages"] if number not in said]
            self._without = new[0] if new and settings.output == "virtual" and stats["output"] == "nowhere" else ""
        finally:
            self._starting = False

    def _stop(self):
        with self._recording_watched():
            self.session.stop()

    @contextlib.contextmanager
    def _recording_watched(self):
        """Around what may end a recording: says in saved where it is."""
        path = self.session.stats()["recording"]
        try:
            yield
        finally:
            if path and self.session.stats()["recording"] is None and Path(path).is_file():
                self._saved = path

    def _settings(self, message):
        from engine.live.session import LiveSettings

        source = message.get("source", 0)
        if source != PATTERN and (not isinstance(source, int) or isinstance(source, bool) or not 0 <= source < 256):
            raise BadSetting("choose a camera of the list")  # a file's name from a visitor is no choice
        return LiveSettings(
            source=source,
            height=message.get("height", 720),
            width=message.get("width", 1280),
            fps=message.get("fps", 30),
            model=self._student(message.get("student")),
            strength=message.get("strength", 1.0),
            bypass=message.get("bypass") is True,
            output="virtual" if message.get("virtual") is True else "null",
            device=self._device,
            backend=self._backend,
        )

    def _student(self, name):
        if name is None:
            return self._default
        if name not in self._names:
            raise BadSetting(f"there is no student {str(name)[:40]!r} on this page")
        return name

    def _change(self, **what):
        session = self.session
        if "strength" in what:
            session.set_strength(what["strength"])
        else:
            session.set_bypass(what["bypass"])

    def _record(self, on):
        if not on:
            with self._recording_watched():
                self.session.stop_recording()
            return
        try:
            self._recordings.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(f"{self._recordings} cannot be made ({error.strerror}); make it, then record") from None
        stem, number = time.strftime("whetstone-%Y-%m-%d-%H-%M-%S"), 1
        path = self._recordings / f"{stem}.mp4"
        while os.path.lexists(path):  # of the same second
            number += 1
            path = self._recordings / f"{stem}-{number}.mp4"
        self.session.start_recording(path)
        self._saved = None


def recordings_folder():
    """Where recordings go: Whetstone in the person's folder of videos, or in the home folder where there is none."""
    home = Path.home()
    return next((home / name for name in ("Videos", "Movies") if (home / name).is_dir()), home) / "Whetstone"


def _lists_cameras():
    import sys

    return sys.platform.startswith("linux")
