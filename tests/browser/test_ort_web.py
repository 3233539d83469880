"""Exported files in ONNX Runtime Web (WebAssembly, headless Chromium) give what ONNX Runtime and OpenVINO give."""

from dataclasses import replace

import cv2
import numpy as np
import onnxruntime as ort
import pytest
from skimage import data

from engine.cards import load_card
from engine.degradation import TYPICAL
from engine.export import exported_estimator, exported_student
from engine.students import RANGES
from tests.browser.chromium import Log
from tests.browser.ort_web import served_with_runtime
from webui.browser_runtime import MODULE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LUMA = cv2.cvtColor(cv2.GaussianBlur(data.astronaut(), (0, 0), 1.3), cv2.COLOR_RGB2GRAY)
PICTURES = [LUMA[:240, :320], LUMA[100:136, 200:300]]  # two sizes through one session
RUN = """async ([module, model, threads, pictures]) => {
    const ort = await import(module)
    ort.env.wasm.wasmPaths = new URL("/", location.href).href
    ort.env.wasm.numThreads = threads
    const session = await ort.InferenceSession.create(model, {executionProviders: ["wasm"]})
    const results = []
    for (const [height, width, levels] of pictures) {
        const pixels = new ort.Tensor("uint8", Uint8Array.from(levels), [1, height, width, 1])
        const result = (await session.run({pixels}))[session.outputNames[0]]
        results.push({type: result.type, dims: result.dims, data: Array.from(result.data)})
    }
    return {results, isolated: crossOriginIsolated}
}"""


def in_8_bits(card):
    """The card, made one that can be run in 8 bits where it was not trained for them: ranges that hold most of it."""
    if card.config.quantised:
        return card
    ranges = np.ones((card.config.experts, card.config.depth + 1), np.float32)
    return replace(card, config=replace(card.config, quantised=True), weights=card.weights | {RANGES: ranges})


@pytest.fixture(scope="module")
def files():
    """Name -> bytes of nano and its estimator."""
    nano = load_card("nano")
    return {
        "float32": exported_student(nano, TYPICAL).files[".onnx"],
        "int8": exported_student(in_8_bits(nano), TYPICAL, precision="int8").files[".onnx"],
        "estimator": exported_estimator(nano).files[".onnx"],
    }


@pytest.fixture(scope="module")
def page(browser, files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    for name, contents in files.items():
        (folder / f"{name}.onnx").write_bytes(contents)
    with served_with_runtime(folder) as address:
        opened, log = browser.new_page(), Log()
        opened.on("request", lambda request: log.requests.append(request.url))
        opened.on("console", lambda said: said.type in ("warning", "error") and log.complaints.append(said.text))
        opened.goto(address)
        yield opened
        opened.close()
        assert log.complaints == []
        assert [asked for asked in log.requests if not asked.startswith((address, "data:", "blob:"))] == []


def in_the_browser(page, name, threads):
    """What the file gives for each of PICTURES."""
    page.reload()  # a page starts the runtime once, with the threads of that time
    pictures = [[*picture.shape, picture.ravel().tolist()] for picture in PICTURES]
    told = page.evaluate(RUN, [f"/{MODULE}", f"/{name}.onnx", threads, pictures])
    assert told["isolated"]  # else it would have run on one thread, whatever it was told
    return [np.array(one["data"], one["type"]).reshape(one["dims"]) for one in told["results"]]


def in_onnx_runtime(contents):
    session = ort.InferenceSession(contents)
    return [session.run(None, {"pixels": picture[None, :, :, None]})[0] for picture in PICTURES]


def in_openvino(contents):
    ov = pytest.importorskip("openvino", reason="OpenVINO is not installed")
    core = ov.Core()
    compiled = core.compile_model(core.read_model(contents), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [compiled(picture[None, :, :, None])[0].copy() for picture in PICTURES]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["float32", "int8", "estimator"])
def test_the_browser_gives_what_both_runtimes_give(page, files, name, threads):
    found = in_the_browser(page, name, threads)
    for there in (in_onnx_runtime(files[name]), in_openvino(files[name])):
        for here, expected in zip(found, there, strict=True):
            assert here.dtype == expected.dtype and here.shape == expected.shape
            assert expected.astype(np.float32).std() > (0.1 if name == "estimator" else 1)
            apart = np.abs(here.astype(np.float64) - expected)
            if name == "int8":  # an activation at the edge between two levels may go to either
                assert np.mean(apart > 0) < 0.1 and np.mean(apart > 1) < 1e-3
            else:
                assert apart.max() < 2e-3
