"""Layer by layer as PyTorch: forward, backward with a free delta, .grad; which are leaves.

PyTorch's ``backward(delta)`` starts from any tensor with any delta, and fills ``.grad`` of the
leaves; ``retain_grad()`` makes it keep the deltas in between, which are ours.
"""

import compare
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from designs import eighths
from sklearn.datasets import load_digits

from reference_impl import handwritten_digits
from reference_impl.activations import LogSigmoid, ReLU, Sigmoid, Softmax, Softplus, Tanh
from reference_impl.backpropagation import Chain, Sum, backpropagate
from reference_impl.linear import Linear
from reference_impl.log_softmax import LogSoftmax
from reference_impl.nll import NLL, SoftNLL

RNG = np.random.default_rng(11)
W, b = eighths(RNG, 3, 4), eighths(RNG, 3)
Z, DELTA, Y = eighths(RNG, 5, 4), eighths(RNG, 5, 4), np.array([0, 3, 1, 1, 3])
SOFT = eighths(RNG, 5, 4)


def tensor(array, leaf=False):
    return torch.tensor(np.asarray(array), dtype=torch.float64, requires_grad=leaf)


def agree(statement, case, ours, theirs, ulp=64):
    """Within 64 ulp of the largest entry: both sum in their own order."""
    expected = theirs.detach().numpy()
    compare.check(
        ours, expected.tolist(), statement=statement, oracle="PyTorch", case=case, ulp=ulp
    )


LAYERS = {
    "linear.": (Linear(W, b), lambda z: F.linear(z, tensor(W), tensor(b))),
    "activations.sigmoid_": (Sigmoid(), torch.sigmoid),
    "activations.log_sigmoid_": (LogSigmoid(), F.logsigmoid),
    "activations.tanh_": (Tanh(), torch.tanh),
    "activations.relu_": (ReLU(), torch.relu),
    "activations.softplus_": (Softplus(), F.softplus),
    "activations.softmax_": (Softmax(), lambda z: torch.softmax(z, dim=1)),
    "log_softmax.": (LogSoftmax(), lambda z: torch.log_softmax(z, dim=1)),
    "nll.": (NLL(Y), lambda z: F.nll_loss(z, torch.tensor(Y), reduction="sum")),
    "nll.soft_": (SoftNLL(SOFT), lambda z: -(tensor(SOFT) * z).sum()),
    "backpropagation.fan_out_": (Sum([Chain([]), Tanh()]), lambda z: z + torch.tanh(z)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    layer, peer = LAYERS[name]
    z = tensor(Z, leaf=True)
    output = peer(z)
    agree(f"{name}forward", "free delta", layer.forward(Z), output)
    delta = DELTA[:, : output.shape[1]] if output.ndim else np.array(1.5)
    output.backward(tensor(delta))
    agree(f"{name}backward", "free delta", layer.backward(Z, delta), z.grad)
    jacobian = torch.autograd.functional.jacobian(peer, tensor(Z))
    if output.ndim:
        i = torch.arange(len(Z))
        blocks = jacobian[i, :, i, :].clone()
        jacobian[i, :, i, :] = 0.0
        assert not jacobian.any()  # no data point acts on another
        jacobian = blocks
    else:
        jacobian = jacobian[:, None, :]
    agree(f"{name}jacobian", "free delta", layer.jacobian(Z), jacobian)


def test_relu_at_its_kink():
    """Both return 0 there."""
    z = tensor([[0.0, -0.0]], leaf=True)
    torch.relu(z).sum().backward()
    compare.same(ReLU().backward([[0.0, -0.0]], [[1.0, 1.0]]), z.grad.numpy())


def both():
    """A network with a hidden layer: ours after one pass, and theirs after forward."""
    rng = np.random.default_rng(5)
    W1, b1, W2, b2 = (eighths(rng, *shape) / 4 for shape in [(6, 4), (6,), (4, 6), (4,)])
    stack = [Linear(W1, b1), Tanh(), Linear(W2, b2), LogSoftmax(), NLL(Y)]
    parameters = [tensor(theta, leaf=True) for theta in (W1, b1, W2, b2)]
    x = tensor(Z, leaf=True)
    values = [x, F.linear(x, *parameters[:2])]
    values.append(torch.tanh(values[-1]))
    values.append(F.linear(values[-1], *parameters[2:]))
    values.append(torch.log_softmax(values[-1], dim=1))
    values.append(F.nll_loss(values[-1], torch.tensor(Y), reduction="sum"))
    return backpropagate(stack, Z), parameters, values


def test_network():
    ours, parameters, values = both()
    for value in values[1:]:
        value.retain_grad()
    values[-1].backward()
    for level, (value, delta) in enumerate(zip(ours.values, ours.deltas, strict=True), 1):
        agree("backpropagation.rule_forward", f"z^{level}", value, values[level - 1])
        agree("backpropagation.deltas", f"delta^{level}", delta, values[level - 1].grad)
    gradients = [ours.gradients[l][name] for l in (0, 2) for name in ("W", "b")]
    for gradient, theta in zip(gradients, parameters, strict=True):
        agree("backpropagation.rule_parameters", "hidden layer", gradient, theta.grad)


def test_only_leaves_keep_their_gradient():
    """Parameters, and x if it was asked for, are leaves; the values between layers are not."""
    _, parameters, values = both()
    values[-1].backward()
    assert all(theta.is_leaf and theta.grad is not None for theta in parameters)
    assert values[0].is_leaf and values[0].grad is not None
    for value in values[1:]:
        assert not value.is_leaf
        with pytest.warns(UserWarning, match="not a leaf Tensor"):
            assert value.grad is None


def test_data_without_requires_grad_are_leaves_without_gradient():
    x, theta = tensor(Z), tensor(W, leaf=True)
    F.linear(x, theta).sum().backward()
    assert x.is_leaf and x.grad is None and theta.grad is not None


def test_grad_accumulates():
    """A second backward adds to .grad; ours returns the gradient and keeps nothing."""
    theta = tensor(W, leaf=True)
    delta = DELTA[:, :3]
    once = Linear(W).parameter_gradient(Z, delta)["W"]
    for times in (1, 2, 3):
        F.linear(tensor(Z), theta).backward(tensor(delta))
        agree("linear.parameter_gradient", f"{times} times", times * once, theta.grad)
        compare.same(Linear(W).parameter_gradient(Z, delta)["W"], once)
    theta.grad = None  # what zero_grad() does
    F.linear(tensor(Z), theta).backward(tensor(delta))
    agree("linear.parameter_gradient", "after zero_grad", once, theta.grad)


def test_a_value_used_twice():
    """Within one pass the deltas of both uses add: the rule of fan-out."""
    z = tensor(Z, leaf=True)
    (torch.tanh(z) + torch.tanh(z)).backward(tensor(DELTA))
    ours = Sum([Tanh(), Tanh()]).backward(Z, DELTA)
    agree("backpropagation.fan_out", "tanh twice", ours, z.grad)


def test_mean_is_their_default():
    """nll_loss divides by N unless reduction="sum"."""
    mean = F.nll_loss(tensor(Z), torch.tensor(Y))
    agree("nll.forward", "mean", NLL(Y).forward(Z) / len(Y), mean)


def test_cross_entropy_is_two_layers():
    z = tensor(Z, leaf=True)
    cost = F.cross_entropy(z, torch.tensor(Y), reduction="sum")
    cost.backward()
    chain = Chain([LogSoftmax(), NLL(Y)])
    agree("backpropagation.composition_is_a_layer", "cross_entropy", chain.forward(Z), cost)
    agree("backpropagation.composition_is_a_layer", "p - y", chain.backward(Z, 1.0), z.grad)


def test_where_they_lose_digits():
    """log_softmax of (0, 40) and its residual: theirs is 0 where ours is -4.2e-18."""
    assert torch.log_softmax(tensor([[0.0, 40.0]]), dim=1)[0, 1] == 0.0
    assert -4.3e-18 < LogSoftmax().forward([[0.0, 40.0]])[0, 1] < -4.2e-18
    z = tensor([[0.0, 40.0]], leaf=True)
    F.cross_entropy(z, torch.tensor([1]), reduction="sum").backward()
    assert z.grad[0, 1] == 0.0
    residual = Chain([LogSoftmax(), NLL([1])]).backward([[0.0, 40.0]], 1.0)[0, 1]
    assert -4.3e-18 < residual < -4.2e-18


def test_the_digits_are_those_of_scikit_learn():
    digits, theirs = handwritten_digits.load(), load_digits()
    compare.same(np.vstack([digits.X, digits.held_out_X]) * 16.0, theirs.data)
    compare.same(np.append(digits.y, digits.held_out_y), theirs.target.astype(np.int64))


def test_the_digits_in_both():
    """The gradient of the worked example, on all its images."""
    digits = handwritten_digits.load()
    layers = handwritten_digits.network(64, hidden=8, classes=10).layers
    ours = backpropagate([*layers, NLL(digits.y)], digits.X)
    parameters = [tensor(theta, leaf=True) for l in (0, 2) for theta in (layers[l].W, layers[l].b)]
    hidden = torch.tanh(F.linear(tensor(digits.X), *parameters[:2]))
    cost = F.cross_entropy(
        F.linear(hidden, *parameters[2:]), torch.tensor(digits.y), reduction="sum"
    )
    cost.backward()
    agree("backpropagation.layer_stack", "digits", ours.cost, cost)
    gradients = [ours.gradients[l][name] for l in (0, 2) for name in ("W", "b")]
    for gradient, theta in zip(gradients, parameters, strict=True):
        # Sums over 1347 images, each in its own order.
        agree("backpropagation.rule_parameters", "digits", gradient, theta.grad, ulp=1024)
