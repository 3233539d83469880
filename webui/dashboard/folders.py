"""Walking through folders of results: bounded, and a folder that cannot be read is named instead of ending it."""

import os

_PASSED_BY = ("whetstone-cache", "figures", "pictures", "node_modules", "__pycache__")
_MOST = 5000


def walk(folder, problems, is_leaf=lambda names: False):
    """(folder, sorted names of its files) of it and of what lies below. is_leaf(names): look no deeper there.

    problems: list to which one line is added for each folder that cannot be read.
    """
    waiting, seen = [folder], 0
    while waiting:
        place = waiting.pop()
        seen += 1
        if seen > _MOST:
            problems.append(f"{folder} has more than {_MOST} folders; the rest is left out, choose one below it")
            return
        try:
            with os.scandir(place) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            problems.append(f"{place} cannot be read ({error.strerror})")
            continue
        names = [entry.name for entry in entries if entry.is_file()]
        yield place, names
        if not is_leaf(names):
            waiting += [
                place / entry.name
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and entry.name[0] != "." and entry.name not in _PASSED_BY
            ]


def existing(folders, option, problems):
    """The folders that are there; problems gets a line for each that is not."""
    for folder in folders:
        if folder.is_dir():
            yield folder
        else:
            problems.append(f"{folder} is no folder; start with `{option} DIR`")
