"""The page as a whole: its frame, its tabs (one file each), and the server that carries it behind the door."""

import asyncio
import contextlib
import hmac
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.cards import DEFAULT_MODEL
from webui import public_page
from webui.door import Door
from webui.gradio_inside import forget, keep_few_sessions, queued
from webui.picture_desk import Limits, PictureDesk
from webui.presence import Presence
from webui.server import ABOUT_PATH
from webui.sharpeners import Sharpeners, short_name
from webui.turnstile import Turnstile, VisitLimits
from webui.workspace import Workspace

SAMPLES_DIR = Path(__file__).resolve().parent.parent / "assets" / "samples"
TITLE = "Whetstone"
_TIDY_EVERY_S = 60.0
_WAITING = 64  # events that may wait; more visitors than that are told that the page is busy
_SESSIONS = 1000  # of visitors who have not said that they left
_AT_ONCE = 4  # pictures being sharpened for different visitors at the same time


@dataclass(frozen=True)
class PageSettings:
    """How the page is served. max_pixels: of one picture. local_only: no other machine can reach it.

    public: anybody may open it, so limits are smaller. hosts: more names under which it is reached. frames: origins
    that may show it in a frame.
    """

    model: str | None = None  # None: the default student
    device: str = "auto"
    backend: str = "auto"
    auth: tuple[str, str] | None = None
    root_path: str = ""
    local_only: bool = True
    max_pixels: int = 100_000_000
    public: bool = False
    hosts: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()


@dataclass
class Page:
    """A page ready to be served. server: the ASGI application."""

    server: Door
    blocks: Any
    desk: PictureDesk
    sharpeners: Sharpeners
    _model_thread: threading.Thread

    def wait_for_model(self):
        """Return once the first student has run once, so that the first picture finds it warm."""
        self._model_thread.join()

    def describe(self):
        """The student and the engine behind it, for people."""
        name = self.sharpeners.default
        return f"model {short_name(name)} on {self.sharpeners.get(name).backend_name}"


@contextlib.contextmanager
def open_page(settings):
    """A Page with all it needs; what visitors brought is deleted at the end.

    Raises UnknownModel, BadCard, UnknownBackend before anything is served.
    """
    with contextlib.ExitStack() as stack:
        sharpeners = Sharpeners(settings.model or DEFAULT_MODEL, device=settings.device, backend=settings.backend)
        stack.callback(sharpeners.close)
        loading = _Loading(sharpeners)
        loading.start()
        workspace = stack.enter_context(Workspace())
        stack.enter_context(_environment(workspace.served))
        pixels = settings.max_pixels
        limits = public_page.picture_limits(pixels) if settings.public else Limits(max_pixels=pixels)
        desk = PictureDesk(workspace, sharpeners, limits, sample_paths())
        stack.callback(desk.close)
        blocks = build_blocks(desk, public=settings.public, behind_proxy=bool(settings.frames))

        def on_gone(visitor):
            desk.leave(visitor)
            forget(blocks, visitor)

        presence = Presence(on_gone)
        stack.callback(presence.close)
        from webui.live_routes import open_live  # what it imports is being imported by the loading thread, too

        live_limits = public_page.LIVE if settings.public else None
        live = open_live(sharpeners, device=settings.device, backend=settings.backend, limits=live_limits)
        stack.callback(live.close)
        server = build_server(blocks, desk, presence, live, settings)
        loading.wait_until_loaded()

        stop = threading.Event()
        tidying = threading.Thread(target=_tidy, args=(desk, stop), daemon=True)
        tidying.start()
        stack.callback(stop.set)
        yield Page(server, blocks, desk, sharpeners, loading)


def sample_paths(folder=SAMPLES_DIR):
    """The sample pictures that come with the product, by name; none when the folder is absent."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))


def build_blocks(desk, public=False, behind_proxy=False):
    """The Gradio page over a desk. public: for visitors who know nothing of the machine that serves it.

    behind_proxy: as of address_of.
    """
    import gradio as gr

    from webui import live_tab, picture_tab, theme

    tabs = [
        ("Picture", lambda: picture_tab.build(desk, behind_proxy)),
        ("Live", lambda: live_tab.build(desk.sharpeners)),
    ]
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as blocks:
        where = _WHERE_PUBLIC if public else _WHERE.format(elsewhere=_WHERE_PUBLIC)
        gr.HTML(_HEADER.format(mark=theme.mark(), where=where), elem_id="page-header")
        with gr.Tabs(elem_id="tabs"):
            for name, build in tabs:
                with gr.Tab(name, elem_id=f"tab-{name.lower()}"):
                    build()
        gr.HTML(_FOOTER if public else _FOOTER + _FOOTER_DASHBOARD, elem_id="page-footer")
        blocks.unload(lambda: None)  # browsers open the heartbeat that tells us of their leaving only for this event
    keep_few_sessions(blocks, _SESSIONS)
    blocks.queue(max_size=_WAITING, default_concurrency_limit=_AT_ONCE, api_open=False)
    return blocks


def build_server(blocks, desk, presence, live, settings):
    """The ASGI application: Gradio and the Live tab's WebSockets behind the door, and a word on who this is."""
    import fastapi
    import gradio as gr

    from webui import theme
    from webui.here_routes import add_here_routes
    from webui.live_guard import Guard
    from webui.live_routes import add_routes

    outer = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @outer.get(ABOUT_PATH)
    def about():
        return {"name": TITLE}

    local_only = settings.local_only and not settings.root_path
    guard = Guard(outer, asks_login=settings.auth is not None, local_only=local_only)
    add_routes(outer, live, guard)
    add_here_routes(outer, guard)

    gr.mount_gradio_app(
        outer,
        blocks,
        path="/",
        footer_links=[],
        run_history=False,
        auth=password_check(*settings.auth) if settings.auth else None,
        auth_message="This page asks for the name and password that it was started with.",
        root_path=settings.root_path or None,
        allowed_paths=[],
        favicon_path=str(theme.FAVICON),
        show_error=False,
        max_file_size=desk.limits.max_file_bytes,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme.theme(),
        head=f"<style>{theme.style_sheet()}</style>",  # as css= Gradio would rewrite every selector
        js=theme.script(),
    )
    # Without it Gradio takes a mounted page for one that is still being built, and then does not check which files an
    # event may name.
    blocks.has_launched = True
    visits, behind_proxy = public_page.VISITS if settings.public else VisitLimits(), bool(settings.frames)
    public = urlsplit(settings.root_path).hostname if "://" in settings.root_path else None
    return Door(
        outer,
        owns_served=desk.workspace.owns_served,
        local_only=local_only,
        public_hosts=[*settings.hosts, *([public] if public else [])],
        frames=settings.frames,
        presence=presence,
        may_enter=guard.may_enter,
        turnstile=Turnstile(visits, lambda: queued(blocks, behind_proxy), desk.workspace.served),
        behind_proxy=behind_proxy,
        take_in=desk.workspace.take_in,
    )


def password_check(user, password):
    """The login check of a page for one name and one password: an async function, as Gradio awaits nothing else.

    It takes the same time for every wrong answer and makes guessing slow: one wrong answer a second for everybody.
    """
    lock = asyncio.Lock()

    async def check(given_user, given_password):
        pairs = ((given_user, user), (given_password, password))
        same = [hmac.compare_digest(given.encode(), expected.encode()) for given, expected in pairs]  # always both
        if not all(same):
            async with lock:
                await asyncio.sleep(1)
        return all(same)

    return check


class _Loading(threading.Thread):
    """Loads the first student beside the import of Gradio and runs it once, so that the first picture is quick."""

    def __init__(self, sharpeners):
        super().__init__(daemon=True)
        self._sharpeners = sharpeners
        self._loaded = threading.Event()
        self._error = None

    def run(self):
        import numpy as np

        try:
            sharpener = self._sharpeners.get(self._sharpeners.default)
        except Exception as error:  # handed to whoever waits
            self._error = error
            return
        finally:
            self._loaded.set()
        sharpener(np.zeros((1080, 1920, 3), np.uint8))

    def wait_until_loaded(self):
        """Return once the student is there; raises what went wrong with it."""
        self._loaded.wait()
        if self._error is not None:
            raise self._error


@contextlib.contextmanager
def _environment(served):
    """Gradio and the libraries below it read these once, at their import or at the start of the page."""
    ours = {
        "GRADIO_TEMP_DIR": str(served),
        "GRADIO_EXAMPLES_CACHE": str(served / "none"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_ALLOWED_PATHS": "",
        "GRADIO_MCP_SERVER": "False",
        "SYSTEM": "",  # where it is "spaces" Gradio adds the platform's badge, with fonts from other servers
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _tidy(desk, stop):
    while not stop.wait(_TIDY_EVERY_S):
        desk.tidy()


_HEADER = """
<header>
  {mark}
  <div><h1>Whetstone</h1>
  <p>Makes soft and blurry pictures sharp. {where}</p></div>
</header>
"""

_WHERE = (
    """<span id="where" data-elsewhere="{elsewhere}">Everything happens on this machine: no picture leaves it.</span>"""
)
_WHERE_PUBLIC = "That happens on the server of this page, which keeps none and sends none on."

_FOOTER = """
<p>Pictures are deleted when you close the page; the Live tab keeps none. GPS positions are left out of the results.</p>
"""

_FOOTER_DASHBOARD = """
<p>Training curves, benchmarks and studies: <code>python launch.py dashboard</code><span id="dashboard-link">, then
<a href="http://127.0.0.1:8501" target="_blank" rel="noopener noreferrer">127.0.0.1:8501</a></span>.</p>
"""
