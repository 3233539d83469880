"""Names from outside are harmless after cleaning, and results are called NAME-sharp.EXT."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.file_names import clean_name, sharp_name, unlike

NASTY = [
    "../../etc/passwd",
    "..\\..\\windows\\system32\\x.png",
    "C:\\autoexec.bat",
    "photo\u202egnp.exe",  # right-to-left override: shows as photoexe.png
    "a\u200bb\ufeff.png",
    "x" * 300 + ".png",
    "\U0001f600" * 200 + ".jpeg",
    "con.png",
    "LPT1",
    "..",
    ".",
    "",
    "   . ",
    "a\nb\r\n\x00c.png",
    "line\u2028break.png",
    "<img src=x onerror=alert(1)>.png",
    "%2e%2e%2fx.png",
    "/",
    ".png",
]


def assert_harmless(name):
    assert name and name not in (".", "..")
    assert name == name.strip(" .")
    assert not set(name) & set('/\\<>:"|?*%\0')
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in name)
    assert len(name.encode()) <= 130


@pytest.mark.parametrize("name", NASTY)
def test_nasty_names_become_harmless(name):
    assert_harmless(clean_name(name))


@given(st.text(max_size=400))
def test_any_name_becomes_harmless_and_cleaning_twice_changes_nothing(name):
    cleaned = clean_name(name)
    assert_harmless(cleaned)
    assert clean_name(cleaned) == cleaned


@pytest.mark.parametrize("name", ["photo.jpg", "Größe 3.JPEG", "写真.png", "a.b.c.webp", "scan 2024-01-02.png"])
def test_ordinary_names_stay_as_they_are(name):
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("name", "picture_format", "result"),
    [
        ("photo.jpg", "JPEG", "photo-sharp.jpg"),
        ("photo.JPEG", "JPEG", "photo-sharp.JPEG"),
        ("a.b.png", "PNG", "a.b-sharp.png"),
        ("liar.png", "JPEG", "liar-sharp.jpg"),  # the content decides, not the name
        ("picture", "WEBP", "picture-sharp.webp"),
        ("scan.v2", "PNG", "scan.v2-sharp.png"),
    ],
)
def test_results_are_named_after_the_picture_and_its_real_format(name, picture_format, result):
    assert sharp_name(name, picture_format) == result


@given(st.lists(st.sampled_from(["a.jpg", "A.jpg", "a-2.jpg", "b.png", "c"]), max_size=12))
def test_names_in_one_archive_differ_even_where_case_does_not_count(names):
    taken = set()
    for name in names:
        taken.add(unlike(name, taken).casefold())
    assert len(taken) == len(names)
