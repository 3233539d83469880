"""The students as one ONNX graph, built from a card without torch: what OpenVINO and ONNX Runtime both run.

    pixels    (1, H, W, C) uint8, C = 1 luma or 3 RGB, H and W multiples of the student's stride, both dynamic
    residual  (1, H, W, C) float32, in grey levels: what to add at strength 1

Scaling from and to 8 bits is folded into the first and last convolution: integer pixels enter the network as they are.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.students import ReportConfig

OPSET = 17


def onnx_model(card):
    """The card's student as an onnx.ModelProto, checked; its name is the card's."""
    graph = _Graph(card)
    pixels = graph.node("Cast", ["pixels"], to=TensorProto.FLOAT)
    planes = graph.node("Transpose", [pixels], perm=[0, 3, 1, 2])
    body = _report if isinstance(card.config, ReportConfig) else _luma
    residual = body(graph, card.config, planes)
    graph.node("Transpose", [residual], output="residual", perm=[0, 2, 3, 1])
    return graph.model()


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

    def convolution(self, name, features, pad=1, step=1, weight_gain=1.0, bias_gain=1.0):
        weights = self._card.weights
        kernel = self.constant(f"{name}.weight", weights[f"{name}.weight"] * np.float32(weight_gain))
        bias = self.constant(f"{name}.bias", weights[f"{name}.bias"] * np.float32(bias_gain))
        return self.node("Conv", [features, kernel, bias], pads=[pad] * 4, strides=[step, step])

    def model(self):
        channels = self._card.config.channels
        shape = [1, "height", "width", channels]
        graph = helper.make_graph(
            self._nodes,
            self._card.name,
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, shape)],
            [helper.make_tensor_value_info("residual", TensorProto.FLOAT, shape)],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="whetstone")
        model.ir_version = 8  # the newest that opset 17 needs: older runtimes read it too
        onnx.checker.check_model(model)
        return model
