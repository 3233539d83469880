"""`study analyse`: to be written."""

HELP = "MOS or scores from the ratings of any study"


def add_arguments(parser):
    parser.add_argument("study")


def run(args):
    raise NotImplementedError
