"""Threat: jobs that fill the machine or never end. Few at once, the rest in a line with their place; a limit each."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from engine.sharpener import Sharpener
from tests.browser.chromium import choose, chromium, open_page, wait_for_result
from tests.engine.students_for_tests import mixture_card
from tests.webui.page_client import Visitor
from tests.webui.page_process import running_page
from tests.webui.pictures import encoded, scene
from webui.jobs import Deadline, JobStopped, Timed
from webui.picture_desk import Limits, PictureDesk
from webui.turnstile import Turnstile, VisitLimits, address_of
from webui.uploads import Upload
from webui.workspace import Workspace

PNG = encoded(scene(40, 60), "PNG")
# Python before the server's own: each picture takes three seconds, and the most at the same moment is printed
SLOW = """
import threading, time
from webui import picture_views
at_once, lock, was = [0], threading.Lock(), picture_views.PictureViews.after
def after(*given, **more):
    with lock:
        at_once[0] += 1
        print("AT-ONCE", at_once[0], flush=True)
    time.sleep(3)
    with lock:
        at_once[0] -= 1
    return was(*given, **more)
picture_views.PictureViews.after = after
"""


@pytest.fixture(scope="module")
def slow_page():
    with running_page(prelude=SLOW) as running:
        yield running


def busy(page, visitors, stop):
    """So many visitors who bring one picture after the other until stop is set."""

    def visit(_number):
        with Visitor(page.address) as one:
            while not stop.is_set():
                assert one.bring((PNG, "a.png")).success
            one.leave()

    pool = ThreadPoolExecutor(visitors)
    return [pool.submit(visit, number) for number in range(visitors)]


@pytest.mark.slow
@pytest.mark.browser
def test_four_jobs_run_at_once_and_who_waits_sees_the_place_in_line(slow_page):
    stop = threading.Event()
    jobs = busy(slow_page, 9, stop)
    try:
        time.sleep(2)
        with chromium() as browser, open_page(browser, slow_page.address) as (page, _log):
            choose(page, {"name": "mine.png", "mimeType": "image/png", "buffer": PNG})
            page.wait_for_function("document.querySelector('#status').dataset.place")
            words = page.locator("#status").get_attribute("data-place")
            assert words.startswith("Others are before you: place ")
            shown = page.evaluate("getComputedStyle(document.querySelector('#status'), '::after').content")
            assert "in line" in shown
            wait_for_result(page, "mine.png")
            assert page.locator("#status").get_attribute("data-place") is None
    finally:
        stop.set()
    assert all(job.result(60) is None for job in jobs)
    counts = [int(line.split()[1]) for line in slow_page.output.splitlines() if line.startswith("AT-ONCE")]
    assert max(counts) == 4


FULL_DISK = """
import functools
from webui import turnstile, app
app.VisitLimits = functools.partial(turnstile.VisitLimits, disk_left=2**62)
"""


@pytest.mark.slow
@pytest.mark.browser
def test_who_is_refused_reads_why():
    with (
        running_page(prelude=FULL_DISK) as full,
        chromium() as browser,
        open_page(browser, full.address) as (page, _log),
    ):
        choose(page, {"name": "mine.png", "mimeType": "image/png", "buffer": PNG})
        page.wait_for_function("document.body.innerText.includes('disk is full')")
        assert "mine.png" in page.locator("#drop").inner_text()


@pytest.fixture(scope="module")
def sharpener():
    with Sharpener(mixture_card("nano")) as one:
        yield one


def test_a_job_on_a_large_picture_ends_between_two_tiles_when_its_time_is_over(sharpener):
    now = [0.0]
    checks = []

    def clock():
        checks.append(1)
        now[0] += 1.0  # a second a tile
        return now[0]

    pixels = np.zeros((2500, 2500, 3), np.uint8)
    with pytest.raises(JobStopped, match="longer than 2 s and was stopped"):
        Timed(sharpener, Deadline(2, clock=clock))(pixels, degradation=sharpener.measure(pixels))
    assert len(checks) == 4  # of the nine tiles and the start
    assert Timed(sharpener, Deadline(60))(pixels, 0.0).shape == pixels.shape


class OneSharpener:
    """A page's choice of students that holds one."""

    default = "nano"

    def __init__(self, sharpener):
        self._sharpener = sharpener

    def names(self):
        return ["nano"]

    def get(self, _name):
        return self._sharpener


@pytest.fixture
def desk(tmp_path, sharpener):
    def make(**limits):
        made.append(PictureDesk(Workspace(tmp_path), OneSharpener(sharpener), Limits(**limits)))
        return made[-1]

    made = []
    yield make
    for one in made:
        one.close()
        one.workspace.close()


def bring(desk, *contents):
    session, uploads = desk.session("x"), []
    for number, content in enumerate(contents):
        path = desk.workspace.new_folder(desk.workspace.served) / f"{number}.png"
        path.write_bytes(content)
        uploads.append(Upload(str(path), path.name))
    session.take(uploads)
    return session


def test_a_picture_that_takes_too_long_is_said_and_the_rest_of_a_batch_goes_on(desk):
    from webui.picture_values import Settings

    large = encoded(np.zeros((2500, 2500), np.uint8), "PNG")
    session = bring(desk(job_s=0.0), PNG, large)
    finished = list(session.run_all(Settings("nano", 1.0)))[-1]
    assert "was stopped" in " ".join(finished.failures) and finished.total == 2
    with pytest.raises(JobStopped):
        session.show(1, Settings("nano", 1.0))


def test_a_visitor_who_leaves_ends_the_job(desk):
    from webui.picture_values import Settings

    one = desk()
    session = bring(one, encoded(np.zeros((6000, 6000), np.uint8), "PNG"))
    failed = []

    def show():
        try:
            session.show(0, Settings("nano", 1.0))
        except JobStopped as error:
            failed.append(str(error))

    job = threading.Thread(target=show)
    job.start()
    while not session._lock.locked():
        time.sleep(0.01)
    one.leave("x")
    job.join(60)
    assert not job.is_alive() and failed


def test_an_upload_that_is_never_announced_is_deleted_and_an_archive_being_written_is_not(desk):
    from webui.picture_values import Settings

    one = desk(unclaimed_s=-1.0)
    session = bring(one, PNG, PNG)
    orphan = one.workspace.new_folder(one.workspace.served) / "never announced.png"
    orphan.write_bytes(PNG)
    steps = session.run_all(Settings("nano", 1.0))
    next(steps)
    one.tidy()
    assert not orphan.exists()
    assert list(steps)[-1].archive.is_file()


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_who_asks_a_little_too_fast_is_held_back_and_who_floods_is_refused(tmp_path):
    clock = Clock()
    turnstile = Turnstile(VisitLimits(events_per_s=10, events_burst=5, patience_s=2), lambda: [], tmp_path, clock)
    answers = [turnstile.event("a", "s") for _ in range(40)]
    assert [wait for wait, _ in answers[:5]] == [0] * 5  # the burst
    assert answers[5] == (pytest.approx(0.1), None)
    assert answers[24] == (pytest.approx(2.0), None)
    assert all(refusal and "try again in" in refusal for _, refusal in answers[26:])
    assert turnstile.event("b", "t") == (0, None)  # another address
    clock.now = 60
    assert turnstile.event("a", "s") == (0, None)


def test_one_page_and_one_address_get_so_many_places_in_the_line_and_no_more(tmp_path):
    line = [("s", "a")] * 3 + [("t", "a")]
    turnstile = Turnstile(VisitLimits(waiting=4, waiting_each=3), lambda: line, tmp_path)
    assert "at once" in turnstile.event("b", "s")[1]
    assert "this address" in turnstile.event("a", "u")[1]
    assert turnstile.event("b", "u") == (0, None)


def test_uploaded_bytes_are_counted_for_each_address_and_a_full_disk_takes_none(tmp_path):
    clock = Clock()
    limits = VisitLimits(upload_bytes_per_s=100, upload_burst=1000, patience_s=5)
    turnstile = Turnstile(limits, lambda: [], tmp_path, clock)
    assert turnstile.came("a", 1400) and not turnstile.came("a", 200)
    assert turnstile.upload("a")[1] and turnstile.upload("b") == (0, None)
    clock.now = 6
    assert turnstile.upload("a") == (0, None)
    full = Turnstile(VisitLimits(disk_left=2**62), lambda: [], tmp_path, clock)
    assert "disk is full" in full.upload("a")[1]


def test_behind_a_platforms_proxy_a_visitor_is_who_the_proxy_says_and_not_who_the_visitor_says():
    scope = {"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"1.2.3.4, 203.0.113.9")]}
    assert address_of(scope, behind_proxy=True) == "203.0.113.9"
    assert address_of(scope) == "10.0.0.1"
