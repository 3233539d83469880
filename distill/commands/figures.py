"""`python launch.py figures`: the report's training figures of one or several runs, as PNG."""

HELP = "draw the training analysis and the SSIM curve of runs (PNG)"


def add_arguments(parser):
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="the --out folder of `train`; several share one SSIM figure"
    )
    parser.add_argument("--out", metavar="DIR", help="where the pictures go (default: figures inside the first RUN)")


def run(args):
    from pathlib import Path

    from distill.figures import save_figures
    from engine.atomic_write import writing_into

    out = args.out or Path(args.runs[0]) / "figures"
    with writing_into(out):
        for path in save_figures(args.runs, out):
            print(path)
    return 0
