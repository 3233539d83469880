"""`python launch.py study export`: writes a study's answers as ratings.csv and its sessions as sessions.csv."""

HELP = "write the answers of a blind study as ratings.csv, which study report reads"


def add_arguments(parser):
    parser.add_argument("study", metavar="DIR", help="the study's folder")
    parser.add_argument("--database", metavar="URL", help="where the answers are (default: answers.sqlite in DIR)")


def run(args):
    from mos_study.folder import export, open_store

    store = open_store(args.study, args.database)
    try:
        for path in export(store, args.study):
            print(path)
    finally:
        store.close()
    return 0
