"""What our students are timed beside: filters and networks that others use, each as (H, W, 3) uint8 RGB -> the same.

The settings are the ones people use; the time of none of them hangs on its settings or weights.
"""

from fractions import Fraction

import cv2
import numpy as np

from engine.cards import Card
from engine.errors import BadSetting
from engine.students import STUDENTS

REPORT = "report's student"
PEERS = ("unsharp (OpenCV)", "unsharp (ffmpeg)", "cas (ffmpeg)", REPORT)


def open_peer(name, height, width, threads=None):
    """A peer's function for frames of a size. threads: of the report's student, None for the library's choice."""
    if name == REPORT:
        return _reports_student(threads)
    filters = {
        "unsharp (OpenCV)": lambda: unsharp,
        "unsharp (ffmpeg)": lambda: _ffmpeg("unsharp", "5:5:1.0:5:5:0.0", height, width, "yuv420p"),
        "cas (ffmpeg)": lambda: _ffmpeg("cas", "strength=0.8", height, width, "gbrp"),
    }
    return filters[name]()


def unsharp(pixels):
    """Unsharp mask: picture + (picture - its Gaussian blur of 1.5 pixels)."""
    return cv2.addWeighted(pixels, 2.0, cv2.GaussianBlur(pixels, (0, 0), 1.5), -1.0, 0.0)


def _ffmpeg(name, settings, height, width, planes):
    import av
    from av.filter import Graph

    graph = Graph()
    nodes = [
        graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=Fraction(1, 30)),
        graph.add("format", f"pix_fmts={planes}"),
        graph.add(name, settings),
        graph.add("format", "pix_fmts=rgb24"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    count = 0

    def sharpen(pixels):
        nonlocal count
        given = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        given.pts, given.time_base = count, Fraction(1, 30)
        count += 1
        graph.push(given)
        return graph.pull().to_ndarray()

    return sharpen


def _reports_student(threads):
    from engine.sharpener import Sharpener

    config, rng = STUDENTS["report"], np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.03, shape).astype(np.float32) for name, shape in config.shapes().items()}
    return Sharpener(Card("report", config, weights), device="cpu", threads=threads)


def open_compact(path):
    """Real-ESRGAN compact (SRVGGNetCompact) from its public .pth: the picture at four times its size, shrunk back.

    Run by ONNX Runtime. Needs torch to read the file. Raises BadSetting for a file that holds no such network.
    """
    import onnxruntime as ort

    session = ort.InferenceSession(compact_graph(path).SerializeToString(), providers=["CPUExecutionProvider"])

    def sharpen(pixels):
        batch = pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255
        large = session.run(None, {"picture": batch})[0][0].transpose(1, 2, 0)
        back = cv2.resize(large, pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
        return np.clip(np.rint(255 * back), 0, 255).astype(np.uint8)

    return sharpen


def compact_graph(path):
    """The network of open_compact as an onnx.ModelProto: picture (1, 3, H, W) in [0, 1] -> (1, 3, 4 H, 4 W)."""
    from onnx import TensorProto, helper, numpy_helper

    weights = _weights(path)
    names = sorted({int(name.split(".")[1]) for name in weights if name.startswith("body.")})
    nodes, constants, features = [], [], "picture"

    def constant(name, array):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    for index in names:
        weight, output = weights[f"body.{index}.weight"], f"features{index}"
        if weight.ndim == 4:
            given = [features, constant(f"w{index}", weight), constant(f"b{index}", weights[f"body.{index}.bias"])]
            nodes.append(helper.make_node("Conv", given, [output], pads=[1] * 4))
        else:
            slope = constant(f"s{index}", weight.reshape(-1, 1, 1))
            nodes.append(helper.make_node("PRelu", [features, slope], [output]))
        features = output
    scale = round((weights[f"body.{names[-1]}.weight"].shape[0] / 3) ** 0.5)
    scales = constant("scales", np.array([1, 1, scale, scale], np.float32))
    nodes += [
        helper.make_node("DepthToSpace", [features], ["detail"], blocksize=scale, mode="CRD"),
        helper.make_node(
            "Resize",
            ["picture", "", scales],
            ["base"],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),  # fmt: skip
        helper.make_node("Add", ["detail", "base"], ["large"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, None, None]) for name in ("picture", "large")]
    graph = helper.make_graph(nodes, "compact", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def _weights(path):
    try:
        import torch
    except ImportError:
        raise BadSetting(f"reading {path} needs torch; add --torch, or leave --compact out") from None
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
        held = held.get("params_ema", held.get("params", held))
        weights = {name: tensor.float().numpy() for name, tensor in held.items()}
        last = weights[f"body.{max(int(name.split('.')[1]) for name in weights)}.weight"]
        if last.ndim != 4 or last.shape[0] % 3:
            raise ValueError("its last layer is no convolution to 3 planes")
    except Exception as error:
        reason = " ".join(str(error).split())[:100]
        raise BadSetting(f"{path} does not hold Real-ESRGAN compact ({type(error).__name__}: {reason})") from None
    return weights
