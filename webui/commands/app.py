"""The command `app`: starts the page on this machine and opens the browser."""

import os
import sys

from engine.errors import BadSetting

HELP = "start the page on this machine and open it in the browser"
PORT = 7860


def add_arguments(parser):
    """The options of the page."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine alone)"
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help="port to listen on; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument("--listen", action="store_true", help="let other machines in (0.0.0.0); needs --auth")
    parser.add_argument(
        "--auth",
        metavar="USER:PASS",
        default=os.environ.get("WHETSTONE_AUTH"),
        help="ask for a name and a password (or set WHETSTONE_AUTH, which other users of this machine cannot see)",
    )
    parser.add_argument(
        "--public",
        action="store_true",
        help="let anybody in without a password: smaller limits, and nobody reaches this machine's camera",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--device", default="auto", help="where to compute: auto, cpu, gpu, ... (default: %(default)s)")
    parser.add_argument("--backend", default="auto", help="engine: auto, openvino, torch, onnx (default: %(default)s)")
    parser.add_argument(
        "--model", default=None, help="student chosen at first: a name or the path of a card (default: small)"
    )
    parser.add_argument(
        "--root-path", default="", help="path or address of the page behind a reverse proxy, such as /whetstone"
    )
    parser.add_argument(
        "--max-megapixels", type=float, help="largest picture that is accepted (default: 100; with --public 24)"
    )


def run(args):
    """Serve the page until Ctrl-C. Raises WhetstoneError: settings that do not go together, a port that is taken."""
    host, auth = check(args)
    from webui.public_page import MEGAPIXELS, space_frames, space_hosts
    from webui.server import is_local, listen, open_browser, page_address, serve

    listener = listen(host, args.port)
    try:
        address = page_address(host, listener.getsockname()[1])
        print("Whetstone is starting ...", file=sys.stderr, flush=True)
        from webui.app import PageSettings, open_page

        settings = PageSettings(
            model=args.model,
            device=args.device,
            backend=args.backend,
            auth=auth,
            root_path=args.root_path,
            local_only=is_local(host) and not args.public,
            max_pixels=int(1e6 * (args.max_megapixels or (MEGAPIXELS if args.public else 100.0))),
            public=args.public,
            hosts=space_hosts(os.environ) if args.public else (),
            frames=space_frames(os.environ) if args.public else (),
        )
        with open_page(settings) as page:

            def on_ready():
                page.wait_for_model()
                print(f"Whetstone is at {address} ({page.describe()}). Ctrl-C stops it.", flush=True)
                if not args.no_browser:
                    open_browser(address)

            serve(page.server, listener, on_ready=on_ready)
        print("Whetstone has stopped.", file=sys.stderr, flush=True)
        return 0
    finally:
        listener.close()


def check(args):
    """(host, (user, password) or None) from the options; raises BadSetting for what cannot be."""
    from webui.server import is_local

    host = args.host
    if args.public and args.auth is not None:
        raise BadSetting(
            "--public lets anybody in and --auth (or WHETSTONE_AUTH) asks who it is; give only one of them"
        )
    if args.listen:
        if not is_local(host) and host != "0.0.0.0":
            raise BadSetting(f"--listen listens on all addresses and --host {host} on one; give only one of them")
        host = "0.0.0.0"
    if not 0 <= args.port <= 65535:
        raise BadSetting(f"--port must be from 0 to 65535, not {args.port}")
    if args.max_megapixels is not None and not 0.01 <= args.max_megapixels <= 1000:
        raise BadSetting(f"--max-megapixels must be from 0.01 to 1000, not {args.max_megapixels:g}")
    auth = None
    if args.auth is not None:
        user, colon, password = args.auth.partition(":")
        if not colon or not user.strip() or not password:
            raise BadSetting("--auth must be USER:PASS with a name and a password, such as --auth anna:correct-horse")
        auth = (user.strip(), password)
    if auth is None and not is_local(host) and not args.public:
        option = "--listen" if args.listen else f"--host {host}"
        raise BadSetting(
            f"{option} lets other machines in, so it needs --auth USER:PASS, or --public for all the world"
        )
    return host, auth
