"""Small videos made for tests: any size, pixel format, times, sound, rotation; and what a video file holds."""

from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from skimage import data

SCENE = cv2.GaussianBlur(data.astronaut(), (0, 0), 1.5)  # soft, so that there is something to sharpen
BASE = Fraction(1, 90_000)


def moving(frames, height=96, width=128):
    """Frames of a slow pan over a soft picture: (height, width, 3) uint8."""
    scene = cv2.resize(SCENE, (2 * width, 2 * height), interpolation=cv2.INTER_AREA)
    places = [index % height for index in range(frames)]
    return [np.ascontiguousarray(scene[at : at + height, at : at + width]) for at in places]


def make_clip(
    path, pictures, *, times=None, fps=25, coder="libx264", pixel_format="yuv420p", rotation=None, tags=(), sound=False,
    options=None, container_options=None, base=BASE,
):  # fmt: skip
    """Writes pictures as a video. times: seconds of each frame, in units of base; tags: (name, number) of the codec."""
    height, width = pictures[0].shape[:2]
    times = times or [index / fps for index in range(len(pictures))]
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream(coder, rate=fps, width=width, height=height, options=options or {})
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = base
        for name, number in tags:
            setattr(stream.codec_context, name, number)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        voice = container.add_stream("aac", rate=48_000) if sound else None
        if voice is not None:
            container.mux(voice.encode(tone(times[-1])))
            container.mux(voice.encode(None))
        for pixels, at_s in zip(pictures, times):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = round(at_s / base), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def remade(source, path, *, later_s=0.0, kept=None, container_options=None):
    """The pictures of a video in another file, not coded anew, their times later by so much; kept: which packets."""
    with av.open(str(source)) as old, av.open(str(path), "w", container_options=container_options or {}) as new:
        stream = new.add_stream_from_template(old.streams.video[0], opaque=True)
        for index, packet in enumerate(old.demux(old.streams.video[0])):
            if packet.dts is None or (kept is not None and not kept(index)):
                continue
            shift = round(later_s / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
            new.mux(packet)
    return path


def tone(seconds):
    """An av.AudioFrame of stereo sound."""
    count = round(48_000 * seconds)
    wave = (0.2 * np.sin(np.arange(count) / 20)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    return frame


@dataclass
class Contents:
    """What a player finds in a file."""

    times: list  # of the frames, seconds
    rgb: list  # of the frames, as stored
    chroma: list  # both planes of each frame
    first: object  # av.VideoFrame
    seconds: float
    sound: list  # packets, bytes
    tags: tuple  # range, matrix, primaries, transfer


def contents(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        context = stream.codec_context
        tags = context.color_range, context.colorspace, context.color_primaries, context.color_trc
        seconds = container.duration / av.time_base
    sound = []
    with av.open(str(path)) as container:
        if container.streams.audio:
            sound = [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]
    return Contents(
        [frame.time for frame in frames],
        [frame.to_ndarray(format="rgb24") for frame in frames],
        [[bytes(plane) for plane in frame.planes[1:]] for frame in frames],
        frames[0],
        seconds,
        sound,
        tags,
    )
