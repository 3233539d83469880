"""A picture or a folder of them through a sharpener: what is read, where each result goes, one after another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from engine.atomic_write import already_there, refusal
from engine.degradation import Degradation
from engine.errors import BadImage, BadOutput, BadSetting, TooManyPixels
from engine.images import (
    ALL_FORMATS,
    FORMAT_OF_SUFFIX,
    MAX_PIXELS,
    SUFFIXES,
    Picture,
    accepted,
    convert_picture,
    is_picture_file,
    is_same_file,
    is_video_file,
    printable,
    read_picture,
    write_picture,
)

MARK = "-sharp"
SHARP_ALREADY = "it is measured as sharp already; no pixel was changed"
# Up to this size the next picture is read, and the last one written, while one is sharpened (measured on two cores:
# a fifth less time for JPEG, a third for PNG). Larger ones come alone, so that the memory stays that of one.
OVERLAP_PIXELS = 25_000_000


@dataclass(frozen=True)
class Job:
    """One picture. format: what the result is written as; None: as it came."""

    source: Path
    target: Path
    format: str | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be done, decided before anything is read or written."""

    jobs: tuple[Job, ...]
    folder: Path | None = None  # the folder of results where IN is a folder; made when the first result is there
    done_before: int = 0  # results that exist already and are left as they are
    others: int = 0  # files that are no pictures
    unread: tuple[str, ...] = ()  # folders that could not be looked into, one line each


@dataclass(frozen=True)
class Outcome:
    """A job that is over: written (with what of the file is not in the result), or refused with the reason."""

    job: Job
    height: int = 0
    width: int = 0
    notices: tuple[str, ...] = ()
    error: BadImage | None = None
    degradation: Degradation | None = None  # what the picture was restored from, where the student was told it


@dataclass(frozen=True)
class Settings:
    """What is done to every picture of a batch alike."""

    strength: float = 1.0
    max_pixels: int = MAX_PIXELS
    keep_gps: bool = True
    overwrite: bool = False


def plan(source: str | os.PathLike, out: str | os.PathLike | None = None, *, overwrite=False, recursive=True) -> Plan:
    """Where everything goes. Raises BadImage (no picture there) and BadOutput (no place for the result).

    A picture: OUT is a file name, whose suffix decides the format, or an existing folder; NAME-sharp.EXT beside it
    without OUT. A folder: OUT is a folder, DIR-sharp beside it without OUT; hidden files, links to folders and earlier
    results are passed over, and results that exist are left as they are unless overwrite. OUT inside IN is passed over
    too, so it may hold nothing but earlier results.
    """
    try:
        return _plan(source, out, overwrite, recursive)
    except (BadImage, BadOutput) as error:
        raise type(error)(printable(str(error))) from error


def _plan(source: str | os.PathLike, out: str | os.PathLike | None, overwrite: bool, recursive: bool) -> Plan:
    source_path = Path(source)
    if not source_path.is_absolute() or not Path(out or source).is_absolute():
        try:
            os.getcwd()
        except OSError as error:
            raise BadImage("the current folder exists no more; change into another, or give whole paths") from error
    if os.path.isdir(source_path):
        return _plan_folder(source_path, None if out is None else Path(out), overwrite, recursive)
    if not os.path.lexists(source_path):
        raise BadImage(f"{source_path} does not exist; give a picture or a folder of pictures")
    with suppress(OSError):
        if os.path.isfile(source_path) and is_video_file(source_path):
            raise BadImage(f"{source_path} is a video, not a picture; engine.video.sharpen takes it")
    job = _plan_picture(source_path, out)
    if is_same_file(job.source, job.target):
        raise BadOutput(f"{job.target} is the picture that is read, which is never overwritten; choose another name")
    if not os.path.isdir(job.target.parent):
        raise BadOutput(f"the folder {job.target.parent} does not exist; create it first, or choose another")
    if os.path.lexists(job.target) and not overwrite:
        raise BadOutput(already_there(job.target))
    return Plan((job,))


def _plan_picture(source: Path, out: str | os.PathLike | None) -> Job:
    marked = source.stem + MARK + source.suffix
    if out is None:
        return Job(source, source.with_name(marked))
    target = Path(out)
    if os.path.isdir(target):
        inside = target / source.name
        return Job(source, target / marked if is_same_file(inside, source) else inside)
    if os.fspath(out).endswith(("/", os.sep)):
        raise BadOutput(f"the folder {target} does not exist; create it first, or choose another")
    format = FORMAT_OF_SUFFIX.get(target.suffix.lower())
    if format is None:
        known = " ".join(suffixes[0] for suffixes in SUFFIXES.values())
        raise BadOutput(f"{target} does not say which format to write; end it in one of {known}, or name a folder")
    return Job(source, target, format)


def _plan_folder(source: Path, out: Path | None, overwrite: bool, recursive: bool) -> Plan:
    named = source if source.name not in ("", "..") else Path(os.path.abspath(source))
    folder = out or named.with_name(named.name + MARK)
    if is_same_file(source, folder):
        raise BadOutput(f"{folder} is the folder that is read; choose another for the results")
    if os.path.isfile(folder) or (folder.suffix.lower() in FORMAT_OF_SUFFIX and not os.path.isdir(folder)):
        raise BadOutput(
            f"{folder} is the name of a file, but the results of a folder need a folder; choose another name"
        )
    if not os.path.isdir(folder.parent):
        raise BadOutput(f"the folder {folder.parent} does not exist; create it first, or choose another")

    jobs, others, unread = [], 0, []
    for path in _files(source, folder, recursive, unread):
        if _is_picture(path):
            jobs.append(Job(path, folder / path.relative_to(source)))
        else:
            others += 1
    if any(is_same_file(parent, source) for parent in Path(os.path.realpath(folder)).parents):
        _refuse_to_pass_over_originals(source, folder, jobs, overwrite)
    if not jobs and not unread:
        raise BadImage(f"there is no picture in {source}; accepted are {accepted(ALL_FORMATS)}")
    _refuse_to_replace_sources(jobs)
    for place in sorted({parent for job in jobs for parent in job.target.parents if folder in parent.parents}):
        if os.path.lexists(place) and not os.path.isdir(place):
            raise BadOutput(f"{place} is a file where the results need a folder; move it away, or choose another OUT")
    to_do = [job for job in jobs if overwrite or not os.path.lexists(job.target)]
    return Plan(tuple(to_do), folder, len(jobs) - len(to_do), others, tuple(unread))


def _files(source: Path, results: Path, recursive: bool, unread: list[str]) -> Iterator[Path]:
    """Every file that may be a picture, folder by folder in the order of names; links to folders are not entered."""

    def cannot_enter(error: OSError) -> None:
        unread.append(printable(f"{error.filename} cannot be looked into ({error.strerror})"))

    for here, folders, files in os.walk(source, onerror=cannot_enter):
        place, everything = Path(here), {*folders, *files}
        folders[:] = sorted(
            name
            for name in folders
            if recursive
            and not name.startswith(".")
            and not (name.endswith(MARK) and name.removesuffix(MARK) in everything)
            and not is_same_file(place / name, results)
        )
        for name in sorted(files):
            stem, suffix = os.path.splitext(name)
            earlier_result = stem.endswith(MARK) and stem.removesuffix(MARK) + suffix in everything
            if not name.startswith(".") and not earlier_result:
                yield place / name


def _is_picture(path: Path) -> bool:
    if path.suffix.lower() in FORMAT_OF_SUFFIX:
        return True  # if it is none, whoever named it so wants to know
    try:
        return os.path.isfile(path) and is_picture_file(path)
    except OSError:
        return False


def _refuse_to_pass_over_originals(source: Path, folder: Path, jobs: list[Job], overwrite: bool) -> None:
    """OUT inside IN: what stands in a result's place is taken for one, but never replaced, as it may be an original."""
    targets = {job.target for job in jobs}
    originals = [path for path in _files(folder, folder, True, []) if _is_picture(path) and path not in targets]
    if overwrite:
        originals += [job.target for job in jobs if os.path.lexists(job.target)]
    if originals:
        raise BadOutput(
            f"{originals[0]} may be an original, as {folder} lies inside {source}; choose a new folder or one outside"
        )


def _refuse_to_replace_sources(jobs: list[Job]) -> None:
    """OUT may be a folder that holds IN, or be reached through a link: no result may stand where a picture is read."""
    sources = {}
    for job in jobs:
        with suppress(OSError):
            status = job.source.stat()
            sources[status.st_dev, status.st_ino] = job.source
    for job in jobs:
        with suppress(OSError):
            status = job.target.stat()
            if (status.st_dev, status.st_ino) in sources:
                read = sources[status.st_dev, status.st_ino]
                raise BadOutput(f"{job.target} would take the place of {read}, which is read; choose another folder")


def batch_of(jobs: tuple[Job, ...], sharpener, settings: Settings, told: dict[str, float]) -> Batch:
    """The Batch that measures each picture, where the sharpener's student is one that goes by it.

    sharpener: an engine.sharpener.Sharpener. told: numbers of a Degradation that are taken as they are, not measured.
    Raises BadSetting for told numbers and a blind student.
    """
    if sharpener.blind and told:
        raise BadSetting(f"model {sharpener.name!r} is blind: leave out --{next(iter(told))}, or choose another")
    measures = not sharpener.blind and settings.strength > 0
    return Batch(jobs, sharpener, settings, partial(sharpener.measure, **told) if measures else None)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two pictures of a shape are equal; row by row, so that most differ at once and nothing large is made."""
    return all(map(np.array_equal, one, other))


@dataclass
class Batch:
    """The jobs of a plan through a sharpener: `sharpener(pixels, strength) -> pixels`.

    With measure, `measure(pixels) -> degradation`, it is told that: `sharpener(pixels, strength, degradation)`.
    written grows as results appear, so that whoever is interrupted knows what is there; a result is whole or absent.
    """

    jobs: tuple[Job, ...]
    sharpener: Callable
    settings: Settings = field(default_factory=Settings)
    measure: Callable | None = None
    written: list[Path] = field(default_factory=list)

    def run(self) -> Iterator[Outcome]:
        """One outcome a job, in order. A picture that cannot be read does not stop the others; BadOutput does."""
        with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
            ahead = reader.submit(self._read_ahead, self.jobs[0]) if self.jobs else None
            writing: Future[Outcome] | None = None
            for index, job in enumerate(self.jobs):
                found = ahead.result()  # type: ignore[union-attr]
                if found is None or isinstance(found, BadImage):
                    if writing:
                        yield writing.result()
                        writing = None
                    if found is None:
                        found = self._read(job, self.settings.max_pixels)
                if index + 1 < len(self.jobs):
                    ahead = reader.submit(self._read_ahead, self.jobs[index + 1])
                if isinstance(found, BadImage):
                    yield Outcome(job, error=found)
                    continue
                degradation = self.measure(found.pixels) if self.measure else None
                told = (degradation,) if self.measure else ()
                sharp = found.replace(pixels=self.sharpener(found.pixels, self.settings.strength, *told))
                if self.measure and self.settings.strength > 0 and _same(sharp.pixels, found.pixels):
                    sharp = sharp.replace(notices=(*sharp.notices, SHARP_ALREADY))
                large = found.pixels.shape[0] * found.pixels.shape[1] > OVERLAP_PIXELS
                del found
                if writing:
                    yield writing.result()
                writing = writer.submit(self._write, job, sharp, degradation)
                del sharp
                if large:
                    yield writing.result()
                    writing = None
            if writing:
                yield writing.result()

    def _read_ahead(self, job: Job) -> Picture | BadImage | None:
        """The picture, why there is none, or None: too large to be held beside another."""
        found = self._read(job, min(OVERLAP_PIXELS, self.settings.max_pixels))
        return None if isinstance(found, TooManyPixels) and self.settings.max_pixels > OVERLAP_PIXELS else found

    def _read(self, job: Job, max_pixels: int) -> Picture | BadImage:
        try:
            return read_picture(job.source, max_pixels=max_pixels)
        except BadImage as error:
            return error

    def _write(self, job: Job, picture: Picture, degradation: Degradation | None) -> Outcome:
        if job.format is not None:
            picture = convert_picture(picture, job.format)
        elif FORMAT_OF_SUFFIX.get(job.source.suffix.lower(), picture.format) != picture.format:
            notice = (
                f"its name says {job.source.suffix}, but it holds {accepted((picture.format,))}; so does the result"
            )
            picture = picture.replace(notices=(*picture.notices, notice))
        try:
            job.target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadOutput(printable(refusal(job.target, 0, error))) from error
        try:
            write_picture(picture, job.target, overwrite=self.settings.overwrite, keep_gps=self.settings.keep_gps)
        except BadOutput as error:
            raise BadOutput(printable(str(error))) from error
        self.written.append(job.target)
        return Outcome(job, picture.height, picture.width, picture.notices, degradation=degradation)
