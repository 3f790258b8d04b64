"""A derived derivative that drops in: a ``torch.autograd.Function`` or a ``jax.custom_vjp``.

The forward pass and what its derivative makes of a delta are printed as NumPy code is, in the words
of the library. The pass back works out again, from the arguments, what it needs, in operations that
the library differentiates: so derivatives of higher order are those of the derived formula.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derivations.language import terms
from derivations.language.statement import Chain, Hypothesis, Statement
from derivations.language.terms import Array, D, Dimension, Entry, Index, Sum, Term, Use
from derivations.prints import codegen
from derivations.prints.codegen import Argument, Line
from derivations.prints.lines import defined, equation
from derivations.prints.mathematics import TEXT, show
from derivations.prints.numpy_code import HELPERS, Library, line_code

# -- the words of the libraries --------------------------------------------------------------------

# In one sum each, where the data are counted by NumPy in a faster way that is no function of arrays.
OWN = {
    "shifted": '''\
def shifted(z):
    """The largest of z, and the sum of exp(z - largest) without one that is 1."""
    largest = np.max(z, axis=-1, keepdims=True)
    e = np.exp(z - largest)
    ones = np.floor(e)
    others = np.sum(e - ones, axis=-1, keepdims=True)
    return largest, others + (np.sum(ones, axis=-1, keepdims=True) - 1)''',
    "gram": '''\
def gram(X, weights):
    """Sums over i of X[i, k] X[i, l] weights[i, ...]."""
    return np.einsum("ik,il,i...->kl...", X, X, weights)''',
    "normal_density": """\
def normal_density(t):
    return np.exp(-(t**2) / 2) / (2 * np.pi) ** 0.5""",
    "mills": '''\
def mills(t):
    """The normal density over the probability below t, also where both underflow."""
    above, below = np.where(t > 0, t, 0), np.where(t > 0, 0, t)
    scaled = (2 / np.pi) ** 0.5 / np.special.erfcx(-below / 2**0.5)
    return np.where(t > 0, normal_density(above) / np.special.ndtr(above), scaled)''',
}
OF_TORCH = {
    "softplus": """\
def softplus(t):
    return -torch.nn.functional.logsigmoid(-t)""",
    "softmax": """\
def softmax(z):
    return torch.softmax(z, dim=-1)""",
    "minimum": """\
def minimum(s, t):
    return torch.where(s < t, s, t)""",
    "maximum": """\
def maximum(s, t):
    return torch.where(s > t, s, t)""",
}  # of a number and a tensor, too


def in_words(words: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    """Return the functions that NumPy has to write out in the words of another library.

    A function that the library has itself is not among them: it is differentiated as what it is,
    where |t| in ours has no derivative at 0.
    """
    sources = {**HELPERS, **OWN, **theirs}
    for old, new in words.items():
        sources = {name: source.replace(old, new) for name, source in sources.items()}
    return {name: sources[name] for name in sources if name not in ("sigmoid", "log_weight")}


TORCH = Library(
    "torch",
    in_words(
        {
            "np.max(": "np.amax(", "np.broadcast_arrays": "np.broadcast_tensors",
            "np.take_along_axis": "np.take_along_dim", "np.": "torch.", "axis=": "dim=",
            "keepdims=": "keepdim=",
        },
        OF_TORCH,
    ),
    {
        terms.erf: "torch.erf", terms.density: "normal_density",
        terms.cumulative: "torch.special.ndtr", terms.minimum: "minimum", terms.maximum: "maximum",
    },
    {
        "sigmoid": "torch.sigmoid", "tanh": "torch.tanh", "expm1": "torch.expm1",
        "log_weight": "torch.log", "log_cumulative": "torch.special.log_ndtr",
    },
    axis="dim",
    permuted="permute",
    best="",
    like=", dtype={0}.dtype, device={0}.device",
    numbers="math",
)  # fmt: skip
JAX = Library(
    "jnp",
    {
        name: source
        for name, source in in_words({"np.special.": "jax.scipy.special.", "np.": "jnp."}, {}).items()
        if name not in ("softmax", "softplus")
    },
    {
        terms.erf: "jax.lax.erf", terms.density: "normal_density",
        terms.cumulative: "jax.scipy.special.ndtr",
    },
    {
        "sigmoid": "jax.nn.sigmoid", "softplus": "jax.nn.softplus", "softmax": "jax.nn.softmax",
        "tanh": "jnp.tanh", "expm1": "jnp.expm1", "log_weight": "jnp.log",
        "log_cumulative": "jax.scipy.special.log_ndtr",
    },
    like=", dtype={0}.dtype",
)  # fmt: skip

# -- what is printed -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """What a delta at a quantity becomes at a variable, and what is said of it."""

    quantity: Use
    variable: Array
    delta: Array
    back: Line
    said: tuple[str, ...]
    given: tuple[Hypothesis, ...]


AT_A_NUMBER = Array("delta'", (), r"\delta", superscript=r"\prime")


def rule_of(chain: Chain, statement: Statement, level: str) -> Rule | None:
    """Return the rule that a chain says: of a layer for its deltas, of a number its derivative."""
    deltas, left = weighted(chain.left) or (None, chain.left)
    if not (isinstance(left, D) and isinstance(left.body, Use)):
        return None
    quantity, variable = left.body, left.variable.array
    said = [f"{equation(chain, TEXT)}   [{level}]"]
    opened = None if quantity.arguments else weighted(quantity.definition.body)
    if opened and isinstance(opened[1], Use):  # the cost that has these deltas
        said.insert(0, defined(quantity.definition, TEXT))
        deltas, quantity = opened[0], opened[1]
    lines = [line.term for line in codegen.equal_lines(chain) if codegen.computable(line.term)]
    if not lines or (deltas is None and terms.free_indices(quantity)):
        return None
    delta = deltas or AT_A_NUMBER
    back = lines[-1] if deltas else delta[()] * lines[-1]
    given, needed = (set(codegen.parts(node).arrays) for node in (quantity, back))
    # What a hypothesis says of the variable, or by other arrays, is no function of the arguments.
    bound = {entry.array for hypothesis in statement.given for entry, _ in hypothesis.replace}
    if variable not in given - bound or not needed <= given | {delta}:
        return None
    name = f"by_{codegen.identifier(variable.name)}"
    line = Line(back, left.variable.indices, name)
    return Rule(quantity, variable, delta, line, tuple(said), statement.given)


def weighted(node: Term) -> tuple[Array, Term] | None:
    """Return the deltas and what they weight in a sum over all of them."""
    over: tuple[Index, ...] = ()
    while isinstance(node, Sum):
        over, node = (*over, node.index), node.body
    match node:
        case terms.Mul((Entry(deltas, at), inner)) if over == at and deltas.name == "delta'":
            return deltas, inner
    return None


def arguments_of(lines: Sequence[Line], deltas: Sequence[Array]) -> tuple[Argument, ...]:
    """Return what lines take together, the deltas left out, in the order of ``line_arguments``."""
    needed = [a for line in lines for a in codegen.line_arguments(line) if a not in deltas]
    once = dict.fromkeys(needed)
    arrays = sorted((a for a in once if isinstance(a, Array)), key=codegen.rank)
    shown = {dimension for array in arrays for dimension in array.dimensions}
    others = [a for a in once if not isinstance(a, Array) and a not in shown]
    return (*arrays, *sorted(others, key=lambda a: isinstance(a, Dimension)))


@dataclass(frozen=True)
class Module:
    """What a function that drops in is called, what it is of, and how it is derived.

    ``backs`` are the names of its pass back, by the place of the variable among ``arrays``;
    ``others`` are the arguments that are functions or sizes, and come last.
    """

    function: str
    quantity: str
    arrays: tuple[str, ...]
    numbers: tuple[str, ...]  # the arrays without an axis
    others: tuple[str, ...]
    backs: Mapping[int, str]

    @property
    def given(self) -> str:
        """The arguments."""
        return ", ".join((*self.arrays, *self.others))

    @property
    def by(self) -> str:
        """The variables of the derivatives."""
        return ", ".join(self.arrays[k] for k in self.backs)

    @property
    def constant(self) -> tuple[int, ...]:
        """The places of the arrays by which nothing is derived."""
        return tuple(k for k in range(len(self.arrays)) if k not in self.backs)

    def refused(self, wanted: str) -> str:
        """Return the lines that refuse a derivative by another argument."""
        if not self.constant:
            return ""
        others = ", ".join(self.arrays[k] for k in self.constant)
        said = f"{self.function}: derived by {self.by}, not by {others}"
        places = ", ".join(map(str, self.constant)) + "," * (len(self.constant) == 1)
        return (
            f"    if any({wanted} for k in ({places})):\n"
            f'        raise NotImplementedError("{said}")\n'
        )

    def deltas(self, made: str, arguments: Sequence[str]) -> str:
        """Return the code of what the delta becomes at each argument."""
        found = [made.format(self.backs[k], k) if k in self.backs else "None"
                 for k in range(len(arguments))]  # fmt: skip
        one_line = ", ".join(found) if len(found) > 1 else f"({found[0]},)"
        if len(one_line) < 72:
            return one_line
        return "(\n" + "".join(f"        {delta},\n" for delta in found) + "    )"


def drop_in(form: str, found: Sequence[tuple[Statement, str]], name: str) -> str | None:
    """Return a module with a function whose derivative is the derived one.

    Parameters
    ----------
    form
        ``torch`` or ``jax``.
    found
        Statements of derivatives, each with the level of its verification. The first says of which
        quantity; what is said of others is left out.
    name
        What the function is to be called.

    Returns
    -------
    str or None
        The source; None where no statement is the derivative of a number, or what the deltas of a
        layer become.
    """
    every = [
        rule
        for statement, level in found
        for chain in statement.chains
        if (rule := rule_of(chain, statement, level))
    ]
    rules = {r.variable: r for r in reversed(every) if r.quantity == every[0].quantity}
    return module_of(form, [*reversed(rules.values())], name) if rules else None


def module_of(form: str, rules: Sequence[Rule], name: str) -> str:
    """Return the module of a function with these rules."""
    library, wrapped = FORMS[form]
    first = rules[0].quantity
    value = codegen.stably(Line(terms.instantiate(first), indices_of(first), "value"))
    backs = [codegen.stably(rule.back) for rule in rules]
    arguments = arguments_of([value, *backs], [rule.delta for rule in rules])
    function = codegen.own_name(codegen.identifier(name))
    taken = codegen.RESERVED | LOCALS | set(library.helpers) | {function, camel(function), "value"}
    taken |= {back.name for back in backs}
    names = codegen.named(arguments, taken)
    arrays = [a for a in arguments if isinstance(a, Array)]
    variables = [rule.variable for rule in rules]
    module = Module(
        function,
        show(first, TEXT),
        tuple(names[a] for a in arrays),
        tuple(names[a] for a in arrays if not a.dimensions),
        tuple(names[a] for a in arguments if a not in arrays),
        {k: f"by_{codegen.identifier(a.name)}" for k, a in enumerate(arrays) if a in variables},
    )
    sources = [line_code(value, module.quantity, taken, (), arguments, library)]
    for rule, back in zip(rules, backs, strict=True):
        said = f"What δ' becomes at {rule.variable.name}"
        both = (rule.delta, *arguments)
        sources.append(line_code(back, said, taken, rule.given, both, library))
    body = "\n\n\n".join([*codegen.with_helpers(sources, library.helpers), wrapped(module)])
    formulas = [defined(d, TEXT) for d in codegen.parts(first).quantities]
    formulas += dict.fromkeys(said for rule in rules for said in rule.said)
    return f"{heading(module, formulas)}\n\n{imports(form, body)}\n\n\n{body}\n"


def indices_of(quantity: Use) -> tuple[Index, ...]:
    """Return the indices at which a quantity stands."""
    return tuple(a for a in quantity.arguments if isinstance(a, Index))


def called(name: str) -> str:
    """Return what a function is called for the statement of its derivative."""
    concept, _, own = name.partition(".")
    for end in ("backward", "parameter_gradient", "gradient", "derivative"):
        own = own.removesuffix(end)
    return own.strip("_") or concept


def camel(name: str) -> str:
    """Return the name of a class for that of a function."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def heading(module: Module, formulas: Sequence[str]) -> str:
    """Return the docstring: what is derived, how far it is verified, and what is not derived."""
    shown = [
        line
        for formula in formulas
        for line in textwrap.wrap(formula, codegen.WIDTH, subsequent_indent="    ")
    ]
    return "\n".join(
        [
            f'"""{module.quantity}, and its derivative by {module.by} as it was derived.',
            "",
            *shown,
            "",
            "Nothing is kept from the forward pass but the arguments. The pass back is made of",
            "operations that are themselves differentiable: derivatives of higher order are those of",
            "the derived formula, and are taken by the library.",
            '"""',
        ]
    )


IMPORTS = {
    "torch": (("math.", "import math\n"), ("torch.", "import torch")),
    "jax": (
        ("functools.", "import functools\n"),
        ("jax.", "import jax"),
        ("jnp.", "import jax.numpy as jnp"),
    ),
}
LOCALS = {"torch", "jax", "jnp", "functools", "ctx", "given", "inputs", "output", "primals"}
LOCALS |= {"forward", "backward", "cotangent"}


def imports(form: str, body: str) -> str:
    """Return the imports that the code needs."""
    return "\n".join(line for used, line in IMPORTS[form] if used in body)


def torch_function(module: Module) -> str:
    """Return the ``Function``, and the function that applies it."""
    saved, count = "ctx.saved_tensors", len(module.arrays)
    save = "    ctx.save_for_backward(*inputs)\n"
    if module.others:
        saved = f"(*{saved}, *ctx.others)"
        save = f"    ctx.save_for_backward(*inputs[:{count}])\n    ctx.others = inputs[{count}:]\n"
    made = "{}(delta, *given)"
    made += " if ctx.needs_input_grad[{}] else None" if len(module.backs) > 1 else ""
    like = next((name for name in module.arrays if name not in module.numbers), "")
    tensors = "".join(
        f"    {name} = torch.as_tensor({name}, dtype={like}.dtype, device={like}.device)\n"
        for name in module.numbers
        if like
    )
    inside = f'''\
"""{module.quantity} for autograd, with its derivative by {module.by}."""

generate_vmap_rule = True

@staticmethod
def forward(*given):
    return value(*given)

@staticmethod
def setup_context(ctx, inputs, output):
{save}
@staticmethod
def backward(ctx, delta):
{module.refused("ctx.needs_input_grad[k]")}    given = {saved}
    return {module.deltas(made, (*module.arrays, *module.others))}
'''
    name = camel(module.function)
    return f'''\
class {name}(torch.autograd.Function):
{textwrap.indent(inside, "    ")}

def {module.function}({module.given}):
    """{module.quantity}, with its derivative by {module.by}."""
{tensors}    return {name}.apply({module.given})'''


def jax_function(module: Module) -> str:
    """Return the function, and its rules forward and back."""
    count = len(module.arrays)
    places = tuple(range(count, count + len(module.others)))
    others = ", ".join(module.others)
    first, last = (f"{others}, ", f", {others}") if others else ("", "")
    decorator = f"functools.partial(jax.custom_vjp, nondiff_argnums={places})"
    differentiable = f"primals[:{count}]" if others else "primals"
    given = f"*given, *primals[{count}:]" if others else "*given"
    return f'''\
@{decorator if others else "jax.custom_vjp"}
def {module.function}({module.given}):
    """{module.quantity}, with its derivative by {module.by}."""
    return value({module.given})


def forward(*primals):
{module.refused("primals[k].perturbed")}    given = tuple(primal.value for primal in {differentiable})
    return value({given}), given


def backward({first}given, cotangent):
    return {module.deltas(f"{{}}(cotangent, *given{last})", module.arrays)}


{module.function}.defvjp(forward, backward, symbolic_zeros=True)'''


FORMS = {"torch": (TORCH, torch_function), "jax": (JAX, jax_function)}
