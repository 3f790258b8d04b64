"""ONNX Runtime on the CPU: its operators in double precision, one model for each function.

What has no kernel for double precision is not supported. The package for inference has no
gradients.
"""

import functools

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

OPSET = 20


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


FUNCTIONS = {
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
