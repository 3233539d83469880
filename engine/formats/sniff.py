"""What kind of file the first bytes say it is; the name of a file is never asked."""

from __future__ import annotations

SNIFF_BYTES = 4096  # enough for every signature below and to tell text from noise

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
)

# description, or for videos the word VIDEO, that continues "is ..."
_OTHERS = (
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript drawing"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"qoif", "a QOI picture"),
    (b"DDS ", "a DDS texture"),
    (b"FUJIFILMCCD-RAW", "a camera raw file"),
    (b"IIU\0", "a camera raw file"),
    (b"IIRO", "a camera raw file"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_VIDEOS = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"\x00\x00\x01\xba",  # MPEG programme stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"FLV\x01",
    b"OggS",
    b"0&\xb2u\x8ef\xcf\x11",  # ASF, WMV
)
_FTYP = {
    b"heic": "a HEIC picture",
    b"heix": "a HEIC picture",
    b"heim": "a HEIC picture",
    b"hevc": "a HEIC picture",
    b"mif1": "a HEIC picture",
    b"msf1": "a HEIC picture",
    b"avif": "an AVIF picture",
    b"avis": "an AVIF picture",
    b"crx ": "a camera raw file",
}

VIDEO = "a video"


def picture_format(head: bytes) -> str | None:
    """ "JPEG", "PNG", "WEBP", "BMP" or "TIFF", or None for anything else. head: the first bytes of the file."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return None if head[8:10] == b"CR" and name == "TIFF" else name  # Canon raw is dressed as TIFF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    # "BM" alone is two letters of any text: the size of the second header must be one that exists
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in (12, 40, 52, 56, 64, 108, 124):
        return "BMP"
    return None


def describe(head: bytes) -> str:
    """What a file that is none of our formats is: "a GIF picture", "text", "a video", ...; continues "is"."""
    if head[4:8] == b"ftyp":
        return _FTYP.get(head[8:12], VIDEO)
    if head[:4] == b"RIFF":
        return {b"AVI ": VIDEO, b"WAVE": "a sound"}.get(head[8:12], "a RIFF file of another kind")
    if head.startswith(_VIDEOS):
        return VIDEO
    if head[8:10] == b"CR" and head[:4] in (b"II*\0", b"MM\0*"):
        return "a camera raw file"
    for signature, name in _OTHERS:
        if head.startswith(signature):
            return name
    if head[:2] in (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7") and head[2:3].isspace():
        return "a PNM picture"
    return _describe_text(head) or "not a picture format that is known here"


def _describe_text(head: bytes) -> str | None:
    text = None
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = head.decode("utf-16", "ignore")
    else:
        try:
            text = head[: SNIFF_BYTES - 4].decode("utf-8")  # the cut may fall inside a letter
        except UnicodeDecodeError as error:
            text = head[: error.start].decode("utf-8") if error.start >= len(head) - 4 else None
    if text is None or any(ord(letter) < 32 and letter not in "\t\n\r\f\x1b" for letter in text):
        return None
    start = text.lstrip("\ufeff \t\r\n").lower()
    if "<svg" in start[:1024]:
        return "an SVG drawing (lines, not pixels)"
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        return "a web page"
    return "text"
