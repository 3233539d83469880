"""`python launch.py docs`: the API reference as HTML, made from the docstrings by pdoc; it reads without a network."""

import os
import re
import textwrap
import warnings
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

HELP = "write the API reference, HTML from the docstrings"
PACKAGES = ("engine", "distill", "mos_study", "webui")
SCRIPTS = ("webui.dashboard.main",)  # Streamlit runs it: to import it is to draw a page

_TABLE = re.compile(r"^ |\S {2,}\S", re.MULTILINE)
_NEW_SUBJECT = re.compile(r"\n(?=[a-z_]+(?:, [a-z_]+)*: |Returns |Raises )")


def add_arguments(parser):
    """Where the pages go."""
    parser.add_argument("--out", default="runs/docs", metavar="DIR", help="a folder (default: %(default)s)")


def run(args):
    """0: DIR/index.html is there."""
    from engine.errors import BadOutput

    if os.path.lexists(args.out) and not os.path.isdir(args.out):
        raise BadOutput(f"{args.out} is a file; give the name of a folder")
    build(Path(args.out))
    print(f"{Path(args.out) / 'index.html'} is the API reference; open it in a browser")
    return 0


def build(folder):
    """Write the reference of PACKAGES into a folder. What pdoc would warn of is raised."""
    import pdoc

    homes = [import_module(package) for package in PACKAGES]
    for home in homes:
        list_public_names(home)
    pdoc.render.configure(docformat="markdown", template_directory=Path(__file__).parent)
    pdoc.render.env.filters["readable"] = readable
    pdoc.render.env.globals["packages"] = {home.__name__: (home.__doc__ or "").partition("\n")[0] for home in homes}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        pdoc.pdoc(*PACKAGES, *(f"!{name}$" for name in SCRIPTS), output_directory=folder)


def list_public_names(package):
    """Show pdoc what a package loads on first use: it reads a module's dictionary, and of __all__ the modules, too."""
    if hasattr(package, "__all__"):
        for name in package.__all__:
            setattr(package, name, getattr(package, name))
        modules = [module.name for module in iter_modules(package.__path__)]
        package.__all__ += [name for name in modules if name not in package.__all__]


def readable(docstring):
    """Markdown of a docstring as this project writes them.

    A paragraph with columns or indented lines stands as it is; elsewhere `name: ...`, Returns and Raises begin a line.
    """
    return "\n\n".join(
        textwrap.indent(textwrap.dedent(block.strip("\n")), " " * 4)
        if _TABLE.search(block)
        else _NEW_SUBJECT.sub("  \n", block)
        for block in re.split(r"\n{2,}", docstring)
    )
