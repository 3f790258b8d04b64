"""The loops of the engine: ``python -m derivations.loops > reference_impl/engine/loops.py``.

Loss and residual of a data point are the last lines of `logistic.residual` and of
`softmax.label_left_out`, whose class is here the label of the data point; `logistic.weighted` and
`softmax.weighted` multiply them by a weight and add them up.
"""

from derivations import logistic, softmax
from derivations.language import terms
from derivations.language.terms import Definition, Entry, Index, Term, Use
from derivations.notation import Σ, X, c, i, k, s
from derivations.prints import stable
from derivations.prints.loops import Kernel, source


def kernels() -> tuple[Kernel, Kernel]:
    """Return what is computed of two classes, and of K classes."""
    of_two = {chain.title: stable.stable(chain.last) for chain in logistic.residual.chains}
    of_all = {chain.title: of_point(chain.last) for chain in softmax.label_left_out.chains}
    two = ("logistic.residual", "logistic.weighted"), "w", of_two["loss"], of_two["residual"]
    many = of_all["loss"], of_all["residual of every class"]
    return (
        weighted("logistic", *two),
        weighted("softmax", ("softmax.label_left_out", "softmax.weighted"), "W", *many, c),
    )


def weighted(
    name: str,
    statements: tuple[str, str],
    weights: str,
    loss: Term,
    residual: Term,
    label: Index | None = None,
) -> Kernel:
    """Return what is computed with weights, from a loss and its derivative by the logits."""
    gradient = Σ(i, s[i] * residual * X[i, k])
    return Kernel(name, statements, weights, s[i] * loss, gradient, i, k, label)


def of_point(node: Term) -> Term:
    """Return what a term in one vector of logits says of data point i."""
    match node:
        case Entry(array, indices) if array == softmax.z:
            return softmax.Z[(i, *indices)]
        case Use(definition, indices) if terms.depends_on(node, softmax.z):
            body = of_point(definition.body)
            return Use(
                Definition(definition.name, (i, *definition.parameters), body), (i, *indices)
            )
    return terms.with_children(node, of_point)


if __name__ == "__main__":
    print(source(kernels()), end="")
