"""Names of pictures as visitors give them, made harmless for folders, archives and the page; NAME-sharp.EXT of them."""

import re
import unicodedata

EXTENSIONS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
# What each format is usually called; a name that already ends so keeps its own spelling.
_USUAL = {"JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"), "PNG": (".png",), "WEBP": (".webp",)}
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # device names on Windows
_STEM_BYTES = 120  # file systems allow 255 for the whole name; "-sharp", a number and the extension come on top


def clean_name(name):
    """The last part of a name without anything that could mislead: separators, control and direction marks, length.

    name: whatever the browser said. Returns at most 120 bytes plus an extension of at most 10; never empty.
    """
    name = str(name).replace("\\", "/").rsplit("/", 1)[-1]
    # Cc control, Cf format (right-to-left override, zero width), Cs surrogate, Co private, Zl and Zp line breaks
    name = "".join(" " if unicodedata.category(c) in ("Zl", "Zp") else c for c in name)
    name = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    name = unicodedata.normalize("NFC", name)
    name = re.sub(r'[<>:"|?*%]', "_", name)
    name = re.sub(r"\s+", " ", name).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or len(extension) > 9 or not extension.isalnum() or not extension.isascii():
        stem, extension = name, ""
    stem = stem.encode()[:_STEM_BYTES].decode(errors="ignore").strip(" .") or "picture"
    if _RESERVED.fullmatch(stem):
        stem = f"_{stem}"
    return f"{stem}.{extension}" if extension else stem


def sharp_name(name, picture_format):
    """NAME-sharp.EXT for a cleaned name and the format ("JPEG", "PNG", "WEBP") that the result is written in."""
    stem, dot, extension = name.rpartition(".")
    suffix = f".{extension}"
    if not dot:
        stem, suffix = name, ""
    if suffix.lower() not in _USUAL[picture_format]:
        if suffix.lower() not in {usual for all_usual in _USUAL.values() for usual in all_usual}:
            stem = name  # not a picture's extension at all, such as "scan.v2"
        suffix = EXTENSIONS[picture_format]
    return f"{stem}-sharp{suffix}"


def unlike(name, taken):
    """The name itself, or with -2, -3, ... before its extension when it is among taken (compared without case)."""
    stem, dot, extension = name.rpartition(".")
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{stem}-{number}{dot}{extension}"
    return candidate
