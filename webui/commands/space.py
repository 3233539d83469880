"""`python launch.py space --static OUT`: the page that sharpens in the visitor's browser, for a static host."""

from engine.errors import BadSetting

HELP = "write the page that sharpens in the visitor's own browser, for a free static Space or any other host"


def add_arguments(parser):
    parser.add_argument("--static", metavar="OUT", help="write the page into this folder")
    parser.add_argument(
        "--runtime",
        default="cdn",
        choices=("cdn", "local"),
        help="ONNX Runtime Web from its CDN, or its files in OUT: works offline, needs npm (default: %(default)s)",
    )
    parser.add_argument("--overwrite", action="store_true", help="renew the page in a folder that is not empty")
    parser.add_argument(
        "--fetch-runtime", action="store_true", help="fetch ONNX Runtime Web once, for the page below /here/ of the app"
    )


def run(args):
    """0 written; raises BadSetting, BadCard, UnknownBackend, BadOutput, with nothing half written."""
    from pathlib import Path

    from webui import static_page
    from webui.browser_runtime import VERSION, fetch_runtime, is_fetched
    from webui.space_readme import readme

    if not args.static and not args.fetch_runtime:
        raise BadSetting(
            "say --static OUT, the folder to write the page into, or --fetch-runtime for the app's own page"
        )
    if (args.fetch_runtime or args.runtime == "local") and not is_fetched():
        print(f"Fetching ONNX Runtime Web {VERSION} (33 MB) ...", flush=True)
    if args.fetch_runtime:
        print(f"ONNX Runtime Web {VERSION} is in {fetch_runtime()}")
    if args.static:
        static_page.write_page(args.static, readme(), runtime=args.runtime, overwrite=args.overwrite)
        total = sum(path.stat().st_size for path in Path(args.static).rglob("*") if path.is_file())
        print(f"{args.static}: the page, its students and a Space's README.md ({total / 1e6:.1f} MB)")
        if args.runtime == "local":
            print("A Space takes files above 10 MB through Git LFS: `git lfs track '*.wasm'` before you add them.")
    return 0
