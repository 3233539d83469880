"""The mixing of a student's experts as an ONNX graph: what a browser does instead of engine.assemble.

    degradation              (1, 4) float32: Degradation.vector()
    PRECISION/NAME, ...      what the constant NAME of engine.graph's plain student is for it, in that precision

Put into the file of the plain student, in the places that constant_places() tells, these make it the student for the
degradation. The experts lie in the graph in half precision, as in the card, whose numbers they are.
"""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from engine.graph import LARGEST, OPSET, head_by_places
from engine.students import MEASURED, RANGES


def mixer_model(card, precisions=("float32",)):
    """The mixer of a card whose experts have weights of their own (StudentConfig.mixed "weights"), checked.

    precisions: of "float32" and, where the card's config is quantised, "int8".
    """
    graph = _Graph(card)
    steps = graph.steps() if "int8" in precisions else None
    layers = card.config.layers()
    for layer, before in zip(layers, [None, *layers]):
        # the scaling from and to 8 bits that engine.graph folds into the first and last convolution
        gains = {"head": (1 / 255, 1.0), "tail": (255.0, 255.0)}.get(layer, (1.0, 1.0))
        kernel, bias = graph.mixed(f"{layer}.weight", gains[0]), graph.mixed(f"{layer}.bias", gains[1])
        if "float32" in precisions:
            graph.give(f"float32/{layer}.weight", kernel, rank=4)
            graph.give(f"float32/{layer}.bias", bias)
        if steps is not None:
            graph.give_in_8_bits(layer, kernel, bias, steps.get(before, "one"))
            if layer in steps:
                graph.give(f"int8/{layer}.step", steps[layer])
                graph.give(f"int8/{layer}.levels", steps[layer])
    return graph.model()


def constant_places(model, names):
    """Name -> (offset, length) in bytes of a constant's numbers in model.SerializeToString()."""
    data, places = model.SerializeToString(), {}
    for tensor in model.graph.initializer:
        if tensor.name in names:
            packed = tensor.SerializeToString()  # the name is in it, the numbers are the end of it
            if data.count(packed) != 1 or not packed.endswith(tensor.raw_data):
                raise RuntimeError(f"the place of {tensor.name} in the file is not known")
            offset = data.index(packed) + len(packed) - len(tensor.raw_data)
            places[tensor.name] = (offset, len(tensor.raw_data))
    return places


class _Graph:
    """Nodes, constants and outputs in the making."""

    def __init__(self, card):
        self._card, self._nodes, self._constants, self._outputs = card, [], [], []
        logits = self._node("Gemm", "degradation", *map(self._of_card, ("mixer.weight", "mixer.bias")), transB=1)
        self._shares = self._node("Softmax", logits, axis=1)  # (1, experts)
        self._constant("one", np.float32(1))

    def mixed(self, name, gain):
        """The experts' sum of a weight or bias, in the shape that the plain student's graph has it in."""
        experts = self._card.weights[name]
        if name == "head.weight":
            experts = np.stack([head_by_places(kernel, self._card.config.stride) for kernel in experts])
        total = self._node("MatMul", self._shares, self._bank(name, experts))
        shape = self._constant(f"{name}.shape", np.array(experts.shape[1:], np.int64))
        total = self._node("Reshape", total, shape)
        return total if gain == 1 else self._node("Mul", total, self._constant(f"{name}.gain", np.float32(gain)))

    def steps(self):
        """Layer -> (1,): between two levels of its activations, for every layer but the last."""
        ranges = self._node("MatMul", self._shares, self._bank(RANGES, self._card.weights[RANGES]))
        levels = self._node("Div", ranges, self._constant("largest_level", np.float32(255)))
        flat = self._node("Reshape", levels, self._constant("flat", np.array([-1], np.int64)))
        return {
            layer: self._node("Gather", flat, self._constant(f"{layer}.index", np.array([index], np.int64)), axis=0)
            for index, layer in enumerate(self._card.config.layers()[:-1])
        }

    def give_in_8_bits(self, layer, kernel, bias, step_in):
        """The constants of a convolution as engine.graph.filters_in_8_bits and Graph.convolution make them."""
        most = self._node("ReduceMax", self._node("Abs", kernel), axes=[1, 2, 3], keepdims=1)
        scales = self._node("Div", most, self._constant(f"{layer}.largest", np.float32(LARGEST)))
        scales = self._node("Max", scales, self._constant(f"{layer}.least", np.float32(1e-12)))
        filters = self._node("Round", self._node("Div", kernel, scales))
        flat = self._node("Reshape", scales, self._constant(f"{layer}.outputs", np.array([-1], np.int64)))
        unit = self._node("Mul", flat, step_in)
        rounded = self._node("Mul", self._node("Round", self._node("Div", bias, unit)), unit)
        whole = self._node("Cast", filters, to=TensorProto.INT8)
        self.give(f"int8/{layer}.weight", whole, rank=4, kind=TensorProto.INT8)
        self.give(f"int8/{layer}.scales", flat)
        self.give(f"int8/{layer}.bias", rounded)

    def give(self, output, value, rank=1, kind=TensorProto.FLOAT):
        """Give a value out under a name; rank: how many axes it has."""
        self._nodes.append(helper.make_node("Identity", [value], [output]))
        self._outputs.append(helper.make_tensor_value_info(output, kind, [None] * rank))

    def model(self):
        told = helper.make_tensor_value_info("degradation", TensorProto.FLOAT, [1, MEASURED])
        graph = helper.make_graph(self._nodes, f"{self._card.name}-mixer", [told], self._outputs, self._constants)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="whetstone")
        model.ir_version = 8
        checker.check_model(model)
        return model

    def _bank(self, name, experts):
        """(experts, ...) -> (experts, n), computed with in float32."""
        flat = experts.reshape(len(experts), -1)
        return self._node("Cast", self._constant(name, flat.astype(np.float16)), to=TensorProto.FLOAT)

    def _of_card(self, name):
        return self._constant(name, self._card.weights[name])

    def _constant(self, name, array):
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(np.shape(array)), name))
        return name

    def _node(self, kind, *inputs, **attributes):
        output = f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output
