"""Writes a video file that appears whole or not at all: H.264 pictures, other streams copied as they are."""

import contextlib
import os
import struct
from fractions import Fraction

import av
from av.sidedata.sidedata import Type
from av.video.reformatter import ColorRange, Colorspace

from engine.atomic_write import Beside
from engine.errors import BadOutput, BadVideo
from engine.video.boxes import whole_pieces
from engine.video.colours import has_no_luma
from engine.video.reader import VideoReader

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}  # channels -> libav's word
_PIECE_S = 2  # of a recording: a full disk costs one at most, and what the coder still holds
QUALITIES = {"high": 16, "medium": 20, "small": 25}  # name -> x264's constant rate factor, lower is better


class VideoWriter:
    """Frames in, a file out. Raises BadOutput: no place, disk full, an ending that names no container.

    height, width: of the frames; rate: frames a second, a hint for players; time_base: of the frames' timestamps;
    quality: constant rate factor; pixel_format: libav's word, which an odd size needs to be a 4:4:4 one.
    recording: what comes cannot be made again, so what a full disk holds of it is kept, and the error says so.
    """

    def __init__(
        self, path, *, height, width, rate, time_base, quality=20, preset="veryfast", pixel_format="yuv420p",
        overwrite=False, recording=False,
    ):  # fmt: skip
        suffix = os.path.splitext(os.fspath(path))[1].lower()
        if suffix not in CONTAINERS:
            raise BadOutput(f"{path} does not say which kind of video to write; end it in {' '.join(CONTAINERS)}")
        coding = {"crf": str(quality)} if quality else {"qp": "0"}  # a factor of 0 is not lossless in 10 bits
        self._recording, container = recording, CONTAINERS[suffix]
        pieces = {"g": str(round(_PIECE_S * rate))} if recording else {}  # a key frame begins each
        # readable piece by piece while it is written, an ordinary file at its end
        settings = {"flush_packets": "1"} if recording else {}
        if recording and container != "matroska":
            settings["movflags"] = "hybrid_fragmented+delay_moov"  # delayed: knows when the first begins
        self._place = Beside(path, overwrite=overwrite)
        try:
            self._container = av.open(str(self._place.temporary), "w", format=container, container_options=settings)
            self.stream = self._container.add_stream(
                "libx264", rate=Fraction(rate).limit_denominator(100_000), time_base=Fraction(time_base),
                width=width, height=height, options=coding | {"preset": preset} | pieces,
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
        stream.disposition = template.disposition
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
        self.stream.disposition = reader.stream.disposition
        self.stream.metadata.update(kept_tags(reader.stream.metadata))
        self._container.metadata.update(kept_tags(reader.container.metadata))
        if chapters := reader.container.chapters():
            self._container.set_chapters(chapters)

    def tag_bt709(self):
        """Say that the frames are BT.709 in the video range, as engine.video.colours.bt709 makes them."""
        context = self.stream.codec_context
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG

    def begin(self):
        """Write what comes before the first frame, once all streams are there. Raises ValueError, BadOutput.

        ValueError: this container cannot hold one of them, which libav sees no sooner.
        """
        try:
            self._container.start_encoding()
        except ValueError:
            raise
        except (av.FFmpegError, OSError) as error:
            raise BadOutput(self._place.refusal(_as_os_error(error))) from error

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
            raise self._give_up(error) from error

    def finish(self):
        """The file gets its name. Raises BadOutput."""
        if self._refused is not None:
            raise self._refused
        if self.frames:
            self._mux(lambda: self.stream.encode(None))
        try:
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            raise self._give_up(error) from error
        self._place.keep()

    def _give_up(self, error):
        """End it where it cannot go on; what a recording holds until then is kept. Returns the BadOutput to raise."""
        why = self._place.refusal(_as_os_error(error))
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()
        kept = False
        if self._recording and holds_frames(self._place.temporary):
            with contextlib.suppress(BadOutput):
                self._place.keep()
                kept = True
        self._place.discard()
        self._refused = BadOutput(f"{why}; {self.path} holds what came before" if kept else why)
        return self._refused

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


def holds_frames(path):
    """Whether frames can be read from what was written; an MP4 or MOV is cut behind its last whole piece first."""
    try:
        whole = whole_pieces(path)[0]
        if whole is not None:
            os.truncate(path, whole)
        with VideoReader(path) as reader:
            return next(reader.frames(), None) is not None
    except (BadVideo, av.FFmpegError, OSError):
        return False


def kept_tags(metadata):
    """Words about a file or stream without those that the new file makes itself, or that are not true of it."""
    made = {"major_brand", "minor_version", "compatible_brands", "encoder", "handler_name", "vendor_id", "duration"}
    lost = {"alpha_mode"}  # H.264 has no transparency
    return {key: value for key, value in metadata.items() if key.lower() not in made | lost}


def _as_os_error(error):
    return error if isinstance(error, OSError) else OSError(None, str(error))
