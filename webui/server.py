"""The page's HTTP server: an address to listen on, a clean end, a browser that opens once the page answers."""

import contextlib
import errno
import json
import os
import signal
import socket
import sys
import threading
import urllib.error
import urllib.request
import webbrowser

import uvicorn

from engine.errors import BadSetting

ABOUT_PATH = "/whetstone.json"  # tells a second start that the one who has the port is a Whetstone
_LARGEST_MESSAGE = 2**22  # bytes, of a WebSocket; LiveLimits.max_bytes is said in words before that
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_local(host):
    """Whether an address can be reached from this machine alone."""
    return host in _LOOPBACK or host.startswith("127.")


def page_address(host, port):
    """What to type into a browser on this machine."""
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(host, port):
    """A bound socket; port 0 takes any free one. Raises BadSetting: the port is taken, or the address is not ours."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise BadSetting(f"--host {host!r} is no address of this machine; use 127.0.0.1, or --listen for all") from None
    listener = socket.socket(family, kind, protocol)
    if os.name != "nt":  # on Windows this option would let two programs share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise _explain(error, host, port) from None
    listener.set_inheritable(True)
    return listener


def _explain(error, host, port):
    if error.errno == errno.EADDRINUSE:
        free = _next_free(host, port)
        use = f"start this one on another port: --port {free}" if free else "choose another with --port"
        if _is_whetstone(page_address(host, port)):
            return BadSetting(f"port {port} is in use by a Whetstone: open {page_address(host, port)}, or {use}")
        return BadSetting(f"port {port} is in use by another program; {use}")
    if error.errno == errno.EACCES:
        return BadSetting(f"port {port} needs an administrator's rights; use one above 1023, such as --port 7860")
    return BadSetting(f"--host {host!r} is no address of this machine; use 127.0.0.1, or --listen for all")


def _next_free(host, port):
    for candidate in range(port + 1, min(port + 50, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    return None


def _is_whetstone(address):
    no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with no_proxy.open(address + ABOUT_PATH, timeout=2) as answer:
            return json.loads(answer.read(1000)).get("name") == "Whetstone"
    except (OSError, ValueError, AttributeError):
        return False


def serve(app, listener, *, on_ready):
    """Serve until Ctrl-C or a termination signal; on_ready() is called once, in a thread, when the page answers.

    A second Ctrl-C ends at once. Must run in the main thread.
    """
    # Browsers keep their event streams open for as long as the page is: do not wait for them.
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        # longer than browsers' and proxies' own: who closes second loses a request that is sent at that moment
        timeout_keep_alive=75,
        ws="websockets-sansio",  # "auto" takes one that is deprecated
        ws_max_size=_LARGEST_MESSAGE,
        ws_per_message_deflate=False,  # JPEG does not get smaller
    )
    server = _Server(config)
    before = {number: signal.signal(number, server.handle_exit) for number in _signals()}
    threading.Thread(target=_tell_when_ready, args=(server, listener, on_ready), daemon=True).start()
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        listener.close()
    return server


def _signals():
    if sys.platform == "win32":
        return [signal.SIGINT, signal.SIGTERM, signal.SIGBREAK]
    return [signal.SIGINT, signal.SIGTERM]


class _Server(uvicorn.Server):
    """Leaves the signals to serve(): uvicorn would raise them again after the shutdown and so skip our tidying."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


def _tell_when_ready(server, listener, on_ready):
    host, port = listener.getsockname()[:2]
    no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    waiting = threading.Event()
    while not server.should_exit:
        try:
            no_proxy.open(page_address(host, port) + ABOUT_PATH, timeout=5).close()
        except (OSError, urllib.error.URLError):
            waiting.wait(0.05)
            continue
        on_ready()
        return


def open_browser(address):
    """Open the page where there is a screen to show it on; returns whether that was tried."""
    has_screen = sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not has_screen:
        return False
    return webbrowser.open(address)
