"""What PyTorch and JAX differentiate is checked: right ones pass, wrong ones are found and named."""

import doctest
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from reference_impl.check import check_jax, check_torch
from reference_impl.check.anything import check_anything, style_of

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(3)
# Few numbers, so that each is compared however busy the machine is.
Z, W, X = RNG.normal(size=(3, 2)), RNG.normal(size=2), RNG.normal(size=(2, 4))
BUDGET = 20.0


def tensors(*arrays, dtype=torch.float32):
    return [torch.tensor(array, dtype=dtype) for array in arrays]


def function(forward, backward):
    """An autograd Function that keeps its arguments, which backward is given with delta."""

    def keeping(ctx, *args):
        ctx.save_for_backward(*args)
        return forward(*args)

    names = inspect.signature(forward).parameters.values()
    keeping.__signature__ = inspect.Signature([inspect.Parameter("ctx", 1), *names])

    members = {
        "forward": staticmethod(keeping),
        "backward": staticmethod(lambda ctx, delta: backward(delta, *ctx.saved_tensors)),
    }
    return type("Own", (torch.autograd.Function,), members)


def swish(z, w):
    return z * torch.sigmoid(z) * w


def swish_back(delta, z, w):
    s = torch.sigmoid(z)
    return delta * w * (s + z * s * (1 - s)), (delta * z * s).sum(dim=0)


class Saved(torch.autograd.Function):
    """Right once; differentiated again, what forward computed on the way is a constant."""

    @staticmethod
    def forward(ctx, z):
        s = torch.sigmoid(z)
        ctx.save_for_backward(z, s)
        return z * s

    @staticmethod
    def backward(ctx, delta):
        z, s = ctx.saved_tensors
        return delta * (s + z * s * (1 - s))


class Needed(torch.autograd.Function):
    """Asks of the wrong argument whether its gradient is needed."""

    @staticmethod
    def forward(ctx, z, w):
        ctx.save_for_backward(z, w)
        return z * w

    @staticmethod
    def backward(ctx, delta):
        z, w = ctx.saved_tensors
        return delta * w, (delta * z).sum(dim=0) if ctx.needs_input_grad[0] else None


class Sine(torch.autograd.Function):
    """In the new style, with a forward mode."""

    @staticmethod
    def forward(z):
        return torch.sin(z)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, delta):
        return delta * torch.cos(ctx.saved_tensors[0])

    @staticmethod
    def jvp(ctx, dz):
        return dz * torch.cos(ctx.saved_tensors[0])


class WrongSine(Sine):
    @staticmethod
    def jvp(ctx, dz):
        return -dz * torch.cos(ctx.saved_tensors[0])


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z**3

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, delta):
        (z,) = ctx.saved_tensors
        return 3 * z**2 * delta


class Detached(torch.nn.Module):
    """A parameter that the output depends on gets no gradient."""

    def __init__(self):
        super().__init__()
        self.w, self.v = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))

    def forward(self, z):
        return z * self.w + torch.tanh(z) * self.v.detach()


def views(delta, z):
    return (3 * z.reshape(-1) ** 2 * delta.view(-1)).view(z.shape)


def net(*layers, train=True):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 3), *layers, torch.nn.Linear(3, 1)).train(train)


LABELS = torch.tensor([0, 1, 1])
RIGHT = {
    "Function": (function(swish, swish_back), tensors(Z, W)),
    "Function, float64": (function(swish, swish_back), tensors(Z, W, dtype=torch.float64)),
    "Function with a jvp": (Sine, tensors(Z)),
    "once differentiable": (Once, tensors(Z)),
    "function": (torch.nn.functional.softplus, tensors(Z)),
    "function of a dictionary": (lambda p: p["z"] * p["w"].exp(), [{"z": tensors(Z)[0], "w": tensors(W)[0]}]),
    "loss": (torch.nn.CrossEntropyLoss(), [tensors(Z)[0], LABELS]),
    "module": (net(torch.nn.Tanh()), tensors(Z)),
    "module, dropout": (net(torch.nn.Dropout(0.5), torch.nn.Tanh()), tensors(Z)),
    "module, in place": (net(torch.nn.ELU(inplace=True)), tensors(Z)),
    "module, evaluation": (net(torch.nn.BatchNorm1d(3), train=False), tensors(Z)),
    "several outputs": (torch.nn.GRU(2, 1), tensors(Z)),
    "not contiguous": (net(torch.nn.Tanh()), [tensors(Z.T)[0].T]),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_in_torch(name):
    f, args = RIGHT[name]
    state = torch.get_rng_state()
    report = check_torch(f, *args, budget=BUDGET)
    assert report.ok, str(report)
    assert report.compared > 0
    assert torch.equal(torch.get_rng_state(), state)


WRONG = {  # what is brought, the arguments, and what the report has to say
    "sign": (function(swish, lambda *a: tuple(-g for g in swish_back(*a))), (Z, W), "backward (z): "),
    "mean": (
        function(swish, lambda d, z, w: (swish_back(d, z, w)[0], swish_back(d, z, w)[1] / 3)),
        (Z, W),
        "backward (w): wrong",
    ),
    "none": (
        function(swish, lambda d, z, w: (swish_back(d, z, w)[0], None)),
        (Z, W),
        "backward (w): nothing is returned",
    ),
    "saved": (Saved, (Z,), "double backward (z): wrong"),
    "needed": (Needed, (Z, W), "backward (w): when no other gradient than that by w is required"),
    "jvp": (WrongSine, (Z,), "jvp: wrong"),
    "view": (
        function(lambda z: z**3, views),
        (Z,),
        "for a strided cotangent it raises RuntimeError: view size is not compatible",
    ),
    "detached": (Detached(), (Z,), "backward (v): nothing is returned"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_in_torch(name):
    f, arrays, words = WRONG[name]
    report = check_torch(f, *tensors(*arrays), budget=BUDGET)
    assert report.verdict == "wrong"
    assert words in str(report), str(report)


def test_what_was_noticed_in_torch():
    torch.manual_seed(0)
    module = net(torch.nn.BatchNorm1d(3), torch.nn.Dropout(0.5))
    module[0].bias.requires_grad_(False)
    module[0].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    notes = " | ".join(check_torch(module, *tensors(Z), budget=BUDGET).notes)
    assert "given in float32, checked as copies in float64" in notes
    assert "in training mode" in notes
    assert "0.weight, 0.bias: constant" in notes
    assert "forward is random; each call draws the same numbers" in notes
    assert "forward writes to 1.running_mean, 1.running_var, 1.num_batches_tracked" in notes
    after = module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert module[1].weight.grad is None
    notes = check_torch(Once, *tensors(Z), budget=BUDGET).notes
    assert any(
        note.startswith("no double backward: trying to differentiate twice") for note in notes
    )


def test_only_what_requires_a_gradient_is_checked():
    wrong = function(swish, lambda *a: (swish_back(*a)[0], 2 * swish_back(*a)[1]))
    z, w = tensors(Z, W)
    assert check_torch(wrong, z.requires_grad_(), w, budget=BUDGET).ok
    assert not check_torch(wrong, z, w.requires_grad_(), budget=BUDGET).ok


def test_float32_where_float64_does_not_run():
    """Its own rounding is no fault; a factor of 1.05 is one."""

    def forward(z):
        if z.dtype != torch.float32:
            raise TypeError("only float32")
        return z**2

    for factor, verdict in ((1.0, "right"), (1.05, "wrong")):
        f = function(forward, lambda d, z, factor=factor: factor * 2 * z * d)
        report = check_torch(f, *tensors(Z), budget=BUDGET)
        assert report.verdict == verdict, str(report)
        assert "it does not run in float64: checked in float32" in report.notes


@pytest.mark.parametrize(
    ("f", "args", "message"),
    [
        (torch.sin, [LABELS], "sin: expected a tensor of floating-point numbers, given Tensor"),
        (torch.sin, [], "expected a tensor of floating-point numbers, given nothing"),
        (torch.sin, [torch.ones(2) * 1j], "expected real tensors, given torch.complex64"),
        (lambda z: z * 1j, tensors(Z), "expected real tensors, given torch.complex64 for the output"),
    ],
)  # fmt: skip
def test_bad_input_to_torch(f, args, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        check_torch(f, *args)


# ------------------------------------------------------------------------------------- JAX


def own(f, fwd, bwd):
    g = jax.custom_vjp(f)
    g.defvjp(fwd, bwd)
    return g


def product(x, p):
    return jnp.sin(x) @ p["W"]


def kept(x, p):
    return product(x, p), (x, p)


def back(kept, delta, factor=1.0):
    x, p = kept
    return delta @ p["W"].T * jnp.cos(x), {"W": factor * jnp.sin(x).T @ delta}


@jax.custom_jvp
def sine(x):
    return jnp.sin(x)


sine.defjvp(lambda x, dx: (sine(*x), jnp.cos(*x) * dx[0]))


@jax.custom_jvp
def wrong_sine(x):
    return jnp.sin(x)


wrong_sine.defjvp(lambda x, dx: (wrong_sine(*x), jnp.sin(*x) * dx[0]))


def branching(x):
    return {"y": x**2 if x[0] > 0 else -x, "sum": x.sum(), "count": 3}


def loss(params, inputs, labels):
    logits = jnp.tanh(inputs @ params["W"] + params["b"])
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).sum()


LOSS = ({"W": jnp.array(X), "b": jnp.array([0.5, -1.0, 0.25, 2.0])}, Z, np.array([0, 3, 1]))
RIGHT_IN_JAX = {
    "custom_vjp": (own(product, kept, back), (jnp.array(Z), {"W": jnp.array(X)})),
    "custom_vjp, NumPy": (own(product, kept, back), (Z, {"W": X})),
    "custom_jvp": (sine, (jnp.array(Z),)),
    "compiled": (jax.jit(sine), (jnp.array(Z),)),
    "branching": (branching, (jnp.array([0.5, -1.0]),)),
    "loss": (loss, LOSS),
    "numbers": (lambda x, n: x**n, (1.5, 3)),
}


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("name", RIGHT_IN_JAX)
def test_right_in_jax(name, x64):
    f, args = RIGHT_IN_JAX[name]
    with jax.enable_x64(x64):
        report = check_jax(f, *args, budget=BUDGET)
    assert report.ok, str(report)
    assert report.compared > 0
    assert report.tolerance < 1e-9  # in float64 either way


WRONG_IN_JAX = {
    "mean": (
        own(product, kept, lambda r, g: back(r, g, 1 / 3)),
        (Z, {"W": X}),
        "vjp (p['W']): wrong",
    ),
    "jvp": (wrong_sine, (Z[0],), "jvp: wrong"),
    "stopped": (
        own(jnp.sin, lambda x: (jnp.sin(x), jax.lax.stop_gradient(x)), lambda x, g: (g * jnp.cos(x),)),
        (Z,),
        "vjp of the vjp (x): wrong",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_IN_JAX)
def test_wrong_in_jax(name):
    f, args, words = WRONG_IN_JAX[name]
    report = check_jax(f, *args, budget=BUDGET)
    assert report.verdict == "wrong"
    assert words in str(report), str(report)


def test_nondiff_argnums_are_constants():
    power = jax.custom_vjp(lambda n, x: x**n, nondiff_argnums=(0,))
    power.defvjp(lambda n, x: (x**n, x), lambda n, x, g: (n * x ** (n - 1) * g,))
    assert check_jax(power, 3.0, jnp.array(Z), budget=BUDGET).ok


def test_float32_inside_jax():
    with jax.enable_x64(False):  # whatever other tests have set
        report = check_jax(lambda x: x.astype(jnp.float32) ** 2, jnp.array(Z), budget=BUDGET)
    assert report.ok, str(report)
    assert "it does not run in float64: checked in float32" in report.notes


@pytest.mark.parametrize(
    ("f", "args", "message"),
    [
        (jnp.sin, (jnp.arange(3),), "sin: expected an array of floating-point numbers, given "),
        (jnp.sin, (), "expected an array of floating-point numbers, given nothing"),
        (jnp.sin, (jnp.ones(2) * 1j,), "expected real numbers, given complex ones for x"),
        (lambda x: x * 1j, (jnp.ones(2),), "expected real numbers, given complex ones for the out"),
    ],
)
def test_bad_input_to_jax(f, args, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        check_jax(f, *args)


# ------------------------------------------------------------- found from what is brought


def test_style():
    assert style_of(net()) == style_of(Saved) == style_of(lambda z: z, tensors(Z)) == "torch"
    assert style_of(sine) == style_of(jax.jit(sine)) == style_of(sine, (jnp.ones(2),)) == "jax"
    assert style_of(np.sin, (Z,)) == "function"
    assert check_anything(Once, *tensors(Z), budget=BUDGET).ok
    assert check_anything(sine, jnp.array(Z), budget=BUDGET).ok
    with pytest.raises(TypeError, match="grad: check_torch takes f, tensors, seed, budget"):
        check_anything(Once, *tensors(Z), grad=np.cos)


SOURCE = '''
import jax
import jax.numpy as jnp
import torch

torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Tanh())

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(2, 1)

    def forward(self, x):
        return torch.tanh(self.inner(x))

class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z**3

    @staticmethod
    def backward(ctx, delta):
        return -3 * ctx.saved_tensors[0]**2 * delta

def cross_entropy(z, y):
    return torch.nn.functional.cross_entropy(z, y)

def loss(w, X):
    return jnp.sum(jnp.log1p(jnp.exp(X @ w)))
'''  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["own:net", "--input", "input=normal(3,2)"], 0),
        (["own:Net", "--input", "x=normal(3,2)"], 0),
        (["own.py:Cube", "--input", "z=normal(3,2)"], 1),
        (["own:cross_entropy", "--style=torch", "--input=z=normal(3,2)", "--input=y=integers(0,2,3)"], 0),
        (["own:loss", "--style=jax", "--input", "w=normal(2)", "--input", "X=normal(3,2)"], 0),
    ],
)  # fmt: skip
def test_command(arguments, status, tmp_path):
    (tmp_path / "own.py").write_text(SOURCE)
    done = subprocess.run(
        [sys.executable, "-m", "reference_impl.check", *arguments, "--json", "--budget=20"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert json.loads(done.stdout)["verdict"] == {0: "right", 1: "wrong"}[status]


def test_reproduce(tmp_path):
    """The program says the same, and where it cannot, it says what to put in."""
    (tmp_path / "own.py").write_text(SOURCE)
    arguments = ["own:Cube", "--input", "z=normal(3,2)", "--reproduce", "again.py"]
    printed = []
    for command in (["-m", "reference_impl.check", *arguments], ["again.py"]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        printed.append(done.stdout)
        assert done.stderr == ""
    assert printed[0] == printed[1] and printed[0].startswith("wrong: ")
    script = check_torch(torch.nn.Linear(2, 1), *tensors(Z), budget=BUDGET).reproduce()
    assert (
        "# Put here in place of '...': Linear(in_features=2, out_features=1, bias=True)" in script
    )
    assert "from reference_impl.check import check_jax" in check_jax(sine, Z).reproduce()


def test_code_in_the_page_runs():
    page = (ROOT / "docs" / "your-layer.md").read_text()
    blocks = re.findall(r"^```pycon\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2 and "torch" in blocks[0] and "jax" in blocks[1]
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "page", "page", 0)
    report = []
    result = doctest.DocTestRunner().run(example, out=report.append)
    assert (result.failed, "".join(report)) == (0, "")
