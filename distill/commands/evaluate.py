"""`python launch.py evaluate`: measure students, teachers and classical sharpening on a folder of clean pictures."""

import shlex
import sys

from engine.commands.places import check_folder_name

HELP = "measure SSIM and PSNR of students beside classical sharpening, by category"


def add_arguments(parser):
    parser.add_argument(
        "--data", required=True, metavar="DIR", help="clean pictures, one folder a category or pictures alone"
    )
    parser.add_argument("--recipe", default="report", help="how they are degraded: report or call (default: report)")
    parser.add_argument(
        "--model",
        nargs="+",
        default=["small"],
        metavar="NAME",
        help="shipped names, paths of cards, or unsharp, cas, wiener, richardson-lucy (default: small)",
    )
    parser.add_argument(
        "--tune-on", metavar="DIR", help="pictures that the classical methods are tuned on, never those of --data"
    )
    parser.add_argument("--teacher", nargs="+", default=[], metavar="PATH", help="teachers to measure beside them")
    parser.add_argument(
        "--degradation",
        nargs="+",
        default=["auto"],
        choices=("auto", "true"),
        help="students measure the picture, are told the truth, or one after the other (default: auto)",
    )
    parser.add_argument(
        "--precision",
        nargs="+",
        default=["auto"],
        choices=("auto", "float32", "int8"),
        help="students compute in 32 or 8 bits, or one after the other (default: auto, the faster)",
    )
    parser.add_argument(
        "--by",
        nargs="+",
        default=[],
        choices=("sigma", "noise", "quality", "clean", "estimate"),
        help="more tables: at fixed blurs, noise levels, coder qualities; on sharp pictures; what students measure",
    )
    parser.add_argument(
        "--pictures",
        action="store_true",
        help="also keep every picture, soft, restored and sharp (PNG, for the dashboard)",
    )
    parser.add_argument("--strength", type=float, default=1.0, help="0 to 2 (default: %(default)s)")
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="where images.csv, summary.csv, results.json and sheets go"
    )


def run(args):
    check_folder_name(args.out)
    from distill.degrade import RECIPES
    from distill.evaluate import evaluate
    from engine.errors import BadSetting

    if args.recipe not in RECIPES:
        raise BadSetting(f"recipe {args.recipe!r} is not one of {', '.join(RECIPES)}")
    command = shlex.join(["python", "launch.py", *sys.argv[1:]])
    results = evaluate(
        args.data,
        args.out,
        args.recipe,
        args.model,
        tune_on=args.tune_on,
        strength=args.strength,
        teachers=args.teacher,
        degradations=args.degradation,
        precisions=args.precision,
        by=args.by,
        pictures=args.pictures,
        command=command,
    )
    print(f"{'category':<12}{'method':<24}{'pictures':>9}{'SSIM':>8}{'> 0.9':>7}{'PSNR':>8}{'gain':>8}")
    for row in results["summary"]:
        print(
            f"{row['category']:<12}{row['method']:<24}{row['pictures']:>9}{row['ssim']:>8.4f}{row['ssim_over_0.9']:>7}"
            f"{row['psnr']:>8.2f}{row['psnr_gain']:>+8.2f}"
        )
    print(f"written to {args.out}; `python -m distill.tables {args.out}/results.json` prints all tables as Markdown")
    return 0
