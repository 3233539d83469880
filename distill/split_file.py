"""Which pictures train and which validate, written down: a JSON file with paths below the folder, by category."""

import json
from pathlib import Path, PurePosixPath

from distill.data import PictureFile, split_pictures
from engine.atomic_write import write_atomically, writing_into
from engine.errors import BadData

VERSION = 1


def draw_split(files, twins=(), val_share=0.2, seed=42):
    """(train, val) as split_pictures draws them, but pictures that are one and the same stay on one side.

    files: PictureFiles; twins: groups of them. Raises BadData when one side would be empty.
    """
    others = {file: list(group[1:]) for group in twins for file in group[:1]}
    followers = {file for group in others.values() for file in group}
    sides = split_pictures([file for file in files if file not in followers], val_share, seed)
    train, val = ([file for leader in side for file in (leader, *others.get(leader, ()))] for side in sides)
    if not train or not val:
        raise BadData(
            f"{len(files)} usable pictures at a validation share of {val_share:g} leave one side of the split empty; "
            "add pictures, or give another --val-share"
        )
    return train, val


def write_split(path, folder, train, val, *, val_share=None, seed=None, overwrite=False):
    """Write the split of PictureFiles below `folder`; val_share and seed say how it was drawn, None where it was given.

    Raises BadOutput when the file is there already (without overwrite) or cannot be written.
    """
    content = {"version": VERSION, "seed": seed, "val_share": val_share}
    for side, files in (("train", train), ("val", val)):
        content[side] = {}
        for file in sorted(files, key=lambda file: (file.category, file.path)):
            content[side].setdefault(file.category, []).append(file.path.relative_to(folder).as_posix())
    with writing_into(Path(path).parent):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode(), overwrite=overwrite)


def read_split(path, folder):
    """(train, val), each a list of PictureFile below `folder`, as write_split wrote them.

    Raises BadData when the file is no split, names a picture twice or outside the folder, or pictures are missing.
    """
    folder, content = Path(folder), _content(path)
    sides, seen = [], set()
    for side in ("train", "val"):
        files = []
        for category, names in content[side].items():
            for name in names:
                inner = PurePosixPath(name)
                if inner.is_absolute() or ".." in inner.parts or "\\" in name or "\0" in name or not inner.parts:
                    raise BadData(f"{path}: {name!r} is not a path below the folder of pictures; write the file anew")
                if inner in seen:
                    raise BadData(f"{path} names {name!r} twice; each picture has one place, write the file anew")
                seen.add(inner)
                files.append(PictureFile(folder / inner, category))
        if not files:
            raise BadData(f"{path} leaves {side!r} empty; write it anew with `data check {folder} --out`")
        sides.append(sorted(files, key=lambda file: file.path))
    missing = [file.path for side in sides for file in side if not file.path.is_file()]
    if missing:
        raise BadData(
            f"{len(missing)} of the {len(seen)} pictures that {path} names are not there, the first is {missing[0]}; "
            f"give the folder that the split was made of, or make it anew with `data check {folder} --out`"
        )
    return sides[0], sides[1]


def _content(path):
    advice = "expected a file that `data check DIR --out` wrote"
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadData(f"the split {path} cannot be read ({error.strerror}); {advice}") from error
    except (ValueError, RecursionError):
        raise BadData(f"the split {path} is no JSON; {advice}") from None
    if not isinstance(content, dict) or not {"version", "train", "val"} <= set(content):
        raise BadData(f"{path} is no split; {advice}")
    if content["version"] != VERSION:
        raise BadData(f"{path} is a split of version {content['version']!r}, this is version {VERSION}; {advice}")
    for side in ("train", "val"):
        named = content[side].values() if isinstance(content[side], dict) else [None]
        if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in named):
            raise BadData(f"{path}: {side!r} must hold lists of paths by category; {advice}")
    return content
