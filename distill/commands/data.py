"""`python launch.py data check`: what is wrong with a folder of pictures, and a split of it into a file."""

import sys

HELP = "check a folder of pictures (damaged, too small, too soft, twice) and split it"
_SHOWN = 20  # lines of each finding; --json has all


def add_arguments(parser):
    parser.add_argument("action", choices=["check"], help="look at every picture, change nothing")
    parser.add_argument(
        "folder", metavar="DIR", help="one folder a category, train/ and val/ of those, or any pictures"
    )
    parser.add_argument("--out", metavar="FILE", help="write a split for `train --split FILE` (JSON)")
    parser.add_argument(
        "--val-share", type=float, default=0.2, help="of every category goes to validation (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=42, help="of the split (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write the whole report as JSON, too")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there already")


def run(args):
    import json
    from pathlib import Path

    from distill.data_check import check_pictures
    from engine.atomic_write import already_there, write_atomically
    from engine.errors import BadOutput, BadSetting

    if not 0 < args.val_share < 1:
        raise BadSetting(f"val-share must be between 0 and 1, not {args.val_share}")
    if not 0 <= args.seed < 2**32:
        raise BadSetting(f"seed must be a whole number from 0 to {2**32 - 1}, not {args.seed}")
    for path in filter(None, (args.out, args.json)):  # before the long part
        if Path(path).exists() and not args.overwrite:
            raise BadOutput(already_there(Path(path)))
    report = check_pictures(args.folder)
    sys.stdout.reconfigure(errors="replace")  # files may be called anything
    print("\n".join(_lines(report)))
    if args.json:
        content = json.dumps(report.as_dict(), indent=1) + "\n"
        write_atomically(args.json, content.encode(), overwrite=args.overwrite)
        print(f"the whole report: {args.json}")
    if args.out:
        print(_write_split(report, args))
    return 0


def _write_split(report, args):
    from distill.data_check import is_split
    from distill.split_file import draw_split, write_split

    if is_split(report.folder):
        train, val = ([one.file for one in report.usable if one.part == part] for part in ("train", "val"))
        write_split(args.out, report.folder, train, val, overwrite=args.overwrite)
        how = "as train/ and val/ have them"
    else:
        files, usable = [one.file for one in report.usable], set(map(id, report.usable))
        twins = [[one.file for one in group if id(one) in usable] for _, group in report.duplicates]
        train, val = draw_split(files, twins, args.val_share, args.seed)
        drawn = {"val_share": args.val_share, "seed": args.seed}
        write_split(args.out, report.folder, train, val, **drawn, overwrite=args.overwrite)
        how = f"by category, seed {args.seed}, duplicates on one side"
    return f"the split, {len(train)} to train and {len(val)} to validate ({how}): {args.out}"


def _lines(report):
    """The report for people."""
    from collections import Counter

    from distill.data import SMALLEST_SIDE
    from distill.data_check import TOO_SOFT
    from engine.images import printable

    looked = report.looked
    yield f"{printable(str(report.folder))}: {_count(len(looked), 'picture')} read"
    yield ""
    if looked:
        yield f"{'category':<20}{'pictures':>9}{'smallest':>13}{'middle':>13}{'largest':>13}"
    for category, members in report.by_category().items():
        sizes = sorted(members, key=lambda one: (one.height * one.width, one.width))
        shown = (f"{one.width} x {one.height}" for one in (sizes[0], sizes[len(sizes) // 2], sizes[-1]))
        yield f"{printable(category):<20}{len(members):>9}" + "".join(f"{size:>13}" for size in shown)
    sizes = Counter((one.width, one.height) for one in looked).most_common()
    if looked:
        common = ", ".join(f"{width} x {height} ({count})" for (width, height), count in sizes[:4])
        yield f"sizes: {common}" + (f", {_count(len(sizes) - 4, 'other')}" if len(sizes) > 4 else "")
        yield ""

    def inner(path):
        return printable(path.relative_to(report.folder).as_posix())

    def named(group):
        return "  =  ".join(printable(report.name(one)) for one in group)

    leaks = report.leaks
    within = [pair for pair in report.duplicates if pair not in leaks]
    findings = {
        "folders and links that cannot be looked into": [f"{inner(path)}: {why}" for path, why in report.closed],
        "damaged, or no pictures": [f"{inner(path)}: {why}" for path, why in report.damaged],
        f"too small, under {SMALLEST_SIDE} pixels a side": [
            f"{printable(report.name(one))}: {one.width} x {one.height}" for one in report.too_small
        ],
        f"too soft, sharpness under {TOO_SOFT:g}": [
            f"{printable(report.name(one))}: {one.sharpness:.1f}" for one in report.too_soft
        ],
        "in two parts of the data, groups": [f"{kind}: {named(group)}" for kind, group in leaks],
        "there more than once, groups": [f"{kind}: {named(group)}" for kind, group in within],
    }
    for title, lines in findings.items():
        yield f"{title}: {len(lines) or 'none'}"
        yield from (f"  {line}" for line in lines[:_SHOWN])
        if len(lines) > _SHOWN:
            yield f"  ... and {len(lines) - _SHOWN} more; --json FILE has them all"


def _count(number, noun):
    return f"{number} {noun}" + ("" if number == 1 else "s")
