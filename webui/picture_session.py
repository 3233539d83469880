"""One visitor's pictures on the picture tab: bring, show one, write its result, run all; knows no Gradio."""

import contextlib
import shutil
import threading
import time
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import BadImage, BadOutput, BadSetting
from engine.images import WEB_FORMATS, Picture, encode_picture, is_picture_file, read_picture, write_picture
from engine.sharpener import checked_strength
from webui.file_names import clean_name, sharp_name, unlike
from webui.jobs import Deadline, JobStopped, Timed
from webui.picture_values import Finished, Progress, Settled, Shown
from webui.picture_views import DETAIL, WHOLE, PictureViews
from webui.preview import save_preview
from webui.uploads import Entry, link_all

ARCHIVE_NAME = "whetstone-sharp.zip"


@dataclass(frozen=True)
class _Made:
    """The newest result, not yet written: kept so that the download needs no second run."""

    name: str
    picture: Picture


class Session:
    """One visitor's pictures. Each method may be called from any thread; one job runs at a time."""

    def __init__(self, desk, pixel_budget):
        self._desk = desk
        self._workspace = desk.workspace
        self._limits = desk.limits
        self._budget = pixel_budget
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # told when there is a new ticket
        self._settle_lock = threading.Lock()
        self._batch_lock = threading.Lock()
        self._originals = None  # folder
        self.entries: tuple[Entry, ...] = ()
        self._decoded: tuple[int, PictureViews] | None = None
        self._before: dict[tuple[int, str], Path] = {}  # (index, view kind) -> preview
        self._ticket = 0  # of the newest setting
        self._wanted: tuple | None = None  # index, settings and view kind of that ticket
        self._made: _Made | None = None
        self._result: Path | None = None
        self._archive: Path | None = None
        self._making: Path | None = None  # the archive that is being written
        self._previews: list[Path] = []  # of "after", the newest last
        self._stop = threading.Event()
        self._closing = self._closed = False  # asked to, done
        self.used_at = time.monotonic()

    # -- pictures in ---------------------------------------------------------------------------------------------

    def take(self, uploads):
        """Put new pictures in place of the old ones; the uploaded files are moved out of the server's reach.

        Files that are no pictures, and what is broken before the first that can be read, are left out: returns a tuple
        of one line for each. Raises BadSetting for too many or too large ones, BadImage when not one can be read; the
        old pictures then stay.
        """
        limits = self._limits
        if not all(self._workspace.owns_served(upload.path) for upload in uploads):
            raise BadImage("a file did not arrive whole; bring it again")
        paths = {Path(upload.path) for upload in uploads}
        folder = None
        try:
            if not uploads:
                raise BadImage("no picture came; drop, paste or choose a JPEG, PNG or WebP file")
            if len(uploads) > limits.max_files:
                raise BadSetting(
                    f"{len(uploads)} files at once is more than {limits.max_files}; bring them in parts, or use the "
                    "command `python launch.py sharpen FOLDER`"
                )
            total = sum(_size(path) for path in paths)
            if total > limits.max_total_bytes:
                raise BadSetting(
                    f"{total / 2**20:.0f} MB at once is more than {limits.max_total_bytes / 2**20:.0f} MB; bring fewer "
                    "pictures, or use the command `python launch.py sharpen FOLDER`"
                )
            with _disk_errors():
                folder = self._workspace.new_folder(self._workspace.originals)
                entries = link_all(uploads, folder)
            entries, picture, failures = self._readable(entries)
        except BaseException:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            for path in paths:
                path.unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # the folder holds another visitor's upload of the same bytes
                    path.parent.rmdir()
        self._replace(entries, folder, picture)
        return failures

    def take_sample(self, index):
        """Put one of the desk's sample pictures on it. Returns () as take() does. Raises BadSetting for a number that
        is none."""
        samples = self._desk.samples
        if not isinstance(index, int) or not 0 <= index < len(samples):
            raise BadSetting(f"there is no sample picture {index!r}; there are {len(samples)}")
        path = samples[index]
        entries = (Entry(clean_name(path.name), path),)
        self._replace(entries, None, self._read(entries[0]))
        return ()

    def _readable(self, entries):
        """(entries that stay, the picture of the first, a line for each of the others); after the first only the kind
        of a file is looked at."""
        kept: list[Entry] = []
        picture, failures = None, []
        for entry in entries:
            try:
                if picture is None or not is_picture_file(entry.path, WEB_FORMATS):
                    picture = self._read(entry)
                kept.append(entry)
            except BadImage as error:
                failures.append(str(error))
        if picture is not None:
            return tuple(kept), picture, tuple(failures)
        more = f" (and {len(failures) - 1} more that cannot be read)" if len(failures) > 1 else ""
        raise BadImage(failures[0] + more)

    def _replace(self, entries, folder, first):
        self._stop.set()
        with self._lock:
            if self._closed:
                if folder is not None:
                    shutil.rmtree(folder, ignore_errors=True)
                raise BadImage("this page was closed; reload it and bring the picture again")
            self._clear()
            self.entries, self._originals = entries, folder
            self._decoded = (0, PictureViews(first))

    # -- one picture ---------------------------------------------------------------------------------------------

    def show(self, index, settings, view_kind=WHOLE):
        """Show one picture before and after, as quickly as that can be done; settle() makes it exact. Returns Shown.

        Raises BadImage (also when the picture is no longer there), BadSetting, UnknownModel, BadOutput.
        """
        strength = checked_strength(settings.strength)
        if view_kind not in (WHOLE, DETAIL):
            raise BadSetting(f"view {view_kind!r} is not one of {[WHOLE, DETAIL]}")
        with self._lock:
            self._next_ticket()
            entry = self._entry(index)
            sharpener = self._desk.sharpeners.get(settings.model)
            views = self._decode(index, entry)
            with self._budget.hold(_area(views.picture)):
                sharpener, started = self._timed(sharpener), time.perf_counter()
                degradation = views.degradation(settings.model, sharpener, settings.told)
                after = views.after(view_kind, settings.model, sharpener, strength, degradation)
                took_ms = (time.perf_counter() - started) * 1000
                shown = self._shown(index, settings, view_kind, views, after, took_ms, degradation)
            if after.pixels is not None:
                self._made = _made(entry, views.picture, after.pixels)
            self._wanted = (index, settings, view_kind)
            self.used_at = time.monotonic()
        self._desk.forget_decoded(but=self)
        return shown

    def settle(self, quiet_s=0.25):
        """Wait until the visitor has paused, then write the newest result at full size in its own format.

        Returns Settled, None when a newer setting came: that one's settle() does it then. Raises as show() does.
        """
        with self._lock:
            ticket = self._ticket
            if self._changed.wait_for(lambda: self._ticket != ticket, quiet_s):
                return None
        with self._settle_lock:
            with self._lock:
                if self._ticket != ticket or not self.entries:
                    return None
                if self._result is not None:
                    return Settled(self._result, None)
                made, wanted, degradation = self._made, self._wanted, None
                if wanted is None:
                    return None
                index, settings, view_kind = wanted
                entry = self._entry(index)
                views = self._decode(index, entry)
            exact, took_ms = None, 0.0
            if made is None:
                sharpener = self._desk.sharpeners.get(settings.model)
                with self._budget.hold(_area(views.picture)):
                    sharpener, started = self._timed(sharpener), time.perf_counter()
                    degradation = views.degradation(settings.model, sharpener, settings.told)
                    exact = views.exact(view_kind, settings.model, sharpener, settings.strength, degradation)
                    took_ms = (time.perf_counter() - started) * 1000
                made = _made(entry, views.picture, exact.pixels)
            path = self._write(made)
            with self._lock:
                if self._ticket != ticket:
                    self._discard(path)
                    return None
                self._made, self._result = None, path
                if exact is None:
                    return Settled(path, None)
                return Settled(path, self._shown(index, settings, view_kind, views, exact, took_ms, degradation))

    def _timed(self, sharpener):
        return Timed(sharpener, Deadline(self._limits.job_s, lambda: self._closing))

    def _next_ticket(self):
        """What was made for the setting before is out of date."""
        self._ticket += 1
        self._made = self._wanted = None
        if self._result is not None:
            self._discard(self._result)
            self._result = None
        self._changed.notify_all()

    def _shown(self, index, settings, view_kind, views, after, took_ms, degradation):
        picture, view = views.picture, views.view(view_kind)
        with _disk_errors():
            if (index, view_kind) not in self._before:
                path = save_preview(views.before(view_kind), picture.icc, self._new_served(), "before")
                self._before[index, view_kind] = path
            path = save_preview(after.part, picture.icc, self._new_served(), "after")
        self._previews.append(path)
        for old in self._previews[:-2]:  # the browser may still be fetching the last but one
            self._discard(old)
        del self._previews[:-2]
        return Shown(
            self.entries[index].name,
            self._before[index, view_kind],
            path,
            picture.pixels.shape[0],
            picture.pixels.shape[1],
            settings,
            took_ms if after.pixels is not None else None,
            view,
            views.has_detail,
            tuple(picture.notices),
            views.measured(settings.model, self._desk.sharpeners.get(settings.model)),
            degradation,
        )

    def _write(self, made):
        with _disk_errors():
            path = self._new_served() / made.name
        try:
            write_picture(made.picture, path, keep_gps=False)
        except BaseException:
            self._discard(path)
            raise
        return path

    def _entry(self, index):
        if not self.entries:
            raise BadImage(
                "the picture is no longer here (pictures are deleted after an hour without use); bring it again"
            )
        if not isinstance(index, int) or not 0 <= index < len(self.entries):
            raise BadSetting(f"there is no picture number {str(index)[:20]!r}; there are {len(self.entries)}")
        return self.entries[index]

    def _decode(self, index, entry):
        if self._decoded is None or self._decoded[0] != index:
            self._decoded = None
            for path in self._before.values():
                self._discard(path)
            self._before = {}
            self._decoded = (index, PictureViews(self._read(entry)))
        return self._decoded[1]

    def _read(self, entry):
        return read_picture(entry.path, formats=WEB_FORMATS, max_pixels=self._limits.max_pixels, name=entry.name)

    # -- all pictures --------------------------------------------------------------------------------------------

    def run_all(self, settings):
        """Sharpen every picture into an archive; yields Progress before each and Finished at the end.

        A broken picture does not stop the rest: it is named in Finished.failures. stop() ends early with what is done.
        Raises BadSetting when it is already running, UnknownModel, BadOutput.
        """
        if not self._batch_lock.acquire(blocking=False):
            raise BadSetting("the pictures are already being sharpened; wait for it or stop it first")
        try:
            with self._lock:
                self._stop.clear()
                self._drop_archive()
                entries = self.entries
                self._entry(0)
            sharpener = self._desk.sharpeners.get(settings.model)
            with _disk_errors():
                path = self._making = self._new_served() / ARCHIVE_NAME
            done, failures = 0, []
            try:
                with _disk_errors(), zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
                    taken: set[str] = set()
                    for number, left_s in _with_estimate(entries):
                        entry = entries[number]
                        yield Progress(number, len(entries), entry.name, left_s)
                        if self._stop.is_set():
                            break
                        try:
                            name, content = self._sharpen_to_bytes(entry, sharpener, settings)
                        except (BadImage, JobStopped) as error:
                            failures.append(str(error) if isinstance(error, BadImage) else f"{entry.name}: {error}")
                            continue
                        name = unlike(name, taken)
                        taken.add(name.casefold())
                        archive.writestr(name, content)
                        done = len(taken)
                        self.used_at = time.monotonic()
            except BaseException:  # GeneratorExit too: the visitor has left
                self._discard(path)
                raise
            with self._lock:
                current = not self._closed and self.entries is entries
                if not done or not current:
                    self._discard(path)
                    path = None
                self._archive = path
            yield Finished(path, done, len(entries), tuple(failures), self._stop.is_set())
        finally:
            self._making = None
            self._batch_lock.release()

    def stop(self):
        """End run_all before the next picture."""
        self._stop.set()

    def _sharpen_to_bytes(self, entry, sharpener, settings):
        picture = self._read(entry)
        with self._budget.hold(_area(picture)):
            sharpener = self._timed(sharpener)
            degradation = None if sharpener.blind else sharpener.measure(picture.pixels, **settings.told)
            sharp = replace(picture, pixels=sharpener(picture.pixels, settings.strength, degradation))
            return sharp_name(entry.name, picture.format), encode_picture(sharp, keep_gps=False)

    # -- tidying -------------------------------------------------------------------------------------------------

    @property
    def busy(self):
        """Whether run_all is running."""
        return self._batch_lock.locked()

    @property
    def served(self):
        """Files that the browser may still ask for."""
        others = (self._result, self._archive, self._making)
        return [*self._before.values(), *self._previews, *(path for path in others if path)]

    @property
    def decoded_bytes(self):
        decoded, made = self._decoded, self._made
        return (decoded[1].nbytes if decoded else 0) + (made.picture.pixels.nbytes if made else 0)

    def forget_decoded(self):
        """Drop the decoded picture, unless it is in use this moment; returns the bytes given back."""
        if not self._lock.acquire(blocking=False):
            return 0
        try:
            size = self._decoded[1].nbytes if self._decoded else 0
            self._decoded = None
            return size
        finally:
            self._lock.release()

    def close(self):
        """Delete everything; a job that is under way is ended first."""
        self._closing = True
        self._stop.set()
        with self._lock:
            self._closed = True
            self._clear()

    def _clear(self):
        self._next_ticket()
        self._decoded = None
        self._drop_archive()
        for path in [*self._previews, *self._before.values()]:
            self._discard(path)
        self._previews, self._before = [], {}
        if self._originals is not None:
            shutil.rmtree(self._originals, ignore_errors=True)
        self.entries, self._originals = (), None

    def _drop_archive(self):
        if self._archive is not None:
            self._discard(self._archive)
            self._archive = None

    def _new_served(self):
        return self._workspace.new_folder(self._workspace.served)

    @staticmethod
    def _discard(path):
        shutil.rmtree(path.parent, ignore_errors=True)  # each served file has a folder of its own


@contextlib.contextmanager
def _disk_errors():
    """A full or vanished disk as one line that the user can act on."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadOutput(f"the temporary folder cannot be written ({reason}); free some space and try again") from error


def _made(entry, picture, pixels):
    return _Made(sharp_name(entry.name, picture.format), replace(picture, pixels=pixels))


def _area(picture):
    height, width = picture.pixels.shape[:2]
    return height * width


def _size(path):
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _with_estimate(entries):
    """Yields (number, seconds left or None) for each entry, from the time that the bytes so far took."""
    sizes = [max(1, _size(entry.path)) for entry in entries]
    started = time.monotonic()
    for number in range(len(entries)):
        done = sum(sizes[:number])
        spent = time.monotonic() - started
        yield number, spent / done * sum(sizes[number:]) if done else None
