"""`python launch.py study analyse`: MOS from the ratings of any study, or scores from paired comparisons."""

import sys

HELP = "MOS with 95 % intervals, or scores from paired comparisons, of any study's CSV"


def add_arguments(parser):
    parser.add_argument(
        "ratings",
        metavar="FILE.csv",
        help="columns stimulus, rater, score (content, condition, category at will); for the last two methods "
        "preferred, other (rater, votes at will); or the ratings.csv of a study planned here",
    )
    parser.add_argument(
        "--method",
        default="mos",
        choices=["mos", "bt500", "p913", "p910", "bradley-terry", "thurstone"],
        help="mos: plain mean; bt500: without raters that BT.500 rejects; p913: bias of raters removed, then as bt500; "
        "p910: maximum likelihood with bias and inconsistency of raters (annex E) (default: %(default)s)",
    )
    parser.add_argument(
        "--by",
        default="stimulus",
        choices=["stimulus", "condition", "content", "category"],
        help="what gets a MOS; of all but stimulus the mean of each rater is one vote (default: %(default)s)",
    )
    parser.add_argument(
        "--prior",
        type=float,
        default=0.0,
        metavar="VOTES",
        help="of paired comparisons: votes added to both sides of each pair compared, so that an item that always won "
        "or lost gets a score (default: %(default)g)",
    )
    parser.add_argument(
        "--out",
        metavar="FILE.csv",
        help="write the table there instead of printing it, over an older one; what a method finds out about "
        "the raters goes into raters.csv beside it",
    )


def run(args):
    from mos_study.output import say, write_table

    if args.out:
        _check_place(args)
    paired = args.method in ("bradley-terry", "thurstone")
    table, raters, notes = _scores(args) if paired else _votes(args)
    if args.out:
        write_table(args.out, table)
        if raters is not None:
            write_table(_beside(args.out), raters)
            notes.append(f"the raters: {_beside(args.out)}")
    else:
        say(table.to_string(index=False, na_rep="", float_format="{:.4f}".format))
    for note in notes:
        say(f"whetstone: {note}", sys.stderr)
    return 0


def _votes(args):
    """The table of MOS, that of the raters if the method says anything of them, and notes."""
    from mos_study.stats.mean import NORMAL_95, student_95
    from mos_study.tables import analyse

    table, raters = analyse(args.ratings, args.method, args.by)
    smallest, largest = table.n.min(), table.n.max()
    votes = f"{smallest}" if smallest == largest else f"{smallest} to {largest}"
    things = {"stimulus": "stimuli", "category": "categories"}.get(args.by, args.by + "s")
    notes = [f"{len(table)} {things} x {len(raters)} raters, {votes} votes each, mean MOS {table.mos.mean():.4f}"]
    if args.method == "p910":
        notes.append("intervals: 1.96 se (normal), for these raters; other raters have other biases")
        if raters.n.median() < 20:  # measured on simulated raters: the plain mean errs less there
            votes = f"{raters.n.median():g} votes a rater in the median"
            notes.append(f"{votes} are too few to tell bias from noise: --method mos is more exact")
    elif largest >= 2:
        reach = float(student_95(table.n[table.n >= 2].median()))
        wider = f"{100 * (reach / NORMAL_95 - 1):.1f} % wider than 1.96 se"
        notes.append(f"intervals: Student's t, {reach:.3f} se at the median n, {wider} (normal)")
    if "rejected" in raters:
        out = ", ".join(map(str, raters.rater[raters.rejected])) or "nobody"
        notes.append(f"rejected by BT.500: {out}")
    if smallest < 2:
        notes.append(f"{(table.n < 2).sum()} of {len(table)} with fewer than two votes have no interval")
    return table, raters if raters.shape[1] > 2 else None, notes


def _scores(args):
    """The table of scores, no raters, and notes."""
    from mos_study.errors import BadRatings
    from mos_study.tables import scores_table, unlinked_groups

    if args.by != "stimulus":
        raise BadRatings(f"--by is for votes; --method {args.method} scores the items compared")
    table = scores_table(args.ratings, args.method, args.prior)
    groups = unlinked_groups(args.ratings)
    notes = [f"{len(table)} items; se is against the mean of the items"]
    if len(groups) > 1:
        first = ", ".join(map(str, groups[0]))[:60]
        notes.append(
            f"the items fall into {len(groups)} groups that were never compared with each other ({first} is one): "
            "compare scores within a group only"
        )
    return table, None, notes


def _beside(out):
    from pathlib import Path

    return Path(out).parent / "raters.csv"


def _check_place(args):
    """Refuse to write over the ratings, or the table and the raters into one file."""
    from pathlib import Path

    from mos_study.errors import BadOutput

    out, given = Path(args.out), Path(args.ratings).resolve()
    if out.is_dir():
        raise BadOutput(f"{out} is a folder; give the name of a file in it")
    if out.resolve() == given or _beside(out).resolve() == given:
        raise BadOutput(f"{out} would be written over the ratings; name another file")
    if out.name == "raters.csv":
        raise BadOutput(f"{out} is what the raters' table is called; name another file")
