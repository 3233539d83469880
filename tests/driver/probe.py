"""Runs inside the virtual machine: numbered pictures go through the pipeline and the virtual camera to a reader.

What came out is reported, not judged; that is done outside, by the tests.
"""

import time
from dataclasses import asdict

import cv2
import numpy as np

from engine.live import devices
from engine.live.controls import Controls
from engine.live.frames import Frame
from engine.live.pipeline import Pipeline
from engine.live.sources import Pace
from engine.live.virtual_camera import VirtualCamera
from tests.driver import feeders
from tests.driver.machine import report
from tests.driver.pictures import picture
from tests.driver.reader import Reader

HEIGHT, WIDTH, FPS, COUNT = 360, 640, 30.0, 60
FALSE_FROM, FALSE_COUNT = 100, 10  # numbers of the stream that is sent wrong, to see that wrong is noticed
EXCHANGED = 4, 5  # places in it
WAITING, ENDED = 255, 254  # shown until the reader is there, and after everything
MARGIN = 3  # frames before and after a stream, so that a start or an end costs none that counts
SETTLED = 15  # frames that the reader has taken before pictures count: opening keeps the only processor busy


class Pictures:
    """A source of pictures at a rate. watched(): whether to begin; until then the picture WAITING is shown."""

    name, ended, notice = "numbered pictures", False, ""
    height, width, fps = HEIGHT, WIDTH, FPS

    def __init__(self, pictures, watched):
        self._pictures, self._watched = list(pictures), watched
        self._waiting = picture(WAITING, HEIGHT, WIDTH)
        self._pace, self._index = Pace(FPS), -1

    def read(self):
        if not self._pace.wait():
            return None
        self._index += 1
        pixels = self._pictures.pop(0) if self._watched() else self._waiting
        self.ended = not self._pictures
        return Frame(pixels, self._index, time.monotonic())

    def reopen(self):
        """It is never lost."""

    def close(self):
        """Nothing to free."""


def send(pictures, watched=lambda: True):
    """The pictures through the pipeline into the virtual camera, as the camera command does it."""
    camera = VirtualCamera(HEIGHT, WIDTH, FPS)
    Pipeline(Pictures(pictures, watched), None, camera, controls=Controls(bypass=True)).run()


def stream_to_one_reader(true, wrong):
    """The Arrivals at a reader that stays while the sender of one stream ends and that of another begins."""
    reader = Reader(until=ENDED, passing={WAITING, ENDED})

    def watched():
        if reader.ident is None and any(device.captures for device in devices.virtual_cameras()):
            reader.start()  # as programs do: the driver says that this is a camera once a first frame has come
        if reader.failed:
            raise RuntimeError("the reader gets no frames")
        return reader.taken >= SETTLED

    send(true, watched)
    reader.wait_for(COUNT - 1)
    waiting, ended = (MARGIN * [picture(index, HEIGHT, WIDTH)] for index in (WAITING, ENDED))
    send([*waiting, *wrong, *ended])
    reader.join()
    return reader.arrivals


def falsified(pictures):
    """Red and blue exchanged, and two neighbours."""
    wrong = [np.ascontiguousarray(pixels[:, :, ::-1]) for pixels in pictures]
    first, second = EXCHANGED
    wrong[first], wrong[second] = wrong[second], wrong[first]
    return wrong


def seen(arrival, sent):
    """What is reported of an Arrival. sent: number -> pixels; the error is in levels of 255."""
    difference = cv2.absdiff(sent[arrival.index], np.ascontiguousarray(arrival.pixels))
    counts = cv2.calcHist([difference.reshape(-1)], [0], None, [256], [0, 256]).ravel()
    shares = counts / counts.sum()
    return {
        "index": arrival.index,
        "at_s": arrival.at_s,
        "mean_error": float(shares @ np.arange(256)),
        "p99_error": int(np.searchsorted(shares.cumsum(), 0.99)),
    }


def main():
    began_s = time.monotonic()
    unfed = [{**asdict(device), "path": str(device.path)} for device in devices.list_devices()]
    true = [picture(index, HEIGHT, WIDTH) for index in range(COUNT)]
    false = [picture(FALSE_FROM + index, HEIGHT, WIDTH) for index in range(FALSE_COUNT)]
    arrivals = stream_to_one_reader(true, falsified(false))
    sent = dict(enumerate(true)) | dict(enumerate(false, FALSE_FROM))
    report(
        {
            "unfed": unfed,
            "arrivals": [seen(arrival, sent) for arrival in arrivals],
            "second_feeder": feeders.second(HEIGHT, WIDTH, FPS),
            "after_a_killed_feeder": feeders.after_a_killed_one(HEIGHT, WIDTH, FPS),
            "virtual_s": {"imports": began_s, "all": time.monotonic()},
        }
    )


if __name__ == "__main__":
    main()
