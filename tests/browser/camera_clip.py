"""A film for Chromium's fake camera: a talking head, softened as a cheap camera would, as MJPEG (JPEGs in a row)."""

import itertools
from pathlib import Path

import cv2

from tests.webui.server_process import ROOT
from webui.live_jpeg import encode

CLIPS = ROOT.parent / "shared" / "data" / "video"
FAKE_CAMERA = [
    "--use-fake-ui-for-media-stream",  # the question for permission is answered with yes
    "--use-fake-device-for-media-stream",
]


def real_clip():
    """The path of a real clip, None where the shared data is absent."""
    return next(iter(sorted(CLIPS.glob("*.mp4"))), None)


def write_film(path, height, width, frames=60, blur=1.2, clip=real_clip):
    """Write the film; returns the flags that make it Chromium's camera.

    blur: sigma in pixels of the film. clip() gives the video's path, None for a moved still.
    """
    with open(path, "wb") as file:
        for pixels in itertools.islice(_pictures(height, width, clip()), frames):
            file.write(encode(cv2.GaussianBlur(pixels, (0, 0), blur), quality=93))
    return [*FAKE_CAMERA, f"--use-file-for-fake-video-capture={Path(path).resolve()}"]


def _pictures(height, width, clip):
    """Endless frames (height, width, 3) of a clip, for None of a still that is moved a little."""
    if clip is None:
        from skimage import data

        still = _fitted(data.astronaut(), height + 32, width + 32)
        for step in itertools.count():
            left = abs(step % 32 - 16)
            yield still[left : left + height, left : left + width]
    import av

    while True:
        with av.open(str(clip)) as container:
            for frame in container.decode(video=0):
                yield _fitted(frame.to_ndarray(format="rgb24"), height, width)


def _fitted(pixels, height, width):
    """Enlarged or shrunk to cover the size, the middle of it."""
    scale = max(height / pixels.shape[0], width / pixels.shape[1])
    size = (max(width, round(pixels.shape[1] * scale)), max(height, round(pixels.shape[0] * scale)))
    pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]
