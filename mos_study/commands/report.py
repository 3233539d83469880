"""`python launch.py study report`: what the answers of a study say, as tables and one page with plots."""

HELP = "tables and a page with plots from a study's answers"


def add_arguments(parser):
    parser.add_argument(
        "study", metavar="DIR", help="a study's folder with its ratings.csv, or a CSV file of any study"
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="where mos.csv, pairs.csv, scores.csv, raters.csv and report.html go (default: DIR)",
    )


def run(args):
    from mos_study.output import say
    from mos_study.report import write_report

    for path in write_report(args.study, args.out):
        say(path)
    return 0
