"""Measures the call path from a camera's 1080p MJPEG to the virtual camera's I420, on this machine.

    python -m tests.measure.mjpeg_time --json assets/results/live/mjpeg-1080p.json

A talking head in JPEGs (as a USB camera sends 1080p) is decoded, sharpened and converted by the parts that a call uses:
the pipeline's threads, the student for streams, the sink of the virtual camera. Only the driver is missing: what would
be handed to it is counted. The clip plays at 30 frames a second, as such cameras do; newest frame wins.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import av

from engine.live.files import VideoFile
from engine.live.pipeline import Pipeline
from engine.live.steady import Steady
from engine.live.stream_sharpener import StreamSharpener
from engine.live.virtual_camera import VirtualCamera
from engine.provenance import provenance
from tests.browser.camera_clip import real_clip, write_film

HEIGHT, WIDTH, FPS = 1080, 1920, 30


class CountingDriver:
    """In the place of a driver's end in pyvirtualcam: takes I420 and counts it."""

    def __init__(self, width, height, fps, fmt, device):
        self.device, self.native_fmt, self.bytes_a_frame, self.sizes = "counted", fmt, width * height * 3 // 2, set()

    def send(self, data):
        self.sizes.add(data.nbytes)

    def close(self):
        assert self.sizes <= {self.bytes_a_frame}, self.sizes


DRIVER = SimpleNamespace(Camera=CountingDriver, PixelFormat=SimpleNamespace(I420=1, NV12=2, YUYV=3, RGB=4))


def write_clip(path):
    """JPEGs in an AVI, as they are."""
    jpegs = path.with_suffix(".mjpeg")
    write_film(jpegs, HEIGHT, WIDTH)
    with av.open(str(jpegs), options={"framerate": str(FPS)}) as film, av.open(str(path), "w") as clip:
        stream = clip.add_stream_from_template(film.streams.video[0])
        for packet in film.demux():
            if packet.size:
                packet.stream = stream
                clip.mux(packet)


def measure(clip, model, seconds):
    """Figures of the run, as `launch.py camera --json` writes them."""
    sink = VirtualCamera(HEIGHT, WIDTH, FPS, library=DRIVER)
    with StreamSharpener(model, steady=Steady(), background=True) as sharpener:
        sharpener.warm_up(HEIGHT, WIDTH)
        pipeline = Pipeline(VideoFile(clip), sharpener, sink).start()
        pipeline.wait(seconds)
        return {"model": model, **pipeline.stop().whole_run()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the result there, with what made it")
    parser.add_argument("--seconds", type=int, default=20, help="for each student (default: %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whetstone-mjpeg-") as folder:
        clip = Path(folder) / "camera.avi"
        write_clip(clip)
        megabits = clip.stat().st_size * 8 / 60 * FPS / 1e6
        runs = [measure(clip, model, args.seconds) for model in ("nano", "small")]
    result = {
        "height": HEIGHT,
        "width": WIDTH,
        "film": "a talking head of ../shared/data/video" if real_clip() else "a still that moves",
        "megabits_a_second": round(megabits),
        "runs": runs,
        "load_average": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        **provenance("python -m tests.measure.mjpeg_time" + (f" --json {args.json}" if args.json else "")),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
