"""The worked example: what it starts from, that it learns, and every gradient by the check."""

import gzip
from importlib import resources

import compare
import numpy as np
import pytest
from layer_loops import check_held, normals

from reference_impl import handwritten_digits
from reference_impl.backpropagation import Chain, backpropagate
from reference_impl.gradient_check import check_layer
from reference_impl.nll import NLL
from reference_impl.training import train


@pytest.fixture(scope="session")
def digits():
    return handwritten_digits.load()


@pytest.fixture(scope="session")
def training(digits):
    untrained = handwritten_digits.network(64, hidden=16, classes=10)
    return train(untrained, NLL(digits.y), digits.X, steps=120, rate=0.5 / len(digits.y))


def test_images_are_those_of_the_file(digits):
    """Row by row what stands in the file, in sixteenths; of which the sums are known."""
    packed = resources.files("reference_impl.data").joinpath("digits.csv.gz").read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()
    rows = [[int(entry) for entry in line.split(",")] for line in lines if line[0] != "#"]
    assert len(digits.X) == len(digits.y) == 1347
    X, y = np.vstack([digits.X, digits.held_out_X]), np.append(digits.y, digits.held_out_y)
    compare.same(X, np.array([[pixel / 16 for pixel in row[:64]] for row in rows]))
    compare.same(y, np.array([row[64] for row in rows]))
    assert X.sum() * 16 == 561718
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_a_network_starts_from_normals():
    """The weights are drawn in the order of the layers; no biases."""
    rng = np.random.default_rng(7)
    expected = normals(rng, 3, 4), np.zeros(3), normals(rng, 5, 3), np.zeros(5)
    check_held(handwritten_digits.network(4, hidden=3, classes=5, seed=7), expected)


def test_accuracy_is_the_part_that_is_right():
    assert handwritten_digits.accuracy(Chain([]), np.eye(3), [0, 2, 1]) == 1 / 3


def test_it_learns(digits, training):
    assert training.costs[0] / len(digits.y) > 2.0  # log 10 is guessing
    assert training.costs[-1] < training.costs[0] / 100.0
    assert handwritten_digits.accuracy(training.layers, digits.X, digits.y) > 0.99
    held_out = handwritten_digits.accuracy(training.layers, digits.held_out_X, digits.held_out_y)
    assert held_out > 0.9


def test_every_gradient(digits, training):
    """Each rule and each parameter of the trained network, on two images."""
    rows = [0, 500]
    report = check_layer(Chain([*training.layers.layers, NLL(digits.y[rows])]), digits.X[rows])
    assert report.ok, str(report)
    assert report.compared > 128 + 128 + 256 + 16 + 160 + 10


def test_additive_over_the_images(digits, training):
    """The gradient of all images is the sum of the gradients of two halves, up to rounding."""
    layers = training.layers.layers

    def gradient(part):
        return backpropagate([*layers, NLL(digits.y[part])], digits.X[part]).gradients[0]["W"]

    whole, first, second = gradient(slice(64)), gradient(slice(32)), gradient(slice(32, 64))
    compare.check(
        first + second,
        whole.tolist(),
        statement="backpropagation.rule_parameters",
        oracle="identity",
        case="digits in two halves",
        ulp=64,
    )


def test_report():
    lines = list(handwritten_digits.report(hidden=4, steps=11))
    assert lines[0] == "1347 images to train on, 450 held out; 4 hidden units"
    assert [line.split(":")[0] for line in lines[1:]] == ["step    0", "step   10", "accuracy"]
