"""The students and their estimators as ONNX graphs, built from a card without torch.

OpenVINO and ONNX Runtime both run them. A student:

    pixels    (1, H, W, C) uint8, C = 1 luma or 3 RGB, H and W multiples of the student's stride, both dynamic
    residual  (1, H, W, C) float32, in grey levels: what to add at strength 1; in 8 bits uint8, ZERO more than that

An estimator:

    pixels    (1, H, W, 1) uint8 luma, H and W at least 8, both dynamic
    measured  (1, 4) float32: Degradation.vector()

Scaling from and to 8 bits is folded into the first and last convolution: integer pixels enter the network as they are.
The strided head is written as the same sum over the pixels of a place (space to depth), which takes half its time.

A student in 8 bits computes with unsigned activations and signed filters, each output channel with its own scale.
Filters go from -LARGEST to LARGEST, 7 bits: processors without VNNI add two products in 16 bits, which overflow in 8.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.pixels import ZERO
from engine.students import MEASURED, RANGES, ReportConfig

OPSET = 17
LARGEST = 63  # of a filter's weights in 8 bits


def onnx_model(card, precision="float32"):
    """The student of a plain card as an onnx.ModelProto, checked; its name is the card's.

    precision: "float32", or "int8" for a card whose config is quantised.
    """
    graph = _Graph(card)
    planes = graph.node("Transpose", ["pixels"], perm=[0, 3, 1, 2])
    if isinstance(card.config, ReportConfig):
        residual = _report(graph, graph.node("Cast", [planes], to=TensorProto.FLOAT))
    else:
        residual = _luma(graph, card.config, planes, in_8_bits=precision == "int8")
    graph.node("Transpose", [residual], output="residual", perm=[0, 2, 3, 1])
    kind = TensorProto.UINT8 if precision == "int8" else TensorProto.FLOAT
    return graph.model("residual", [1, "height", "width", card.config.channels], kind)


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


def _luma(graph, config, planes, in_8_bits):
    places = graph.node("SpaceToDepth", [planes], blocksize=config.stride)
    step = None  # between two levels of what a convolution is given, in 8 bits
    if in_8_bits:
        step = np.float32(1)
        features = graph.levels(places, "pixels", step)
        steps = dict(zip(config.layers(), graph.ranges() / 255))
    else:
        features = graph.node("Cast", [places], to=TensorProto.FLOAT)
    for layer in config.layers()[:-1]:
        gain = 1 / 255 if layer == "head" else 1.0
        features = graph.convolution(layer, features, weight_gain=gain, step_in=step)
        features = graph.node("Relu", [features])
        if in_8_bits:
            step = steps[layer]
            features = graph.levels(graph.rounded(features, layer, step), layer, step)
    squares = graph.convolution("tail", features, weight_gain=255, bias_gain=255, step_in=step)
    if in_8_bits:
        squares = graph.rounded(squares, "tail", np.float32(1), zero=ZERO)
    return graph.node("DepthToSpace", [squares], blocksize=config.stride, mode="CRD")  # CRD is torch's PixelShuffle


def moving_floats(model):
    """The same model for runtimes that move floats alone between depth and space: casts around those nodes.

    It gives the same bits and takes a tenth longer.
    """
    other = onnx.ModelProto()
    other.CopyFrom(model)
    del other.graph.node[:]
    for node in model.graph.node:
        moves = node.op_type in ("SpaceToDepth", "DepthToSpace")
        if not moves or _gives_floats(model, node.input[0]):
            other.graph.node.append(node)
            continue
        ends = f"{node.output[0]}_from", f"{node.output[0]}_to"
        settings = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        other.graph.node.extend(
            [
                helper.make_node("Cast", [node.input[0]], [ends[0]], to=TensorProto.FLOAT),
                helper.make_node(node.op_type, [ends[0]], [ends[1]], **settings),
                helper.make_node("Cast", [ends[1]], [node.output[0]], to=TensorProto.UINT8),
            ]
        )
    onnx.checker.check_model(other)
    return other


def _gives_floats(model, name):
    """Whether a tensor of one of our models is of floats: what a convolution gives is, moved pixels are not."""
    return any(node.op_type == "Conv" and name in node.output for node in model.graph.node)


def head_by_places(weight, stride):
    """(outputs, 1, 3 stride, 3 stride) filters of the strided head -> (outputs, stride^2, 3, 3) over SpaceToDepth."""
    outputs = len(weight)
    split = weight.reshape(outputs, 3, stride, 3, stride).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(split.reshape(outputs, stride**2, 3, 3))


def filters_in_8_bits(weight):
    """((outputs, ...) int8 from -LARGEST to LARGEST, (outputs,) float32 scales): their product is nearly the weight."""
    most = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    scales = np.maximum(most / LARGEST, np.float32(1e-12)).astype(np.float32)
    return np.rint(weight / scales[:, None, None, None]).astype(np.int8), scales


def _report(graph, planes):
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

    def convolution(self, name, features, pad=1, step=1, weight_gain=1.0, bias_gain=1.0, step_in=None):
        """step_in: between two levels of the features, which makes it one in 8 bits; None: in 32 bits."""
        weights = self._card.weights
        bias = weights[f"{name}.bias"] * np.float32(bias_gain)
        kernel = weights[f"{name}.weight"] * np.float32(weight_gain)
        if name == "head":
            kernel = head_by_places(kernel, self._card.config.stride)
        if step_in is None:
            kernel = self.constant(f"{name}.weight", kernel)
        else:
            levels, scales = filters_in_8_bits(kernel)
            bias = np.rint(bias / (step_in * scales)) * (step_in * scales)  # ONNX Runtime would round it so: all do
            self._constants.append(numpy_helper.from_array(levels, f"{name}.weight"))
            scales = self.constant(f"{name}.scales", scales)
            kernel = self.node("DequantizeLinear", [f"{name}.weight", scales], axis=0)
        bias = self.constant(f"{name}.bias", bias)
        return self.node("Conv", [features, kernel, bias], pads=[pad] * 4, strides=[step, step])

    def rounded(self, features, name, scale, zero=0):
        """Features as whole numbers of 8 bits, scale apart, zero for 0."""
        self._constants.append(numpy_helper.from_array(np.array(zero, np.uint8), f"{name}.zero"))
        return self.node("QuantizeLinear", [features, self.constant(f"{name}.step", scale), f"{name}.zero"])

    def levels(self, whole, name, scale):
        """What the whole numbers of 8 bits, scale apart, stand for."""
        return self.node("DequantizeLinear", [whole, self.constant(f"{name}.levels", scale)])

    def ranges(self):
        """The largest activation behind each layer but the last."""
        return self._card.weights[RANGES][0]

    def model(self, output, shape, kind=TensorProto.FLOAT):
        """The finished model; output, shape and kind: of what it gives."""
        channels = 1 if output == "measured" else self._card.config.channels
        seen = [1, "height", "width", channels]
        graph = helper.make_graph(
            self._nodes,
            self._card.name,
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, seen)],
            [helper.make_tensor_value_info(output, kind, shape)],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="whetstone")
        model.ir_version = 8  # the newest that opset 17 needs: older runtimes read it too
        onnx.checker.check_model(model)
        return model
