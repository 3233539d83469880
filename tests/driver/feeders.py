"""Runs inside the virtual machine: several programs want to feed one virtual camera, or one was killed feeding it."""

import os
import signal

import numpy as np

from engine.errors import SinkLost
from engine.live import devices
from engine.live.frames import Frame
from engine.live.virtual_camera import VirtualCamera


def second(height, width, fps):
    """While this process, `first`, feeds: what a second feeder is told, and what the device says that it is."""
    with VirtualCamera(height, width, fps) as camera:
        camera.send(_grey(height, width))
        (fed,) = devices.virtual_cameras()
        told = _in_another_process(lambda: _try(height, width, fps))
    return {"first": os.getpid(), "told": told, "captures": fed.captures, "outputs": fed.outputs}


def after_a_killed_one(height, width, fps):
    """While nobody feeds because the last feeder was killed: what the device says that it is, what the next is told."""

    def feed_and_die():
        VirtualCamera(height, width, fps).send(_grey(height, width))
        os.kill(os.getpid(), signal.SIGKILL)

    _in_another_process(feed_and_die)
    (left,) = devices.virtual_cameras()
    return {"captures": left.captures, "outputs": left.outputs, "told": _try(height, width, fps)}


def _try(height, width, fps):
    """Feed one frame: what is said against it, "" when nothing is."""
    try:
        with VirtualCamera(height, width, fps) as camera:
            camera.send(_grey(height, width))
    except SinkLost as error:
        return str(error)
    return ""


def _grey(height, width):
    return Frame(np.full((height, width, 3), 128, np.uint8), 0, 0.0)


def _in_another_process(body):
    """The text that body() returns there; "" when it dies."""
    reading, writing = os.pipe()
    process = os.fork()  # a fresh interpreter would spend seconds of the machine on its imports
    if process == 0:
        os.write(writing, body().encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as answer:
        text = answer.read()
    os.waitpid(process, 0)
    return text
