"""A student as DESIGN.md draws it, its head one strided convolution: what engine.graph's form is held against."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def strided_model(card):
    """The student of a plain luma card as an onnx.ModelProto: pixels (1, H, W, 1) uint8 -> residual (1, H, W, 1)."""
    stride, nodes, constants = card.config.stride, [], []

    def node(kind, inputs, **attributes):
        nodes.append(helper.make_node(kind, inputs, [f"x{len(nodes)}"], **attributes))
        return f"x{len(nodes) - 1}"

    def constant(name, array):
        constants.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    features = node("Transpose", [node("Cast", ["pixels"], to=TensorProto.FLOAT)], perm=[0, 3, 1, 2])
    features = node("Div", [features, constant("white", 255)])
    for layer in card.config.layers():
        side = stride if layer == "head" else 1
        kernel = [constant(f"{layer}.{part}", card.weights[f"{layer}.{part}"]) for part in ("weight", "bias")]
        features = node("Conv", [features, *kernel], pads=[side] * 4, strides=[side, side])
        if layer != "tail":
            features = node("Relu", [features])
    features = node("Mul", [node("DepthToSpace", [features], blocksize=stride, mode="CRD"), "white"])
    nodes.append(helper.make_node("Transpose", [features], ["residual"], perm=[0, 2, 3, 1]))
    ends = [
        helper.make_tensor_value_info(name, kind, [1, None, None, 1])
        for name, kind in (("pixels", TensorProto.UINT8), ("residual", TensorProto.FLOAT))
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "strided", ends[:1], ends[1:], constants),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    model.ir_version = 8
    return model
