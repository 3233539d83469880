"""Threat: files from elsewhere on the command line and tables for spreadsheets. Weights, links, archives, formulas."""

import csv
import hashlib
import io
import json
import os
import struct
import tracemalloc
import zipfile

import pandas as pd
import pytest

from distill.summary import as_csv
from engine.batch import Settings, batch_of, plan
from engine.cards import Card, load_card, save_card
from engine.errors import BadCard
from engine.sharpener import Sharpener
from mos_study.output import write_table
from tests.engine.students_for_tests import mixture_card
from tests.webui.page_client import Visitor
from tests.webui.pictures import encoded, scene

PNG = encoded(scene(40, 60), "PNG")


def header(**tensors):
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text


def tensor(shape, offsets, dtype="F16"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


# Headers that others' readers of this format have stumbled over: lengths, overlaps, overflows, depth
WEIGHTS = {
    "nothing": b"",
    "a header of 2^63 bytes": struct.pack("<Q", 2**63) + b"{}",
    "a header of 99 MB that is not there": struct.pack("<Q", 99_000_000) + b"{",
    "a header of 50 MB": struct.pack("<Q", 50_000_000) + b'{"a":' + b" " * 50_000_000,
    "deep JSON": struct.pack("<Q", 200_000) + b"[" * 200_000,
    "no object": header() + b"\0" * 8,
    "a shape that overflows": header(a=tensor([2**33, 2**33], [0, 0])),
    "a shape of a terabyte": header(a=tensor([2**39], [0, 2**40])),
    "offsets behind the end": header(a=tensor([4], [2**40, 2**40 + 8])) + bytes(8),
    "offsets that go back": header(a=tensor([4], [8, 0])) + bytes(8),
    "two tensors in one place": header(a=tensor([4], [0, 8]), b=tensor([4], [0, 8])) + bytes(8),
    "a negative shape": header(a=tensor([-4], [0, 8])) + bytes(8),
    "an unknown type": header(a=tensor([4], [0, 8], "PICKLE")) + bytes(8),
    "a pickle that runs a command": b"cos\nsystem\n(S'touch /tmp/whetstone-was-here'\ntR.",
    "a ZIP, as torch writes them": b"PK\x03\x04" + bytes(100),
}


@pytest.mark.parametrize("what", WEIGHTS)
def test_weights_with_a_hostile_header_are_refused_in_one_line_and_without_memory(tmp_path, what):
    path = save_card(mixture_card("nano"), tmp_path)
    packed = WEIGHTS[what]
    path.with_suffix(".safetensors").write_bytes(packed)
    card = json.loads(path.read_text())
    card["weights"]["sha256"] = hashlib.sha256(packed).hexdigest()  # whoever forges weights forges their card
    path.write_text(json.dumps(card))
    tracemalloc.start()
    try:
        with pytest.raises(BadCard) as refused:
            load_card(path)
        assert tracemalloc.get_traced_memory()[1] < 80e6 + 2 * len(packed)
    finally:
        tracemalloc.stop()
    assert str(refused.value).count("\n") == 0 and len(str(refused.value)) < 700
    assert not os.path.exists("/tmp/whetstone-was-here")


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "../../x", "a b", "", "x" * 99, "\x1b[2J", "a\nb"])
def test_a_cards_name_is_no_path_no_formula_and_no_control_character(tmp_path, name):
    path = save_card(mixture_card("nano"), tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "name": name}))
    with pytest.raises(BadCard) as refused:
        load_card(path)
    assert str(refused.value).isprintable()
    assert isinstance(load_card(save_card(mixture_card("nano"), tmp_path)), Card)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_in_a_folder_lead_a_batch_neither_out_nor_over_what_they_point_to(tmp_path):
    outside, folder, results = tmp_path / "outside", tmp_path / "in", tmp_path / "out"
    for one in (outside, folder, results):
        one.mkdir()
    (outside / "private.png").write_bytes(PNG)
    (folder / "own.png").write_bytes(PNG)
    (folder / "folder").symlink_to(outside)
    (folder / "up").symlink_to("..")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "zero.png").symlink_to("/dev/zero")
    (folder / "words.png").symlink_to("/etc/passwd")
    (results / "own.png").symlink_to(outside / "private.png")
    jobs = plan(folder, results, overwrite=True).jobs
    assert {job.source.name for job in jobs} == {"own.png", "loop.png", "zero.png", "words.png"}  # no folder's
    assert "own.png" not in {job.source.name for job in plan(folder, results).jobs}  # a link counts as something there
    with Sharpener(mixture_card("nano")) as sharpener:
        outcomes = list(batch_of(jobs, sharpener, Settings(overwrite=True), {}).run())
    assert [outcome.job.source.name for outcome in outcomes if outcome.error is None] == ["own.png"]
    assert "root:" not in str(outcomes)
    assert (outside / "private.png").read_bytes() == PNG
    assert not (results / "own.png").is_symlink()


@pytest.mark.slow
def test_no_name_in_the_archive_leads_out_of_the_folder_it_is_unpacked_in(page, tmp_path):
    names = [
        "../../evil.png",
        "/etc/evil.png",
        "..\\..\\evil.png",
        "C:\\evil.png",
        "a/../../b.png",
        "con.png",
        "same.png",
        "SAME.png",
        ". .png",
    ]
    with Visitor(page.address) as visitor:
        visitor.bring(*((PNG, name) for name in names))
        content = visitor.download(visitor.event("run-all", "click").values["archive"])
        visitor.leave()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
    assert len(entries) == len(names) == len({entry.filename.lower() for entry in entries})
    for entry in entries:
        assert not set(entry.filename) & set("/\\:\0") and not entry.filename.startswith(".")
        assert entry.external_attr >> 28 != 0xA, "a link"
        assert (tmp_path / entry.filename).resolve().parent == tmp_path.resolve()


FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    '=HYPERLINK("http://evil.example")',
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_any_table_is_a_formula(tmp_path, text):
    write_table(tmp_path / "a.csv", pd.DataFrame({"condition": [text, "fine"], "mean": [-1.5, 2.0]}))
    tables = [(tmp_path / "a.csv").read_bytes().decode(), as_csv([{"image": text, "psnr": -1.5}]).decode()]
    for table in tables:
        rows = list(csv.reader(io.StringIO(table, newline="")))
        assert rows[1][0] == "'" + text.replace("\r", " ") and rows[1][1] == "-1.5"
