"""Pictures in and out of files and bytes: what they hold decides, not their name, and nothing is decoded unmeasured."""

from __future__ import annotations

import dataclasses
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.atomic_write import write_atomically
from engine.errors import BadImage, BadOutput, TooManyPixels
from engine.formats.bmp import encode_bmp, open_bmp
from engine.formats.colour import usable_profile
from engine.formats.exif import BadExif, ExifBlock
from engine.formats.jpeg import encode_jpeg, open_jpeg
from engine.formats.parts import Coding, Damaged, Extras, Opened, strips
from engine.formats.png import encode_png, open_png
from engine.formats.sniff import SNIFF_BYTES, VIDEO, describe, picture_format
from engine.formats.tiff import open_tiff
from engine.formats.tiff_writer import encode_tiff
from engine.formats.webp import encode_webp, open_webp

ALL_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
WEB_FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 100_000_000

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
}
FORMAT_OF_SUFFIX = {suffix: name for name, suffixes in SUFFIXES.items() for suffix in suffixes}

_OPENERS = {"JPEG": open_jpeg, "PNG": open_png, "WEBP": open_webp, "BMP": open_bmp, "TIFF": open_tiff}
_ENCODERS = {"JPEG": encode_jpeg, "PNG": encode_png, "WEBP": encode_webp, "BMP": encode_bmp, "TIFF": encode_tiff}
_SHOWN = {"WEBP": "WebP"}
_HOLDS_ALPHA = ("PNG", "WEBP", "BMP", "TIFF")
_HOLDS_16_BIT = ("PNG", "TIFF")
_HOLDS_PROFILE = ("JPEG", "PNG", "WEBP", "TIFF")
_JPEG_EXIF_BYTES = 65_527
_FILE_BYTES_BESIDE_PIXELS = 64 << 20  # profiles, EXIF, further pages: more than any file that fits the pixel limit has


@dataclass(frozen=True, eq=False)
class Picture:
    """pixels: uint8 or uint16, (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, upright: the orientation was applied.

    format: what it came as and what it is written as. exif: a TIFF structure without the prefix of JPEG, orientation 1.
    density: pixels per inch (across, down). notices: what of the file is not in here, one line each.
    """

    pixels: np.ndarray
    format: str
    icc: bytes | None = None
    exif: bytes | None = None
    density: tuple[float, float] | None = None
    coding: Coding = field(default_factory=Coding)
    notices: tuple[str, ...] = ()
    origin: Path | None = None  # the file it was read from, which is never written to

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return self.pixels.shape[1]

    def replace(self, **changes) -> Picture:
        """A copy with other fields."""
        return dataclasses.replace(self, **changes)


def read_picture(
    source: str | os.PathLike | bytes | bytearray | memoryview,
    *,
    formats: tuple[str, ...] = ALL_FORMATS,
    max_pixels: int = MAX_PIXELS,
    name: str | None = None,
) -> Picture:
    """source: a path or the bytes of a file. name: what messages call it. Raises BadImage, and nothing else.

    The size in the header is compared with max_pixels before a decoder is called, and only the formats named reach one.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        name, origin, data = printable(name or "the picture"), None, bytes(source)
    else:
        path = Path(source)
        name, origin = printable(name or str(path)), path.absolute()
        data = _read_file(path, name, formats, max_pixels)
    kind = _accept(data[:SNIFF_BYTES], name, formats)

    def check_size(height: int, width: int) -> None:
        if height * width > max_pixels:
            raise TooManyPixels(
                f"{name}: {width} x {height} pixels are more than the limit of {max_pixels / 1e6:g} megapixels; "
                "scale it down, or raise the limit (--max-megapixels on the command line)"
            )

    try:
        opened = _OPENERS[kind](data, check_size)
        check_size(opened.height, opened.width)  # once more, for all formats alike
        pixels = opened.decode()
    except (BadImage, MemoryError) as error:
        if isinstance(error, MemoryError):
            raise BadImage(f"{name}: there is not enough free memory to read it; close other programs first") from error
        raise
    except Damaged as error:
        advice = "" if ";" in str(error) else "; copy or download it again"
        raise BadImage(f"{name}: {error}{advice}") from error
    except Exception as error:  # a decoder meets damaged bytes with whatever it raises there
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise BadImage(
            f"{name}: the {_shown(kind)} is cut off or damaged ({reason}); copy or download it again"
        ) from error

    icc, icc_notices = _usable_icc(opened.icc)
    exif, orientation, exif_notices = _upright_exif(opened)
    coding, density = opened.coding, opened.density
    if orientation > 1:
        pixels = _upright(pixels, orientation)
    if orientation >= 5:
        coding = coding.transposed()
        density = density[::-1] if density else None
    notices = opened.notices + icc_notices + exif_notices
    return Picture(pixels, kind, icc, exif, density, coding, notices, origin)


def is_picture_file(path: Path, formats: tuple[str, ...] = ALL_FORMATS) -> bool:
    """Whether the first bytes of a file are those of a picture that is read; OSError where it cannot be opened."""
    return picture_format(_head(path)) in formats


def is_video_file(path: Path) -> bool:
    """Whether the first bytes of a file are those of a video; OSError where it cannot be opened."""
    head = _head(path)
    return picture_format(head) is None and describe(head) == VIDEO


def convert_picture(picture: Picture, format: str) -> Picture:
    """The picture as another format has to hold it, with a notice for each thing that it cannot hold.

    Transparency is laid on white, 16 bits become 8, profile and EXIF go where there is no place for them.
    """
    if format == picture.format:
        return picture
    pixels, notices, shown = picture.pixels, [], _shown(format)
    if pixels.dtype == np.uint16 and format not in _HOLDS_16_BIT:
        pixels = _to_8_bit(pixels)
        notices.append(f"16 bits a channel became 8, because {shown} holds no more")
    if pixels.ndim == 3 and pixels.shape[2] == 4 and format not in _HOLDS_ALPHA:
        if (pixels[..., 3] < 255).any():
            notices.append(f"transparent parts were laid on white, because {shown} has no transparency")
        pixels = _on_white(pixels)
    icc, exif = picture.icc, picture.exif
    if format not in _HOLDS_PROFILE and (icc or exif):
        notices.append(f"colour profile and EXIF were left out, because {shown} has no place for them")
        icc = exif = None
    if format == "JPEG" and exif and len(exif) > _JPEG_EXIF_BYTES:
        notices.append("EXIF was left out, because JPEG holds at most 64 KB of it")
        exif = None
    return picture.replace(
        pixels=pixels, format=format, icc=icc, exif=exif, coding=Coding(), notices=picture.notices + tuple(notices)
    )


def encode_picture(picture: Picture, *, keep_gps: bool = True) -> bytes:
    """The bytes of a file in picture.format. Raises BadOutput where the format cannot hold a picture of that size."""
    exif = picture.exif
    if exif and not keep_gps:
        try:
            block = ExifBlock(exif)
            block.drop_gps()
            exif = bytes(block.bytes)
        except BadExif:
            exif = None  # where the place of exposure cannot be found it cannot be left out alone
    try:
        return _ENCODERS[picture.format](picture.pixels, picture.coding, Extras(picture.icc, exif, picture.density))
    except ValueError as error:
        size = f"{picture.width} x {picture.height}"
        raise BadOutput(f"a picture of {size} pixels does not fit: {error}; choose PNG") from error


def write_picture(picture: Picture, path: str | os.PathLike, *, overwrite: bool = False, keep_gps: bool = True) -> None:
    """Writes picture.format to path, whole or not at all, and never over the file that the picture was read from.

    Raises BadOutput: something is there already (without overwrite), folder missing or read-only, disk full.
    """
    if picture.origin is not None and is_same_file(picture.origin, Path(path)):
        raise BadOutput(f"{path} is the picture that was read, which is never overwritten; choose another name")
    write_atomically(path, encode_picture(picture, keep_gps=keep_gps), overwrite=overwrite)


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two names lead to one file: through links, or letters of another case where the disk ignores it."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def accepted(formats: tuple[str, ...]) -> str:
    """ "JPEG, PNG, WebP": for messages."""
    return ", ".join(_shown(name) for name in formats)


def printable(name: str) -> str:
    """A name as it can stand in one line: files may be called anything, line breaks included."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _shown(format: str) -> str:
    return _SHOWN.get(format, format)


def _read_file(path: Path, name: str, formats: tuple[str, ...], max_pixels: int) -> bytes:
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise BadImage(f"{name} is a folder, not a picture")
        if not stat.S_ISREG(status.st_mode):
            raise BadImage(f"{name} is a device or a pipe, not a file with a picture")
        _accept(_head(path), name, formats)  # a film of 40 GB is not read to find out that it is one
        if status.st_size > max_pixels * 8 + _FILE_BYTES_BESIDE_PIXELS:
            raise TooManyPixels(
                f"{name}: {status.st_size / 1e9:.1f} GB are more than a picture of {max_pixels / 1e6:g} megapixels can "
                "need; scale it down, or raise the limit (--max-megapixels on the command line)"
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        if isinstance(error, FileNotFoundError):
            raise BadImage(f"{name} does not exist") from error
        raise BadImage(f"{name} cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(SNIFF_BYTES)


def _accept(head: bytes, name: str, formats: tuple[str, ...]) -> str:
    if not head:
        raise BadImage(f"{name} is empty (0 bytes); copy or download it again")
    kind = picture_format(head)
    if kind is not None and kind in formats:
        return kind
    if kind is not None:
        raise BadImage(f"{name} is a {_shown(kind)} picture; accepted here are {accepted(formats)}")
    found = describe(head)
    if found == VIDEO:
        raise BadImage(f"{name} is a video, not a picture; `python launch.py sharpen` takes videos")
    raise BadImage(f"{name} is {found}; accepted here are {accepted(formats)}")


def _usable_icc(icc: bytes | None) -> tuple[bytes | None, tuple[str, ...]]:
    if icc is None:
        return None, ()
    usable = usable_profile(icc)
    return usable, () if usable else ("its colour profile is damaged and was left out",)


def _upright_exif(opened: Opened) -> tuple[bytes | None, int, tuple[str, ...]]:
    """(EXIF that says upright, the orientation it had, notices)."""
    exif, orientation = opened.exif, opened.orientation
    if exif is None:
        return None, orientation or 1, ()
    try:
        block = ExifBlock(exif[6:] if exif[:6] == b"Exif\0\0" else exif)
        if orientation is None:
            orientation = block.orientation()
        block.make_upright()
        block.drop_thumbnail()
        ExifBlock(bytes(block.bytes))
        return bytes(block.bytes), orientation, ()
    except BadExif:
        return None, orientation or 1, ("its EXIF data is damaged and was left out",)


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The stored pixels turned and mirrored as EXIF orientation 2..8 asks for."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _to_8_bit(pixels: np.ndarray) -> np.ndarray:
    out = np.empty(pixels.shape, np.uint8)
    for top, bottom in strips(*pixels.shape[:2]):
        out[top:bottom] = (pixels[top:bottom].astype(np.uint32) + 128) // 257
    return out


def _on_white(pixels: np.ndarray) -> np.ndarray:
    out = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top, bottom in strips(*pixels.shape[:2]):
        band = pixels[top:bottom].astype(np.uint32)
        alpha = band[..., 3:]
        out[top:bottom] = (band[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return out
