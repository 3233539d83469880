"""The students and their estimators as ONNX graphs, built from a card without torch.

OpenVINO and ONNX Runtime both run them. A student:

    pixels    (1, H, W, C) uint8, C = 1 luma or 3 RGB, H and W multiples of the student's stride, both dynamic
    residual  (1, H, W, C) float32, in grey levels: what to add at strength 1

An estimator:

    pixels    (1, H, W, 1) uint8 luma, H and W at least 8, both dynamic
    measured  (1, 4) float32: Degradation.vector()

Scaling from and to 8 bits is folded into the first and last convolution: integer pixels enter the network as they are.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.students import MEASURED, ReportConfig

OPSET = 17


def onnx_model(card):
    """The card's student as an onnx.ModelProto, checked; its name is the card's."""
    graph = _Graph(card)
    pixels = graph.node("Cast", ["pixels"], to=TensorProto.FLOAT)
    planes = graph.node("Transpose", [pixels], perm=[0, 3, 1, 2])
    body = _report if isinstance(card.config, ReportConfig) else _luma
    residual = body(graph, card.config, planes)
    graph.node("Transpose", [residual], output="residual", perm=[0, 2, 3, 1])
    return graph.model("residual", [1, "height", "width", card.config.channels])


def estimator_model(card):
    """The estimator of a card with several experts as an onnx.ModelProto, checked; equals distill.mixture.Estimator."""
    graph = _Graph(card)
    levels = graph.node("Cast", ["pixels"], to=TensorProto.FLOAT)
    batch = graph.node("Mul", [levels, graph.constant("unit", np.float32(1 / 255))])  # (1, H, W, 1)
    steps = [graph.node("Sub", graph.shifted(batch, axis)) for axis in (1, 2)]
    squares = [graph.node("ReduceMean", [graph.node("Mul", [step, step])], axes=[1, 2, 3]) for step in steps]
    energy = graph.node("Add", [graph.node("Add", squares), graph.constant("least_energy", np.float32(1e-6))])
    contrast = graph.node("Sqrt", [energy])  # (1, 1, 1, 1)
    centred = graph.node("Sub", [batch, graph.node("ReduceMean", [batch], axes=[1, 2, 3])])
    features = graph.node("Transpose", [graph.node("Div", [centred, contrast])], perm=[0, 3, 1, 2])
    for layer, pad, step in (("head", 2, 2), ("body.0", 1, 2), ("body.1", 1, 2)):
        features = graph.node("Relu", [graph.convolution(f"estimator.{layer}", features, pad, step)])
    weight = graph.node("Softplus", [graph.convolution("estimator.attention", features, pad=0)])
    places = {"axes": [2, 3], "keepdims": 0}
    plain = graph.node("ReduceMean", [features], **places)
    weighted = graph.node("ReduceMean", [graph.node("Mul", [features, weight])], **places)
    attended = graph.node("Div", [weighted, graph.node("ReduceMean", [weight], **places)])
    flat = graph.node("Reshape", [graph.node("Log", [contrast]), graph.whole_numbers("row", [1, 1])])
    means = graph.node("Concat", [plain, attended], axis=1)
    strengths = graph.node("Log", [graph.node("Add", [means, graph.constant("least_strength", np.float32(0.01))])])
    pooled = graph.node("Concat", [strengths, flat], axis=1)
    hidden = graph.node("Relu", [graph.linear("estimator.hidden", pooled)])
    graph.linear("estimator.output", hidden, output="measured")
    return graph.model("measured", [1, MEASURED])


def _luma(graph, config, planes):
    features = graph.convolution("head", planes, pad=config.stride, step=config.stride, weight_gain=1 / 255)
    features = graph.node("Relu", [features])
    for index in range(config.depth):
        features = graph.node("Relu", [graph.convolution(f"body.{index}", features)])
    squares = graph.convolution("tail", features, weight_gain=255, bias_gain=255)
    return graph.node("DepthToSpace", [squares], blocksize=config.stride, mode="CRD")  # CRD is torch's PixelShuffle


def _report(graph, config, planes):
    features = graph.node("Relu", [graph.convolution("head.0", planes, weight_gain=1 / 255)])
    features = graph.node("Relu", [graph.convolution("head.1", features)])
    for index in range(4):
        inner = graph.node("Relu", [graph.convolution(f"body.{index}.0", features)])
        features = graph.node("Add", [features, graph.convolution(f"body.{index}.1", inner)])
    features = graph.node("Relu", [graph.convolution("tail.0", features)])
    output = graph.convolution("tail.1", features, weight_gain=255, bias_gain=255)
    bounds = graph.constant("black", np.float32(0)), graph.constant("white", np.float32(255))
    return graph.node("Sub", [graph.node("Clip", [output, *bounds]), planes])


class _Graph:
    """Nodes and weights in the making."""

    def __init__(self, card):
        self._card, self._nodes, self._constants = card, [], []

    def node(self, kind, inputs, output=None, **attributes):
        output = output or f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, name, array):
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def whole_numbers(self, name, numbers):
        self._constants.append(numpy_helper.from_array(np.array(numbers, np.int64), name))
        return name

    def shifted(self, features, axis):
        """All but the first and all but the last position along an axis."""
        first, last, end, along = (
            self.whole_numbers(f"{word}{axis}", [number])
            for word, number in (("first", 0), ("second", 1), ("end", 2**31), ("axis", axis))
        )
        minus_one = self.whole_numbers(f"minus_one{axis}", [-1])
        rest = self.node("Slice", [features, last, end, along])
        return rest, self.node("Slice", [features, first, minus_one, along])

    def linear(self, name, features, output=None):
        weights = self._card.weights
        kernel = self.constant(f"{name}.weight", weights[f"{name}.weight"])
        return self.node(
            "Gemm", [features, kernel, self.constant(f"{name}.bias", weights[f"{name}.bias"])], output, transB=1
        )

    def convolution(self, name, features, pad=1, step=1, weight_gain=1.0, bias_gain=1.0):
        weights = self._card.weights
        kernel = self.constant(f"{name}.weight", weights[f"{name}.weight"] * np.float32(weight_gain))
        bias = self.constant(f"{name}.bias", weights[f"{name}.bias"] * np.float32(bias_gain))
        return self.node("Conv", [features, kernel, bias], pads=[pad] * 4, strides=[step, step])

    def model(self, output, shape):
        """The finished model; output and shape: of what it gives."""
        channels = 1 if output == "measured" else self._card.config.channels
        seen = [1, "height", "width", channels]
        graph = helper.make_graph(
            self._nodes,
            self._card.name,
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, seen)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="whetstone")
        model.ir_version = 8  # the newest that opset 17 needs: older runtimes read it too
        onnx.checker.check_model(model)
        return model
