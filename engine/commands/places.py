"""Where a command may write what it makes, checked before minutes of work, not after."""

import os

from engine.errors import BadOutput, BadSetting


def check_folder_name(name):
    """Raises BadSetting for an empty --out, which would be the folder that happens to be the current one."""
    if not name:
        raise BadSetting("--out needs the name of a folder, not an empty one")


def check_json_place(name):
    """Raises BadSetting for a name that does not end in .json, BadOutput where no file of that name can be written."""
    folder = os.path.dirname(name) or "."
    if not name.lower().endswith(".json"):
        raise BadSetting(f"--json needs the name of a file that ends in .json, not {name!r}")
    if os.path.isdir(name):
        raise BadOutput(f"{name!r} is a folder; give the name of a file in it")
    if not os.path.isdir(folder):
        raise BadOutput(f"the folder {folder!r} does not exist; create it first, or choose another")
    if not os.access(folder, os.W_OK):
        raise BadOutput(f"the folder {folder!r} cannot be written to; choose a folder of your own")
