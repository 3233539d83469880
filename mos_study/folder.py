"""A study's folder: plan.json, the stimuli, answers.sqlite unless another database is named, exported tables."""

import hashlib
from pathlib import Path

from sqlalchemy import URL

from mos_study.errors import BadStudy
from mos_study.export import ratings_csv, sessions_csv
from mos_study.output import write_whole
from mos_study.plan_file import read_plan
from mos_study.store import Store

DATABASE = "answers.sqlite"


def open_plan(folder):
    """(Plan, SHA-256 of its file), the stimuli all there. Raises BadStudy."""
    folder = Path(folder)
    try:
        data = (folder / "plan.json").read_bytes()
    except OSError:
        raise BadStudy(f"{folder} holds no study; `study plan --out {folder}` makes one") from None
    plan = read_plan(data.decode("utf-8", errors="replace"))
    missing = [name for name in plan.files.values() if not (folder / name).is_file()]
    if missing:
        raise BadStudy(f"{folder} lacks {missing[0]} and {len(missing) - 1} other stimuli; plan the study again")
    return plan, hashlib.sha256(data).hexdigest()


def open_store(folder, address=None):
    """The Store of a study's answers. address: of another database than the file in its folder. Raises BadStudy."""
    plan, sha256 = open_plan(folder)
    own = URL.create("sqlite", database=str((Path(folder) / DATABASE).absolute()))
    return Store(address or own, plan, sha256)


def export(store, folder):
    """Write ratings.csv and sessions.csv into the folder; returns their paths. Raises BadOutput."""
    paths = []
    for name, table in (("ratings.csv", ratings_csv(store)), ("sessions.csv", sessions_csv(store))):
        write_whole(Path(folder) / name, table.encode())
        paths.append(Path(folder) / name)
    return paths
