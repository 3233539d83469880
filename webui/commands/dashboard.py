"""The command `dashboard`: shows runs, results, models and studies in the browser; reads only, runs no model."""

import os
import sys
from pathlib import Path

from engine.errors import BadSetting

HELP = "training curves, quality, speed, models and studies in the browser"
PORT = 8501
PASSWORD = "WHETSTONE_LEADER_PASSWORD"


def add_arguments(parser):
    parser.add_argument(
        "--port", type=int, default=PORT, help="of 127.0.0.1; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument(
        "--runs",
        nargs="+",
        metavar="DIR",
        help="folders above training runs: metrics.jsonl, TensorBoard events, CSV with steps "
        "(default: runs, where it is there, and the shipped logs)",
    )
    parser.add_argument(
        "--results",
        nargs="+",
        metavar="DIR",
        help="folders above what evaluate and benchmark wrote (default: runs, where it is there, and assets/results)",
    )
    parser.add_argument(
        "--studies",
        metavar="DIR|URL",
        help=f"folder above what `study report` wrote, or the database of a study that runs; "
        f"shown to whoever knows the password set in {PASSWORD}",
    )


def run(args):
    """Serve until Ctrl-C. Raises BadSetting: a port that is taken, a folder that is none."""
    chosen = chosen_places(args)
    from webui.server import listen, open_browser, page_address, serve

    listener = listen("127.0.0.1", args.port)
    try:
        address = page_address("127.0.0.1", listener.getsockname()[1])
        print("The dashboard is starting ...", file=sys.stderr, flush=True)
        from webui.dashboard import places
        from webui.dashboard.server import build_server

        places.use(chosen)
        server = build_server()

        def on_ready():
            print(f"Whetstone's dashboard is at {address}. Ctrl-C stops it.", flush=True)
            if not args.no_browser:
                open_browser(address)

        serve(server, listener, on_ready=on_ready)
        print("The dashboard has stopped.", file=sys.stderr, flush=True)
        return 0
    finally:
        listener.close()


def chosen_places(args):
    """The Places of the options. Raises BadSetting."""
    from webui.dashboard.places import SHIPPED_RESULTS, SHIPPED_RUNS, Places

    if not 0 <= args.port <= 65535:
        raise BadSetting(f"--port must be from 0 to 65535, not {args.port}")
    for option in ("runs", "results"):
        for folder in getattr(args, option) or ():
            if not Path(folder).is_dir():
                raise BadSetting(f"--{option} {folder} is no folder; give the folder above what is to be shown")
    is_database = bool(args.studies) and "://" in args.studies
    if args.studies and not is_database and not Path(args.studies).is_dir():
        raise BadSetting(
            f"--studies {args.studies} is no folder; give the one above what `study report` wrote, "
            "or a database's address"
        )
    ours = [Path("runs")] if Path("runs").is_dir() else []
    return Places(
        runs=tuple(map(Path, args.runs)) if args.runs else (*ours, SHIPPED_RUNS),
        results=tuple(map(Path, args.results)) if args.results else (*ours, SHIPPED_RESULTS),
        studies=Path(args.studies) if args.studies and not is_database else None,
        database=_watch(args.studies) if is_database else None,
        password=os.environ.get(PASSWORD, ""),
    )


def _watch(address):
    """The database of a study that runs. Raises BadStudy."""
    from mos_study.watch import Watch

    return Watch(address)
