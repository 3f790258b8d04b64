"""ONNX Runtime on the CPU: its operators in double precision, one model for each function.

What has no kernel for double precision is not supported. The package for inference has no
gradients.
"""

import functools
import math

import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    NotImplemented as NoKernel,
    RuntimeException,
)

OPSET = 23


@functools.cache
def session(inputs, *nodes):
    """A model of nodes (operator, inputs, output, attributes); the last output is the result."""
    made = [helper.make_node(op, given, [out], **dict(more)) for op, given, out, more in nodes]
    kinds = {"y": TensorProto.INT64, "axes": TensorProto.INT64}
    given = [
        helper.make_tensor_value_info(n, kinds.get(n, TensorProto.DOUBLE), None) for n in inputs
    ]
    out = [helper.make_tensor_value_info(nodes[-1][2], TensorProto.DOUBLE, None)]
    graph = helper.make_graph(made, "one", given, out)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    # The operators as they are, not rewritten into others.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except (NoKernel, InvalidGraph, Fail) as problem:
        raise NotImplementedError(problem) from None


def elementwise(op, name, **attributes):
    nodes = [(op, (name,), "out", tuple(attributes.items()))]
    return lambda input: session((name,), *nodes).run(None, {name: floats(input[name])})[0]


def floats(value):
    return np.asarray(value, dtype=np.float64)


def along(op):
    def run(input):
        nodes = [(op, ("z",), "out", (("axis", input.get("axis", -1)),))]
        return session(("z",), *nodes).run(None, {"z": floats(input["z"])})[0]

    return run


def logsumexp(input):
    if "b" in input:
        raise NotImplementedError("a logsumexp with weights")
    z, axis = floats(input["z"]), input.get("axis", -1)
    axes = list(range(z.ndim)) if axis is None else axis if isinstance(axis, list) else [axis]
    nodes = [("ReduceLogSumExp", ("z", "axes"), "out", (("keepdims", 0),))]
    given = {"z": z, "axes": np.asarray(axes, dtype=np.int64)}
    return session(("z", "axes"), *nodes).run(None, given)[0]


def nll(input):
    """Weights are multiplied here: those of the operator belong to classes, not to data points."""
    nodes = [
        ("Transpose", ("W",), "columns", ()),
        ("MatMul", ("X", "columns"), "Z", ()),
        ("SoftmaxCrossEntropyLoss", ("Z", "y"), "losses", (("reduction", "none"),)),
    ]
    given = {"W": floats(input["W"]), "X": floats(input["X"]), "y": np.asarray(input["y"])}
    losses = session(("W", "X", "y"), *nodes).run(None, given)[0]
    return np.sum(losses * floats(input.get("sample_weight", 1.0)))


def attribute(value):
    """A number of the model itself, which the format holds in float32."""
    if isinstance(value, float) and math.isfinite(value) and np.float32(value) != value:
        raise NotImplementedError(f"{value} as an attribute")
    return float(value)


def unary(op, **attributes):
    """An operator of z; numbers beside it are attributes."""

    def run(input):
        numbers = {name: attribute(value) for name, value in input.items() if name != "z"}
        nodes = [(op, ("z",), "out", tuple({**attributes, **numbers}.items()))]
        return session(("z",), *nodes).run(None, {"z": floats(input["z"])})[0]

    return run


def norm(op, *tensors, **attributes):
    """An operator of z and tensors, with eps as its attribute."""

    def run(input):
        more = {**attributes, "epsilon": attribute(input["eps"])}
        nodes = [(op, ("z", *tensors), "out", tuple(more.items()))]
        given = {name: floats(input[name]) for name in ("z", *tensors)}
        return session(("z", *tensors), *nodes).run(None, given)[0]

    return run


def linear(input):
    names = ("z", "W", "b") if "b" in input else ("z", "W")
    nodes = [("Gemm", names, "out", (("transB", 1),))]
    return session(names, *nodes).run(None, {name: floats(input[name]) for name in names})[0]


def losses(input):
    nodes = [("SoftmaxCrossEntropyLoss", ("z", "y"), "losses", (("reduction", "none"),))]
    given = {"z": floats(input["z"]), "y": np.asarray(input["y"])}
    return session(("z", "y"), *nodes).run(None, given)[0]


FUNCTIONS = {
    "activations.relu_forward": unary("Relu"),
    "activations.sigmoid_forward": unary("Sigmoid"),
    "activations.softmax_forward": unary("Softmax", axis=1),
    "activations.softplus_forward": unary("Softplus"),
    "activations.tanh_forward": unary("Tanh"),
    "gates.elu_forward": unary("Elu"),
    "gates.gelu_forward": unary("Gelu"),
    "gates.gelu_tanh_forward": unary("Gelu", approximate="tanh"),
    "gates.leaky_relu_forward": unary("LeakyRelu"),
    "gates.softsign_forward": unary("Softsign"),
    "linear.forward": linear,
    "normalisation.batch_norm_inference_forward": norm(
        "BatchNormalization", "gain", "bias", "mean", "variance"
    ),
    "normalisation.layer_norm_forward": norm("LayerNormalization", "gain", "bias", axis=1),
    "normalisation.rms_norm_forward": norm("RMSNormalization", "gain", axis=1),
    "softmax.losses": losses,
    "sigmoid.sigmoid": elementwise("Sigmoid", "t"),
    "sigmoid.softplus": elementwise("Softplus", "t"),
    "softmax.log_softmax": along("LogSoftmax"),
    "softmax.logsumexp": logsumexp,
    "softmax.nll": nll,
    "softmax.softmax": along("Softmax"),
}


def answer(function, input):
    if function not in FUNCTIONS:
        raise NotImplementedError(function)
    try:
        return FUNCTIONS[function](input)
    except (
        Fail,
        InvalidArgument,
        RuntimeException,
    ) as problem:  # how it refuses shapes, types and labels
        raise ValueError(problem) from None
