"""Writes a video file that appears whole or not at all: H.264 pictures, other streams copied as they are."""

import os
import struct
from fractions import Fraction

import av
from av.sidedata.sidedata import Type
from av.video.reformatter import ColorRange, Colorspace

from engine.atomic_write import Beside
from engine.errors import BadOutput
from engine.video.colours import has_no_luma

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}  # channels -> libav's word
QUALITIES = {"high": 16, "medium": 20, "small": 25}  # name -> x264's constant rate factor, lower is better


class VideoWriter:
    """Frames in, a file out. Raises BadOutput: no place, disk full, an ending that names no container.

    height, width: of the frames; rate: frames a second, a hint for players; time_base: of the frames' timestamps;
    quality: constant rate factor; pixel_format: libav's word, which an odd size needs to be a 4:4:4 one.
    """

    def __init__(
        self, path, *, height, width, rate, time_base, quality=20, preset="veryfast", pixel_format="yuv420p",
        overwrite=False,
    ):  # fmt: skip
        suffix = os.path.splitext(os.fspath(path))[1].lower()
        if suffix not in CONTAINERS:
            raise BadOutput(f"{path} does not say which kind of video to write; end it in {' '.join(CONTAINERS)}")
        self._place = Beside(path, overwrite=overwrite)
        try:
            self._container = av.open(str(self._place.temporary), "w", format=CONTAINERS[suffix])
            self.stream = self._container.add_stream(
                "libx264", rate=Fraction(rate).limit_denominator(100_000), time_base=Fraction(time_base),
                width=width, height=height, options={"crf": str(quality), "preset": preset},
            )  # fmt: skip
        except (av.FFmpegError, OSError) as error:
            self._place.discard()
            raise BadOutput(self._place.refusal(_as_os_error(error))) from error
        self.stream.pix_fmt = pixel_format
        self.path = self._place.path
        self.frames = 0
        self._refused: BadOutput | None = None

    def copy_of(self, template):
        """A stream that takes another file's packets as they are; before the first frame. Raises ValueError.

        ValueError: this container cannot hold it.
        """
        stream = self._container.add_stream_from_template(template, opaque=True)
        stream.metadata.update(kept_tags(template.metadata))
        if template.type == "audio" and template.layout.name == f"{template.channels} channels":
            # MKV does not say which channel of PCM is which, and MP4 wants to know
            stream.codec_context.layout = _USUAL_LAYOUTS.get(template.channels, template.layout.name)
        return stream

    def keep_look(self, reader, first):
        """Take over what says how the pictures are shown: colour tags, pixel shape, rotation; before the first frame.

        reader: the VideoReader they come from; first: its first frame.
        """
        source, ours = reader.stream.codec_context, self.stream.codec_context
        for tag in ("color_range", "colorspace", "color_primaries", "color_trc"):
            setattr(ours, tag, getattr(source, tag))
        if has_no_luma(first.format):
            self.tag_bt709()
        if reader.stream.sample_aspect_ratio:
            ours.sample_aspect_ratio = reader.stream.sample_aspect_ratio
        matrix = first.side_data.get(Type.DISPLAYMATRIX)
        if matrix is not None:
            self.stream.set_display_matrix(struct.unpack("9i", bytes(matrix)))
        self.stream.metadata.update(kept_tags(reader.stream.metadata))
        self._container.metadata.update(kept_tags(reader.container.metadata))
        if chapters := reader.container.chapters():
            self._container.set_chapters(chapters)

    def tag_bt709(self):
        """Say that the frames are BT.709 in the video range, as engine.video.colours.bt709 makes them."""
        context = self.stream.codec_context
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG

    def write(self, frame):
        """frame: an av.VideoFrame with pts and time base, later than the last one."""
        self.frames += 1
        self._mux(lambda: self.stream.encode(frame))

    def mux(self, packet):
        """A packet of a stream that copy_of() made."""
        self._mux(lambda: packet)

    def _mux(self, packets):
        if self._refused is not None:  # libav would crash in a container that is closed
            raise self._refused
        try:
            self._container.mux(packets())
        except (av.FFmpegError, OSError) as error:
            self._refused = BadOutput(self._place.refusal(_as_os_error(error)))
            self.discard()
            raise self._refused from error

    def finish(self):
        """The file gets its name. Raises BadOutput."""
        if self._refused is not None:
            raise self._refused
        if self.frames:
            self._mux(lambda: self.stream.encode(None))
        try:
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            refused = BadOutput(self._place.refusal(_as_os_error(error)))
            self._place.discard()
            raise refused from error
        self._place.keep()

    def discard(self):
        """Leave nothing behind."""
        try:
            self._container.close()
        except (av.FFmpegError, OSError):
            pass  # it is thrown away
        finally:
            self._place.discard()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.finish()
        else:
            self.discard()


def kept_tags(metadata):
    """Words about a file or stream without those that the new file makes itself."""
    made = {"major_brand", "minor_version", "compatible_brands", "encoder", "handler_name", "vendor_id", "duration"}
    return {key: value for key, value in metadata.items() if key.lower() not in made}


def _as_os_error(error):
    return error if isinstance(error, OSError) else OSError(None, str(error))
