"""`study report`: to be written."""

HELP = "MOS, preferences and exclusions of a study, as tables and a page"


def add_arguments(parser):
    parser.add_argument("study")


def run(args):
    raise NotImplementedError
