"""Laws of exported files: equal to the network in torch, any size, small, told what they are, all or nothing."""

import argparse
import json
import math

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from skimage import data

from engine import Sharpener, export
from engine.assemble import assembled
from engine.cards import MODELS_DIR, load_card, save_card
from engine.commands import export as command
from engine.degradation import TYPICAL, Degradation
from engine.errors import WhetstoneError
from engine.estimate import measure
from engine.export import exported_student
from engine.students import StudentConfig
from tests.engine.students_for_tests import mixture_card, random_card

QUANTISED = StudentConfig(4, 16, 2, experts=3, quantised=True)
LUMA = cv2.cvtColor(cv2.GaussianBlur(data.astronaut(), (0, 0), 1.3), cv2.COLOR_RGB2GRAY)


def run(*words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in words]))


def in_onnx_runtime(exported_or_path, pixels):
    """What the file gives for (H, W) luma of any size, continued by its edge to multiples of 4: (H, W)."""
    source = exported_or_path.files[".onnx"] if isinstance(exported_or_path, export.Exported) else exported_or_path
    height, width = pixels.shape
    padded = np.pad(pixels, ((0, -height % 4), (0, -width % 4)), mode="edge")
    return ort.InferenceSession(source).run(None, {"pixels": padded[None, :, :, None]})[0][0, :height, :width, 0]


def in_openvino(path, pixels):
    ov = pytest.importorskip("openvino", reason="OpenVINO is not installed")
    compiled = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled(pixels[None, :, :, None])[0][0, :, :, 0]


@pytest.fixture
def quantised(tmp_path):
    return save_card(mixture_card("tiny", config=QUANTISED), tmp_path / "cards")


def test_the_file_gives_what_the_assembled_network_gives_in_torch(tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from engine.networks import network_from_card

    told = Degradation(1.5, 0.0, 0.0, 1.0)  # a step of its own: the engine rounds others to the nearest
    path = tmp_path / "nano.onnx"
    assert run("--model", "nano", "--out", path, "--blur", 1.5, "--noise", 0, "--compression", 0, "--upscaling", 1) == 0
    network = network_from_card(assembled(load_card("nano"), told))
    with torch.inference_mode():
        expected = 255 * network(torch.from_numpy(LUMA)[None, None].float() / 255)[0, 0].numpy()
    assert np.sqrt(np.mean(expected**2)) > 1
    assert np.abs(in_onnx_runtime(str(path), LUMA) - expected).max() < 0.01


@pytest.mark.parametrize("height, width", [(1, 1), (3, 170), (89, 161), (720, 1280)])
def test_any_size_gives_what_the_sharpener_adds(height, width):
    card, told = mixture_card(), Degradation(1.4, 1.3, 2.2, 1.7)
    made = exported_student(card, told)
    pixels = np.resize(LUMA, (height, width))
    with Sharpener(card, degradation=told) as sharpener:
        expected = sharpener.residual(pixels[:, :, None])[:, :, 0]
    assert np.abs(in_onnx_runtime(made, pixels) - expected).max() < 0.01


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_an_ir_gives_what_the_onnx_file_gives(tmp_path, quantised, precision):
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    words = ["--model", quantised, "--precision", precision]
    assert run(*words, "--out", tmp_path / "a.onnx") == 0
    assert run(*words, "--format", "openvino", "--out", tmp_path / "b.xml") == 0
    here, there = in_onnx_runtime(str(tmp_path / "a.onnx"), LUMA), in_openvino(tmp_path / "b.xml", LUMA)
    assert here.dtype == there.dtype == {"float32": np.float32, "int8": np.uint8}[precision]
    apart = np.abs(here.astype(np.float32) - there)
    assert apart.max() < 0.01 if precision == "float32" else (np.mean(apart > 0) < 0.05 and apart.max() <= 1)


def test_in_8_bits_it_is_under_half_the_size_and_means_the_same_within_rounding():
    card = mixture_card("tiny", config=QUANTISED)
    exact = exported_student(card, TYPICAL)
    rounded = exported_student(card, TYPICAL, precision="int8")
    assert len(rounded.files[".onnx"]) < 0.5 * len(exact.files[".onnx"])  # names and the graph stay as they are
    residual = in_onnx_runtime(exact, LUMA)
    apart = in_onnx_runtime(rounded, LUMA).astype(np.float32) - 128 - residual
    assert residual.std() > 3 and apart.std() < 0.15 * residual.std()


def test_the_estimator_beside_it_measures_what_the_engine_measures(tmp_path):
    assert run("--model", "nano", "--out", tmp_path / "a.onnx", "--estimator") == 0
    tile = LUMA[:256, :256]
    session = ort.InferenceSession(tmp_path / "a-estimator.onnx")
    blur, noise, compression, upscaling = session.run(None, {"pixels": tile[None, :, :, None]})[0][0]
    said = session.get_modelmeta().custom_metadata_map["vector"]
    assert said == "blur / 2.5, ln(1 + noise) / 3, ln(1 + compression) / 3, (upscaling - 1) / 2"
    expected = measure(tile, load_card("nano"))
    assert 2.5 * blur == pytest.approx(expected.blur, abs=0.01)
    assert max(math.expm1(3 * noise), 0) == pytest.approx(expected.noise, abs=0.02)
    assert max(math.expm1(3 * compression), 0) == pytest.approx(expected.compression, abs=0.02)
    assert max(1 + 2 * upscaling, 1) == pytest.approx(expected.upscaling, abs=0.01)


def test_nano_is_under_100_kb_and_says_what_it_is(tmp_path, capsys):
    path = tmp_path / "nano.onnx"
    assert run("--model", "nano", "--out", path, "--blur", 1.2) == 0
    assert path.stat().st_size < 100_000
    said = ort.InferenceSession(path).get_modelmeta()
    facts = said.custom_metadata_map
    card = json.loads((MODELS_DIR / "nano.json").read_text())
    assert facts["name"] == said.graph_name == "nano" and facts["weights_sha256"] == card["weights"]["sha256"]
    assert json.loads(facts["degradation"]) == {"blur": 1.2, "noise": 1.0, "compression": 2.0, "upscaling": 2.0}
    assert (facts["precision"], facts["stride"], facts["zero"]) == ("float32", "4", "0") and facts["commit"]
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [opset.version for opset in model.opset_import] == [17]
    out = capsys.readouterr().out
    assert "opset 17; for blur 1.2 px, noise 1, compression 2, enlarged 2x" in out and "at most 0.01 is allowed" in out


def test_an_ir_says_what_it_is(tmp_path, quantised):
    ov = pytest.importorskip("openvino", reason="OpenVINO is not installed")
    words = ["--model", quantised, "--format", "openvino", "--precision", "int8", "--estimator"]
    assert run(*words, "--out", tmp_path / "a.b.xml") == 0
    names = ["a.b-estimator.bin", "a.b-estimator.xml", "a.b.bin", "a.b.xml", "cards"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    said = ov.Core().read_model(tmp_path / "a.b.xml").get_rt_info()["whetstone"]
    facts = {key: said[key].astype(str) for key in ("name", "precision", "zero", "degradation")}
    assert facts["name"] == "tiny" and facts["precision"] == "int8" and facts["zero"] == "128"
    assert json.loads(facts["degradation"])["blur"] == 1.4


def test_the_same_words_give_the_same_bytes():
    card = mixture_card()
    assert exported_student(card, TYPICAL).files == exported_student(card, TYPICAL).files


@pytest.mark.parametrize("name", ["nano", "report"])
def test_a_blind_student_is_one_for_every_picture(tmp_path, capsys, name):
    card = save_card(random_card(name), tmp_path / "cards")
    assert run("--model", card, "--out", tmp_path / "a.onnx") == 0
    assert "for any picture" in capsys.readouterr().out
    assert ort.InferenceSession(tmp_path / "a.onnx").get_modelmeta().custom_metadata_map["degradation"] == "any"


@pytest.mark.parametrize(
    "words, reason",
    [
        (["--model", "enormous"], "'enormous' is not shipped"),
        (["--out", "a.png"], r"--out of --format onnx must end in \.onnx, not 'a\.png'"),
        (["--out", ".onnx"], "must end in"),
        (["--out", "a.onnx", "--format", "openvino"], r"must end in \.xml"),
        (["--out", "there.onnx"], "exists already"),
        (["--out", "there.xml", "--format", "openvino"], r"there\.bin exists already"),
        (["--out", "folder.onnx"], "exists already"),
        (["--out", "folder.onnx", "--overwrite"], "is a folder"),
        (["--out", "missing/a.onnx"], "folder missing does not exist"),
        (["--out", "there.onnx/a.onnx"], "folder there.onnx does not exist"),
        (["--estimator", "--out", "half.onnx"], r"half-estimator\.onnx exists already"),
        (["--blur", "-1"], "blur must be a number from 0 to 8 pixels, not -1"),
        (["--noise", "nan"], "noise must be"),
        (["--precision", "int8", "--model", "BLIND"], "'nano' has no 8-bit form"),
        (["--blur", "1", "--model", "BLIND"], "'nano' is blind: leave out --blur"),
        (["--estimator", "--model", "BLIND"], "'nano' is blind: leave out --estimator"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_nothing_written(tmp_path, monkeypatch, capsys, words, reason):
    monkeypatch.chdir(tmp_path)
    blind = save_card(random_card("nano"), tmp_path / "cards")
    for name in ("there.onnx", "there.bin", "half-estimator.onnx"):
        (tmp_path / name).write_bytes(b"precious")
    (tmp_path / "folder.onnx").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(WhetstoneError, match=reason) as refused:
        run("--model", "nano", "--out", "new.onnx", *(str(blind) if word == "BLIND" else word for word in words))
    assert "\n" not in str(refused.value) and capsys.readouterr().out == ""
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "there.onnx").read_bytes() == b"precious"


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_file_that_differs_from_the_engine_is_refused_with_nothing_written(
    tmp_path, monkeypatch, quantised, precision
):
    correct = export.onnx_model
    monkeypatch.setattr(export, "onnx_model", lambda card, precision: correct(faulty(card), precision))
    with pytest.raises(WhetstoneError, match="not what the engine computes, nothing is written"):
        run("--model", quantised, "--precision", precision, "--out", tmp_path / "a.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["cards"]


def test_an_estimator_that_differs_leaves_no_student_either(tmp_path, monkeypatch, quantised):
    correct = export.estimator_model
    monkeypatch.setattr(export, "estimator_model", lambda card: correct(faulty(card, "estimator.output.bias")))
    with pytest.raises(WhetstoneError, match="not what the engine computes"):
        run("--model", quantised, "--out", tmp_path / "a.onnx", "--estimator")
    assert [path.name for path in tmp_path.iterdir()] == ["cards"]


def faulty(card, name="tail.bias"):
    """The card with one number that a fifth of a percent of the range has been added to: half a grey level."""
    weights = dict(card.weights)
    weights[name] = weights[name] + np.float32(0.5 / 255)
    return type(card)(card.name, card.config, weights)


def test_a_disk_that_fills_up_between_two_files_leaves_none(tmp_path, monkeypatch, quantised):
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    write = export.write_atomically

    def full_for_xml(path, data, **options):
        if path.suffix == ".xml":
            raise export.BadOutput("the disk is full")
        write(path, data, **options)

    monkeypatch.setattr(export, "write_atomically", full_for_xml)
    with pytest.raises(WhetstoneError, match="disk is full"):
        run("--model", quantised, "--format", "openvino", "--out", tmp_path / "a.xml")
    assert [path.name for path in tmp_path.iterdir()] == ["cards"]


def test_overwrite_takes_the_place_of_what_is_there(tmp_path, quantised):
    (tmp_path / "a.onnx").write_bytes(b"old")
    assert run("--model", quantised, "--out", tmp_path / "a.onnx", "--overwrite") == 0
    assert in_onnx_runtime(str(tmp_path / "a.onnx"), LUMA).shape == LUMA.shape


def test_the_typical_degradation_is_about_the_mean_of_what_the_recipes_draw():
    from distill.degrade import RECIPES

    rng, clean = np.random.default_rng(5), np.ascontiguousarray(data.coffee()[100:196, 200:296])
    means = []
    for recipe in RECIPES.values():
        truths = [recipe.sample(rng).degrade(clean)[1] for _ in range(60)]
        means.append(np.mean([[t.blur, t.noise, t.compression, t.upscaling] for t in truths], axis=0))
    typical = [TYPICAL.blur, TYPICAL.noise, TYPICAL.compression, TYPICAL.upscaling]
    np.testing.assert_allclose(np.mean(means, axis=0), typical, atol=0.5)
