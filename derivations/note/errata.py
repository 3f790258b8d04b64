"""The lecture note, row by row: what it prints, why that fails, and what is proved instead.

Rows a1, a2, ... are formulas, b1, b2, ... claims, c1, c2, ... what the note has right. ``NOTE`` lists
its formulas from the first to the last, each with the statements and the rows that deal with it.
``python -m derivations.note.errata`` tries every row; its exit status is 1 when one does not come out
as it says.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

from mpmath import mp, mpf

from derivations import (
    backpropagation,
    identification,
    linear,
    log_softmax,
    logistic,
    nll,
    sigmoid,
    softmax,
    statements,
)
from derivations.language.matrices import Gradient, Jacobian, Whole
from derivations.language.statement import (
    ALGEBRA,
    DEFINITION,
    DIFFERENTIATE,
    SIGN,
    Chain,
    Hypothesis,
    Statement,
    Step,
)
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Limit,
    Size,
    exp,
    expectation,
    log,
    product,
    scalar,
    term,
    total,
)
from derivations.notation import K, N, W, X, Y, a, b, i, j, k, l, n, t, v, w, y
from derivations.note.erratum import (
    CLAIM,
    CONFIRMED,
    NOTATION,
    WORDING,
    WRONG_RESULT,
    WRONG_STATEMENT,
    Construction,
    Counterexample,
    Equation,
    Erratum,
    Line,
    Report,
    Search,
    Verifier,
    as_data,
    check,
    freshly,
    from_ledger,
    in_words,
    shown,
)
from derivations.proof import ledger
from derivations.sigmoid import sigma

HALF = Fraction(1, 2)

# -- the first half: binary logistic regression ---------------------------------------------------

gradient = Gradient(logistic.NLL, w)
residuals = logistic.probabilities - Whole(y)

a1 = Erratum(
    "Weights in the place of labels",
    r"\nabla_{\mathbf{w}} \operatorname{NLL} = \mathbf{X}^\top \cdot (\mathbf{p} - \mathbf{w})",
    r"The residuals are $\mathbf{p} - \mathbf{y}$.",
    r"There are $N$ probabilities and $n$ weights, so the difference has no meaning. A computer "
    r"algebra system that does not compare symbolic shapes accepts it.",
    (
        Construction(
            lambda: logistic.probabilities - Whole(w),
            r"$\mathbf{p}$ has $N$ entries and $\mathbf{w}$ has $n$: there is nothing to subtract",
        ),
    ),
    (logistic.nll_gradient,),
    severity=WRONG_RESULT,
)

a2 = Erratum(
    "A row in the place of a column",
    r"\nabla_{\mathbf{w}} \operatorname{NLL} = \sum_i \mathbf{x}_i^\top (p_i - y_i)",
    r"A gradient has the shape of its variable: $\sum_i \mathbf{x}_i (p_i - y_i)$.",
    r"The printed sum is a row, and $\mathbf{w}$ is a column: no step "
    r"$\mathbf{w} - \eta \nabla \operatorname{NLL}$ could be taken.",
    (
        Construction(
            lambda: gradient - (residuals.T @ Whole(X)),
            r"the gradient is a column of $n$ entries, and the sum is a row",
        ),
    ),
    (logistic.nll_gradient,),
    show=(1,),
    severity=NOTATION,
)

at_j = sigma(total(k, w[k] * X[j, k]))

a3 = Erratum(
    "Features without the index of the sum",
    r"\operatorname{NLL} = -\sum_i \left( y_i \log h(\mathbf{w} \cdot \mathbf{x}) "
    r"+ (1 - y_i) \log (1 - h(\mathbf{w} \cdot \mathbf{x})) \right)",
    r"Each label stands beside the features of its own data point, $\mathbf{x}_i$. The same holds in "
    r"the displays of the softmax and of its layers.",
    r"A sum over $i$ does nothing to $\mathbf{x}$. Reading it as the features of some data point $j$ "
    r"gives another cost as soon as there are two.",
    (Equation(logistic.NLL, -total(i, y[i] * log(at_j) + (1 - y[i]) * log(1 - at_j))),),
    (logistic.nll,),
    severity=NOTATION,
)

# -- the second half: softmax and layers ----------------------------------------------------------

a4 = Erratum(
    "The label of class 1 in the gradient of class 2",
    r"\frac{\partial \operatorname{NLL}}{\partial \mathbf{w}_2} = "
    r"-\sum_i \mathbf{x}_i (y_i - p_{2i})",
    r"The indicator of class 2, which is $1 - y_i$ for labels 0 and 1.",
    r"The gradients of the two classes sum to zero; the printed ones do not.",
    (Equation(D(softmax.NLL2, softmax.w2[k]), -total(i, X[i, k] * (y[i] - softmax.p2[i]))),),
    (softmax.nll_gradient, softmax.gradients_sum_to_zero),
    show=(3,),
    severity=WRONG_RESULT,
)


def first_underflow() -> Counterexample | None:
    """Return the first whole logit below zero at which the log of a computed softmax fails."""
    for size in range(2000):
        computed = math.exp(-size) / (math.exp(-size) + 1.0)
        if computed == 0.0:
            exact = -size - math.log1p(math.exp(-size))
            text = (
                rf"In double precision at $\mathbf{{z}} = (-{size}, 0)$ the first softmax value is "
                rf"$0$ and its logarithm $-\infty$; subtracting the log-sum-exp gives ${exact:.0f}$."
            )
            return Counterexample({"z": [-size, 0]}, -math.inf, exact, text)
    return None


a5 = Erratum(
    "The log-softmax as the logarithm of a softmax",
    r"$LSM_1$ is computed as $\log(SM_1)$, and $SM_2$ and $LSM_2$ follow by analogy.",
    r"$LSM_k = z_k - \operatorname{logsumexp}(\mathbf{z})$, for every class $k$.",
    "Equal on paper, not in floating point: the softmax of a small logit underflows to zero before "
    "its logarithm is taken. The functions for the second class are not defined in the note.",
    (Search(first_underflow),),
    (log_softmax.forward,),
    CLAIM,
    severity=WRONG_RESULT,
)

z31 = Array("z^3_1", (N,), "z", r"\mathbf{z}^3_1", written="z^3_1({0})")
z32 = Array("z^3_2", (N,), "z", r"\mathbf{z}^3_2", written="z^3_2({0})")

a8 = Erratum(
    "The same log-probability twice",
    r"z^4 = -\sum_i \left( \mathbb{1}_1(y_i) z^3_1(i) + \mathbb{1}_2(y_i) z^3_1(i) \right)",
    "The second term has the log-probability of class 2.",
    "One of the two indicators is 1, so that the printed cost is the sum of the first column, "
    "whatever the labels are.",
    (
        Equation(
            -total(i, y[i] * z31[i] + (1 - y[i]) * z32[i]),
            -total(i, y[i] * z31[i] + (1 - y[i]) * z31[i]),
        ),
    ),
    (nll.forward,),
    also=(
        Statement(
            "As printed, the labels drop out",
            "The cost is minus the sum of one column.",
            (
                Chain(
                    -total(i, y[i] * z31[i] + (1 - y[i]) * z31[i]),
                    (Step(-total(i, z31[i]), ALGEBRA, "the two indicators sum to one"),),
                ),
            ),
        ),
    ),
    severity=WRONG_RESULT,
)

z1 = Array("z^1", (n,), "z", r"\mathbf{z}", superscript="1")

a9 = Erratum(
    "An index too many",
    r"\mathbf{z}^2 = (\mathbf{w}_1 \cdot \mathbf{z}^1_i, \mathbf{w}_2 \cdot \mathbf{z}^1_i)",
    r"$\mathbf{w}_k \cdot \mathbf{z}^1$.",
    r"$\mathbf{z}^1$ already is $\mathbf{x}_i$, the features of one data point: it has no data points "
    r"left to choose from.",
    (
        Construction(
            lambda: z1[i],
            r"$\mathbf{z}^1$ is the vector of one data point: it has an index over features and none "
            "over data points",
        ),
    ),
    (linear.forward, backpropagation.layer_stack),
    severity=NOTATION,
)

rows, deltas = linear.rows, linear.deltas_out
o, u = linear.o, linear.u

a10 = Erratum(
    "RULE 3 for one data point",
    r"\frac{\partial C}{\partial \theta^l} = \sum_u \delta^{l+1}_u "
    r"\frac{\partial z^{l+1}_u}{\partial \theta^l}",
    r"$\sum_i \sum_u \delta^{l+1}_u(i) \, \partial z^{l+1}_u(i) / \partial \theta^l$.",
    "Every data point uses the same parameters, so each contributes. RULE 2 has no such sum, because "
    "the values of a layer belong to one data point.",
    (
        Equation(
            D(linear.total_cost, W[u, k]),
            total(o, deltas[i, o] * D(rows[i, o], W[u, k])),
        ),
    ),
    (backpropagation.rule_parameters, linear.parameter_gradient),
    severity=WRONG_RESULT,
)

a11 = Erratum(
    "A product of Jacobians is a row",
    r"\nabla_{\mathbf{x}} Cost = \frac{\partial f^{Loss}}{\partial \mathbf{f}^3} \, "
    r"\frac{\partial \mathbf{f}^3}{\partial \mathbf{f}^2} \, "
    r"\frac{\partial \mathbf{f}^2}{\partial \mathbf{f}^1} \, "
    r"\frac{\partial \mathbf{f}^1}{\partial \mathbf{x}}",
    r"Its transpose, or the same product under the name $\partial Cost / \partial \mathbf{x}$.",
    "A gradient is a column. Backward, each layer multiplies by the transpose of its Jacobian.",
    (
        Construction(
            lambda: (
                Gradient(linear.cost, linear.z)
                - (Whole(linear.delta_out).T @ Jacobian(linear.out, linear.z))
            ),
            "the gradient is a column of $n$ entries, and the product is a row",
        ),
    ),
    (linear.backward, backpropagation.rule_backward),
    severity=NOTATION,
)

z4 = Definition("z^4", (), -total(a, softmax.z[a]), "z^4")

a12 = Erratum(
    "One function too many",
    r"Cost = f^{Loss}(\mathbf{f}^3(\mathbf{f}^2(\mathbf{f}^1(\mathbf{x}))))",
    r"With RULE 1, $\mathbf{z}^{l+1} = \mathbf{f}^l(\mathbf{z}^l)$, three functions lead from "
    r"$\mathbf{z}^1$ to $z^4$: linear, log-softmax, NLL.",
    r"Two sections number the functions differently. Under RULE 1 $\mathbf{f}^3$ returns the cost, a "
    r"scalar; a further loss would look for one value for each class in it.",
    (
        Construction(
            lambda: -total(a, softmax.z[a] * z4[a]),
            r"$z^4$ is one number, and the loss looks for an entry of it for each class",
        ),
    ),
    (backpropagation.layer_stack,),
    show=(),
    severity=NOTATION,
)

z21, z22 = scalar("z^2_1", "z^2_1"), scalar("z^2_2", "z^2_2")
delta31, delta32 = scalar("delta^3_1", r"\delta^3_1"), scalar("delta^3_2", r"\delta^3_2")

a13 = Erratum(
    "The level of the weights",
    r"The weights are parameters at level 2.",
    r"They are $\theta^1$: RULE 3 counts a parameter by the layer that it reads, and "
    r"$\theta^l$ feeds $\mathbf{z}^{l+1}$.",
    r"The weights stand in $\mathbf{z}^2$. RULE 3 with $l = 2$ differentiates $\mathbf{z}^3$ at a given "
    r"$\mathbf{z}^2$, where there are none: every gradient would be zero.",
    (
        Equation(
            D(softmax.NLL2, softmax.w1[k]),
            delta31 * D(log(softmax.S1(z21, z22)), softmax.w1[k])
            + delta32 * D(log(softmax.S2(z21, z22)), softmax.w1[k]),
        ),
    ),
    (backpropagation.deltas, backpropagation.rule_parameters),
    CLAIM,
    show=(4,),
    severity=WRONG_STATEMENT,
)

other_label = Array("y'", (N,), "y", r"\mathbf{y}", domain="label", superscript=r"\prime")

a14 = Erratum(
    "RULE 1 without parameters and labels",
    r"\mathbf{z}^{l+1} = \mathbf{f}^l(\mathbf{z}^l)",
    r"$\mathbf{f}^l(\mathbf{z}^l; \theta^l)$, and the last function also takes the labels.",
    r"RULE 3 differentiates by $\theta^l$, so it must be there. And were the cost a function of "
    r"$\mathbf{z}^3$ alone, any two sets of labels would have the same cost.",
    (
        Equation(
            -total(i, y[i] * z31[i] + (1 - y[i]) * z32[i]),
            -total(i, other_label[i] * z31[i] + (1 - other_label[i]) * z32[i]),
        ),
    ),
    (backpropagation.rule_forward, nll.forward),
    show=(),
    severity=NOTATION,
)

p = logistic.p
first, second = log(p[i] ** y[i]), log((1 - p[i]) ** (1 - y[i]))

a15 = Erratum(
    "Brackets around the terms of a sum",
    r"\ell = \sum_i \log h(\mathbf{w} \cdot \mathbf{x}_i)^{y_i} + "
    r"\log (1 - h(\mathbf{w} \cdot \mathbf{x}_i))^{1 - y_i}",
    "Both logarithms are summed.",
    r"As printed the second logarithm is outside the sum, where $i$ has no value.",
    (Equation(total(i, first + second), second + total(i, first)),),
    (logistic.log_likelihood,),
    severity=NOTATION,
)


def merged_duplicates() -> Counterexample | None:
    """Return the first data in which a set of labelled points is smaller than the data."""
    for count in (1, 2):
        for data in itertools.product(itertools.product((0, 1), (0, 1)), repeat=count):
            over_points, over_set = HALF ** len(data), HALF ** len(frozenset(data))
            if over_points != over_set:
                (x, label), *_ = data
                text = (
                    rf"{count} data points with $x_i = {x}$ and $y_i = {label}$, at $w = 0$: the product "
                    rf"over the set of them is ${shown(over_set)}$, over the points "
                    rf"${shown(over_points)}$."
                )
                return Counterexample(
                    {"x": [x for x, _ in data], "y": [y for _, y in data]},
                    over_set, over_points, text,
                )  # fmt: skip
    return None


a16 = Erratum(
    "A product over a set of labels",
    r"\prod_{y_i \in \mathcal{D}} P(y_i \mid \mathbf{x}_i, \mathbf{w})",
    r"$\prod_{i=1}^N$: over the data points.",
    "A set holds equal elements once, so that equal data points would count once.",
    (Search(merged_duplicates),),
    (logistic.likelihood,),
    severity=NOTATION,
)


def sets_of_features() -> Counterexample | None:
    """Return the first features that make the same set and have different scores."""
    weights = (0, 1, 2)
    points = list(itertools.product((1,), (0, 1, 2), (0, 1, 2)))
    for left, right in itertools.combinations(points, 2):
        scores = [sum(map(int.__mul__, weights, x)) for x in (left, right)]
        if frozenset(left) == frozenset(right) and scores[0] != scores[1]:
            text = (
                rf"${left}$ and ${right}$ are the same set; with $\mathbf{{w}} = {weights}$ "
                rf"their scores are ${scores[0]}$ and ${scores[1]}$."
            )
            values = {"x": list(left), "x'": list(right), "w": list(weights)}
            return Counterexample(values, scores[0], scores[1], text)
    return None


a17 = Erratum(
    "Features as a set",
    r"\mathbf{x} = \{1, x_1, x_2, \dots, x_n\}",
    r"A tuple, $(1, x_1, \dots, x_n)$, and $\mathbf{w} = (w_0, w_1, \dots, w_n)$ with the intercept "
    r"first.",
    "A set has no order and holds equal numbers once; a scalar product needs both.",
    (Search(sets_of_features),),
    (logistic.likelihood,),
    show=(2,),
    severity=NOTATION,
)


def undecided_probability() -> Counterexample | None:
    """Return the first probability to which two strict inequalities give no class."""
    for h in fractions(4):
        if not h > HALF and not h < HALF:
            text = (
                rf"$h = {shown(h)}$ gets no class: it is neither above nor below ${shown(HALF)}$."
            )
            return Counterexample({"h": h}, h, HALF, text)
    return None


def fractions(largest: int) -> Iterator[Fraction]:
    """Yield the fractions between 0 and 1 by their denominators."""
    for q in range(2, largest + 1):
        yield from (Fraction(p, q) for p in range(1, q) if math.gcd(p, q) == 1)


a18 = Erratum(
    "A threshold on the label",
    r"A value $y > 0.5$ is read as 1 and $y < 0.5$ as 0.",
    r"$h \ge 0.5$ is read as 1, $h < 0.5$ as 0.",
    r"$y$ is the label, which needs no reading; the probability is $h$. Two strict inequalities also "
    r"leave out the case between, which the other displays of the note give to class 1.",
    (Search(undecided_probability),),
    (logistic.decision_rule,),
    CLAIM,
    show=(0, 1),
    severity=WORDING,
)

x = Array("x", (n,), "x", r"\mathbf{x}")

a19 = Erratum(
    "What a probability is conditioned on",
    r"P(y = 1 \mid \mathbf{x}) = h(\mathbf{w} \cdot \mathbf{x}), \quad "
    r"P(y \mid \mathbf{x}, \mathbf{w}) = h^y (1 - h)^{1 - y}",
    r"$P(y_i \mid \mathbf{x}_i, \mathbf{w})$ for one label, $P(\mathbf{y} \mid \mathbf{X}, \mathbf{w})$ "
    r"for all, and $y_i \in \{0, 1\}$.",
    r"Other weights give the same features another probability, and one symbol for one label and "
    r"for all of them leaves open which is meant. The power form is a distribution on labels 0 and 1; "
    r"with the labels 1 and 2 of the second half it does not sum to one.",
    (
        Equation(sigma(total(k, w[k] * x[k])), sigma(total(k, v[k] * x[k]))),
        Equation(logistic.mass(1) + logistic.mass(2), term(1)),
    ),
    (logistic.bernoulli,),
    show=(0, 1, 2),
    severity=NOTATION,
)


def first_overflow() -> Counterexample | None:
    """Return the first whole number below zero whose printed sigmoid overflows."""
    for size in range(2000):
        try:
            math.exp(size)
        except OverflowError:
            exact = math.exp(-size) / (1 + math.exp(-size))
            text = (
                rf"At $z = -{size}$ the exponential $e^{{{size}}}$ is beyond double precision: an "
                rf"overflow, and the value $0$. The overflow-free form gives ${shown(mpf(exact))}$."
            )
            return Counterexample({"z": -size}, 0.0, exact, text)
    return None


a20 = Erratum(
    "A sigmoid that overflows",
    r"`h = lambda z: 1./(1+np.exp(-z))` computes the sigmoid.",
    r"A form whose exponent is never positive.",
    r"Right on paper; in floating point $e^{-z}$ overflows for large negative $z$.",
    (Search(first_overflow),),
    (sigmoid.stable,),
    CLAIM,
    show=(1,),
    severity=WRONG_RESULT,
)

# -- claims ---------------------------------------------------------------------------------------

direction = total(k, v[k] ** 2)
quadratic = total(k, total(l, v[k] * D(D(logistic.NLL, w[k]), w[l]) * v[l]))
column = Array("x", (N,), "x", r"\mathbf{x}")
wa, wb = scalar("w_1", "w_1"), scalar("w_2", "w_2")
doubled = Definition("p", (i,), sigma((wa + wb) * column[i]), "p")
doubled_nll = Definition(
    "NLL",
    (),
    -total(i, y[i] * log(doubled[i]) + (1 - y[i]) * log(1 - doubled[i])),
    r"\operatorname{NLL}",
)()

b1 = Erratum(
    "The Hessian is positive definite",
    r"$H = \mathbf{X}^\top \operatorname{diag}(p_i (1 - p_i)) \mathbf{X}$ is positive definite.",
    r"It is positive semidefinite; it is positive definite if and only if $\mathbf{X}$ has full "
    r"column rank.",
    "Two equal columns are enough: what one weight gains the other can lose.",
    (
        Equation(
            quadratic,
            term(0),
            ">",
            (
                Hypothesis(
                    "Neither the direction nor any feature is zero.",
                    signs=((direction, "positive"), (X[i, k] ** 2, "positive")),
                ),
            ),
        ),
    ),
    (logistic.nll_convex,),
    CLAIM,
    also=(
        Statement(
            "A duplicate column",
            r"With the same feature twice, the Hessian maps $(1, -1)$ to zero, at any weights and "
            r"for any data.",
            (
                Chain(
                    D(D(doubled_nll, wa), wa) - D(D(doubled_nll, wa), wb),
                    (Step(0, DIFFERENTIATE, "both are the same sum"),),
                ),
                Chain(
                    D(D(doubled_nll, wb), wa) - D(D(doubled_nll, wb), wb),
                    (Step(0, DIFFERENTIATE, "both are the same sum"),),
                ),
            ),
        ),
    ),
    severity=WRONG_STATEMENT,
)


def margins(features: tuple[int, ...], labels: tuple[int, ...], weight: int) -> list[int]:
    """Return the margins of one-feature data, label 0 counted as -1."""
    return [(2 * label - 1) * weight * x for x, label in zip(features, labels, strict=True)]


def one_feature(numbers: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield data of one feature, few and small points first, both labels present."""
    for count in range(2, 5):
        every = itertools.combinations_with_replacement(numbers, count)
        for features in sorted(every, key=lambda found: max(map(abs, found))):
            for labels in itertools.product((1, 0), repeat=count):
                if len(set(labels)) == 2:
                    yield features, labels


def cost(features: tuple[int, ...], labels: tuple[int, ...], weight: Fraction | int) -> mpf:
    """Return the NLL of one-feature data at the working precision."""
    total_cost = mpf(0)
    for x, label in zip(features, labels, strict=True):
        total_cost += mp.log1p(mp.exp(mpf((1 - 2 * label) * x) * weight))
    return total_cost


def data_shown(features: tuple[int, ...], labels: tuple[int, ...]) -> str:
    """Return data of one feature as a formula."""
    return rf"$\mathbf{{x}} = {features}$, $\mathbf{{y}} = {labels}$"


def without_minimum() -> Counterexample | None:
    """Return the first data that one direction separates, though not every point of it."""
    for features, labels in one_feature((0, 1, -1)):
        for weight in (1, -1):
            found = margins(features, labels, weight)
            if min(found) == 0 < max(found):
                with mp.workdps(50):
                    here, there = (cost(features, labels, c * weight) for c in (1, 10))
                    bound = found.count(0) * mp.log(2)
                text = (
                    f"{data_shown(features, labels)}: the NLL is ${shown(here)}$ at $w = {weight}$ and "
                    f"${shown(there)}$ at $w = {10 * weight}$; it falls for ever, and "
                    f"${shown(bound)}$ is never reached."
                )
                values = {"x": list(features), "y": list(labels), "w": weight}
                return Counterexample(values, here, there, text)
    return None


b2 = Erratum(
    "A global minimum",
    "The cost is convex with a global minimum.",
    "It is convex. A minimiser exists if and only if no direction separates the data, completely or "
    r"quasi-completely; it is unique if also $\mathbf{X}$ has full column rank. With one weight "
    "vector for each class the cost is never strictly convex.",
    "A convex function may fall for ever.",
    (Search(without_minimum),),
    (logistic.no_mle_when_separable, softmax.null_space),
    CLAIM,
    show=(),
    severity=WRONG_STATEMENT,
)


def divided_by_a_line() -> Counterexample | None:
    """Return the first two points on different sides of a line, with the estimate lost to it."""
    for features, labels in one_feature((1, -1, 2, -2, 3, -3)):
        for weight in (1, -1):
            divides = all(
                (weight * x >= 0) == (y == 1) for x, y in zip(features, labels, strict=True)
            )
            slopes = [slope(features, labels, far * weight) for far in range(8)]
            if divides and all(s * weight < 0 for s in slopes):
                text = (
                    f"{data_shown(features, labels)}: $w = {weight}$ divides the labels, and the NLL "
                    f"has the slope ${shown(slopes[1])}$ there and ${shown(slopes[7])}$ at "
                    f"$w = {7 * weight}$; it is zero nowhere."
                )
                return Counterexample(
                    {"x": list(features), "y": list(labels), "w": weight},
                    slopes[1], slopes[7], text,
                )  # fmt: skip
    return None


def slope(features: tuple[int, ...], labels: tuple[int, ...], weight: mpf | int) -> mpf:
    """Return the derivative of the NLL of one-feature data at the working precision."""
    return sum(
        (
            x * (1 / (1 + mp.exp(-weight * x)) - label)
            for x, label in zip(features, labels, strict=True)
        ),
        mpf(0),
    )


b3 = Erratum(
    "A line that divides the samples",
    "The aim is a line with the samples of label 1 on one side and those of label 0 on the other.",
    "The aim is the probability of each label. Where there is such a line, there is no maximum "
    "likelihood estimate.",
    "Along the weights of a dividing line the cost falls for ever.",
    (Search(divided_by_a_line),),
    (logistic.no_mle_when_separable,),
    CLAIM,
    show=(),
    severity=WRONG_STATEMENT,
)


def accuracy(features: tuple[int, ...], labels: tuple[int, ...], weight: mpf | int) -> Fraction:
    """Return how many labels the threshold one half gets right."""
    right = sum(
        (weight * x >= 0) == (label == 1) for x, label in zip(features, labels, strict=True)
    )
    return Fraction(right, len(labels))


def estimate(features: tuple[int, ...], labels: tuple[int, ...]) -> mpf | None:
    """Return the maximum likelihood estimate at 50 digits by Newton's method; None if separable."""
    for weight in (1, -1):
        if all(m >= 0 for m in margins(features, labels, weight)):
            return None
    with mp.workdps(60):
        weight = mpf(0)
        for _ in range(200):
            curvature = mpf(0)
            for x in features:
                at = 1 / (1 + mp.exp(-weight * x))
                curvature += x**2 * at * (1 - at)
            step = slope(features, labels, weight) / curvature
            weight -= step
            if abs(step) < mpf(10) ** -55:
                return weight
    return None


def less_accurate_estimate() -> Counterexample | None:
    """Return the first data whose estimate gets fewer labels right than another weight."""
    for features, labels in one_feature((1, -1, 2, -2, 3, -3)):
        best = estimate(features, labels)
        if best is None or abs(best) < mpf(10) ** -50:
            continue  # separable, or undecided at every point
        for other in (1, -1):
            here, there = (accuracy(features, labels, at) for at in (best, other))
            if here < there:
                text = (
                    rf"{data_shown(features, labels)}, one weight: the estimate is $\hat w = "
                    rf"{shown(best)}$, and the rule gets ${shown(here)}$ of the labels right; "
                    rf"$w = {other}$ gets ${shown(there)}$."
                )
                values = {"x": list(features), "y": list(labels), "estimate": best, "w": other}
                return Counterexample(values, here, there, text)
    return None


b4 = Erratum(
    "Maximum likelihood and correct classification",
    "Maximising the likelihood maximises the chance that each point is classified correctly.",
    "It maximises the joint probability of the labels that were observed.",
    "A point that is far on the wrong side costs more than several that are just on the right side.",
    (Search(less_accurate_estimate),),
    (logistic.likelihood,),
    CLAIM,
    show=(),
    severity=WRONG_STATEMENT,
)


def monotonic_but_worse() -> Counterexample | None:
    """Return the first monotonic function on 1 and 2 whose maximum is at 1."""
    for first, second in itertools.product((0, 1), repeat=2):
        if first > second:
            text = (
                rf"The function with $f(1) = {first}$ and $f(2) = {second}$ is monotonic, and its "
                rf"maximum is at 1, not at 2."
            )
            return Counterexample({"f": [first, second]}, first, second, text)
    return None


positive = scalar("t", domain="positive")

b5 = Erratum(
    "The logarithm is monotonic",
    "The logarithm may be taken because it is monotonic.",
    "Because it is strictly increasing and the likelihood is positive.",
    "A constant function is monotonic, and so is a falling one.",
    (Search(monotonic_but_worse),),
    (
        Statement(
            "The logarithm keeps the maximiser",
            "It is strictly increasing where it is defined, and the likelihood is positive.",
            (
                Chain(
                    D(log(positive), positive),
                    (
                        Step(1 / positive, DIFFERENTIATE),
                        Step(0, SIGN, "$t > 0$", relation=">"),
                    ),
                    title="strictly increasing",
                ),
                Chain(
                    logistic.L(),
                    (
                        Step(
                            product(i, p[i] ** y[i] * (1 - p[i]) ** (1 - y[i])),
                            DEFINITION,
                        ),
                        Step(0, SIGN, "a product of positive factors", relation=">"),
                    ),
                    title="positive",
                ),
            ),
        ),
        logistic.log_likelihood,
    ),
    CLAIM,
    show=(0, 1),
    severity=WRONG_STATEMENT,
)


def dependent_labels() -> Counterexample | None:
    """Return the first joint distribution of two labels that is not a product."""
    for weight in range(1, 4):
        for table in itertools.product(range(weight + 1), repeat=4):
            if sum(table) != weight:
                continue
            both = Fraction(table[3], weight)
            each = Fraction(table[2] + table[3], weight) * Fraction(table[1] + table[3], weight)
            if both != each:
                joint = [Fraction(part, weight) for part in table]
                text = (
                    rf"Two labels with $P(0,0) = {shown(joint[0])}$, $P(0,1) = {shown(joint[1])}$, "
                    rf"$P(1,0) = {shown(joint[2])}$, $P(1,1) = {shown(joint[3])}$: the product "
                    rf"$P(y_1 = 1) P(y_2 = 1)$ is ${shown(each)}$, not ${shown(both)}$."
                )
                return Counterexample({"P": joint}, both, each, text)
    return None


b6 = Erratum(
    "Multiplying over the samples",
    "The probability of all labels is the product of the probabilities of each.",
    r"That is so if the labels are independent given $\mathbf{X}$ and $\mathbf{w}$.",
    "The product is an assumption about the data, not a law.",
    (Search(dependent_labels),),
    (logistic.likelihood,),
    CLAIM,
    show=(),
    severity=WRONG_STATEMENT,
)


def two_joint_distributions() -> Counterexample | None:
    """Return two joint distributions with the same conditional one."""
    conditional = (Fraction(1, 2), Fraction(1, 3))  # P(y = 1 | x) for x = 0 and x = 1
    for left, right in itertools.combinations(fractions(3), 2):
        joint = [m * conditional[1] for m in (left, right)]
        if joint[0] != joint[1]:
            text = (
                rf"With $P(y = 1 \mid x = 1) = {shown(conditional[1])}$, $P(x = 1) = {shown(left)}$ "
                rf"gives $P(1, 1) = {shown(joint[0])}$, and $P(x = 1) = {shown(right)}$ gives "
                rf"${shown(joint[1])}$: the model is the same."
            )
            values = {"conditional": list(conditional), "marginals": [left, right]}
            return Counterexample(values, joint[0], joint[1], text)
    return None


b7 = Erratum(
    "The joint distribution",
    r"The model gives the joint probability $P(x, y)$.",
    r"It gives $P(y \mid x)$ alone; how the features are distributed is not modelled.",
    r"The factor $P(x)$ is a choice of its own, and logistic regression makes none.",
    (Search(two_joint_distributions),),
    (logistic.likelihood,),
    CLAIM,
    show=(),
    severity=WORDING,
)

b8 = Erratum(
    "Translating the coefficients",
    r"The coefficients can be translated by a fixed amount without any change.",
    r"The same vector $\boldsymbol{\psi}$ has to be added to the weights of every class.",
    "A shift that differs between the classes changes the differences of the logits.",
    (Equation(identification.p_other[i, a], softmax.P[i, a]),),
    (identification.translation, softmax.null_space),
    CLAIM,
    show=(0, 1),
    severity=WRONG_STATEMENT,
)

mean_entropy = total(i, logistic.cross_entropy[i]) / Size(N)

b9 = Erratum(
    "The NLL and the cross-entropy",
    "The NLL is the cross-entropy.",
    r"It is $N$ times the mean cross-entropy of the labels against the model.",
    "A cross-entropy belongs to distributions and does not grow with the number of data points.",
    (Equation(total(i, logistic.cross_entropy[i]), mean_entropy),),
    (logistic.nll_cross_entropy,),
    CLAIM,
    severity=WORDING,
)


def beyond_any_bound() -> Counterexample | None:
    """Return where the log-sigmoid leaves the interval from -1 to 1 that a tanh stays in."""
    with mp.workdps(50):
        for t in range(0, -10, -1):
            value = -mp.log1p(mp.exp(mpf(-t)))
            if value < -1:
                far = -mp.log1p(mp.exp(mpf(8)))
                text = (
                    rf"$\log \sigma({t}) = {shown(value)}$ and $\log \sigma(-8) = {shown(far)}$: "
                    rf"no bounded interval holds its values."
                )
                return Counterexample({"t": t}, value, far, text)
    return None


b10 = Erratum(
    "A squashing unit",
    "The log-sigmoid is a squashing unit, and one of its outputs makes the cost.",
    r"Its values fill $(-\infty, 0)$. The cost needs two of them, $\log \sigma(z)$ and $\log \sigma(-z)$.",
    r"To squash is to map into a bounded interval, as $\sigma$ does; $\log \sigma(t)$ lies below $t$.",
    (Search(beyond_any_bound),),
    (
        Statement(
            "The log-sigmoid has no lower bound",
            r"It lies below its argument, and below zero.",
            (
                Chain(
                    log(sigma(t)) - t,
                    (
                        Step(-log(1 + exp(t)), DEFINITION, r"$1 + e^{-t} = e^{-t}(1 + e^t)$"),
                        Step(0, SIGN, r"$1 + e^t > 1$", relation="<"),
                    ),
                ),
                Chain(
                    log(sigma(t)),
                    (
                        Step(-log(1 + exp(-t)), DEFINITION),
                        Step(0, SIGN, r"$1 + e^{-t} > 1$", relation="<"),
                    ),
                ),
            ),
        ),
        logistic.nll_softplus,
    ),
    CLAIM,
    show=(0, 1),
    severity=WORDING,
)

square = Definition("z'", (), t**2, r"z^{l+1}")
used_twice = Definition("C", (), square() * t, "C")

b11 = Erratum(
    "RULE 2 always",
    r"RULE 2 holds whatever the cost is made of.",
    r"It holds if $\mathbf{z}^l$ reaches the cost through $\mathbf{z}^{l+1}$ alone. Where a value is "
    r"used twice, the deltas of its uses add.",
    r"Take $z^{l+1} = (z^l)^2$ and a cost that uses $z^l$ once more, $C = z^{l+1} z^l$. One path "
    r"gives the delta $\partial C / \partial z^{l+1} = z^l$ times $2 z^l$.",
    (Equation(D(used_twice(), t), t * D(square(), t)),),
    (backpropagation.fan_out, backpropagation.rule_backward),
    CLAIM,
    severity=WRONG_STATEMENT,
)


def more_memory() -> Counterexample | None:
    """Return the smallest chain of layers of which reverse mode keeps more than forward mode."""
    for depth, width in sorted(itertools.product(range(1, 6), repeat=2), key=lambda p: (sum(p), p)):
        reverse = depth * width  # the output of every layer
        forward = width + width * width  # one output, and its derivatives by the inputs
        if reverse > forward:
            text = (
                f"{depth} layers of width {width}: reverse mode keeps {reverse} numbers, forward mode "
                f"{forward} at a time."
            )
            return Counterexample({"depth": depth, "width": width}, reverse, forward, text)
    return None


b12 = Erratum(
    "Reverse mode and memory",
    "Multiplying from the left saves a huge amount of memory.",
    r"It saves operations: a row times a matrix, never a matrix times a matrix. It keeps every "
    r"$\mathbf{z}^l$ until the backward pass has used it.",
    "Forward accumulation forgets a layer as soon as the next one is computed.",
    (Search(more_memory),),
    (backpropagation.cost,),
    CLAIM,
    show=(4, 5),
    severity=WRONG_STATEMENT,
)

b13 = Erratum(
    "RULE 3 and recursion",
    "RULE 3 is another recursion.",
    r"It is not: it uses $\boldsymbol{\delta}^{l+1}$ and the values of its own layer, and no other "
    r"parameter gradient.",
    "Only RULE 2 passes something on; each parameter gradient is a leaf of the computation.",
    (),
    (backpropagation.rule_parameters,),
    CLAIM,
    severity=WRONG_STATEMENT,
)

b14 = Erratum(
    "What fills `variable.grad`",
    "Both derivatives fill the `grad` of the variables in PyTorch.",
    "Only leaf tensors get a `grad`, the parameters here; the deltas are passed on and dropped unless "
    "asked for. And `grad` accumulates: a second backward pass adds.",
    "A remark about a library: the comparison with PyTorch shows it, nothing here proves it.",
    (),
    (),
    CLAIM,
    severity=WORDING,
)

b15 = Erratum(
    "A cost layer on the cost layer",
    r"A cost layer is added to $z^4$.",
    r"$z^4$ is the cost layer: $C = z^4$, and the first delta is $\partial C / \partial z^4 = 1$.",
    "A number differentiated by itself starts the backward pass; no layer is added.",
    (),
    (backpropagation.deltas,),
    CLAIM,
    severity=WORDING,
)


def one_class_for_equal_points() -> Counterexample | None:
    """Return the first probability at which the rule's frequency is not that of the label."""
    for h in fractions(4):
        if h == HALF:
            continue
        classified = Fraction(h < HALF)
        if classified != 1 - h:
            text = (
                rf"At $h = {shown(h)}$ the label is 0 with probability ${shown(1 - h)}$; the rule "
                rf"answers 0 for the fraction ${shown(classified)}$ of such points."
            )
            return Counterexample({"h": h}, classified, 1 - h, text)
    return None


b16 = Erratum(
    "The probability of classifying as 0",
    r"A sample is classified as 0 with the probability $1 - h$.",
    r"$1 - h$ is the probability that its label is 0.",
    "A threshold rule gives identical features the same class every time.",
    (Search(one_class_for_equal_points),),
    (logistic.bernoulli,),
    CLAIM,
    show=(1,),
    severity=WRONG_STATEMENT,
)


def calibrated_and_wrong() -> Counterexample | None:
    """Return the first probability at which a calibrated model is not right most of the time."""
    for h in fractions(4):
        right = max(h, 1 - h)
        if right <= HALF:
            text = (
                rf"At $h = {shown(h)}$ for every point, exactly right as a probability, the rule is right "
                rf"with probability ${shown(right)}$."
            )
            return Counterexample({"h": h}, right, HALF, text)
    return None


epsilon = scalar("e", r"\varepsilon")
success = scalar("y", "y", domain="label")

b17 = Erratum(
    "Good probabilities and being right",
    "With good probabilities the class is right most of the time.",
    r"Calibration is not accuracy: the rule with threshold one half is right with probability "
    r"$\mathbb{E} \max(p, 1 - p)$, which may be one half.",
    "Probabilities can be exact and the labels nearly a coin toss.",
    (Search(calibrated_and_wrong),),
    (
        Statement(
            "A calibrated model near one half",
            r"Where the probability of the label 1 is $\frac12 + \varepsilon$, answering 1 is right "
            r"with that probability and no better.",
            (
                Chain(
                    expectation(
                        success,
                        {1: term(1) / 2 + epsilon, 0: term(1) / 2 - epsilon},
                        success,
                    ),
                    (
                        Step(
                            (term(1) / 2 + epsilon) * 1 + (term(1) / 2 - epsilon) * 0,
                            ALGEBRA,
                            "right when the label is 1",
                        ),
                        Step(term(1) / 2 + epsilon, ALGEBRA),
                    ),
                ),
            ),
        ),
    ),
    CLAIM,
    severity=WRONG_STATEMENT,
)


def cheaper_below_half() -> Counterexample | None:
    """Return the first costs and probability at which the threshold one half costs more."""
    for alarm, miss in sorted(itertools.product(range(1, 4), repeat=2), key=lambda p: (sum(p), p)):
        for h in fractions(5):
            answer_1, answer_0 = alarm * (1 - h), miss * h
            ruled, other = (answer_1, answer_0) if h >= HALF else (answer_0, answer_1)
            if ruled > other:
                text = (
                    rf"A false alarm costs {alarm}, a miss {miss}. At $h = {shown(h)}$ the threshold "
                    rf"one half expects the cost ${shown(ruled)}$, the other answer ${shown(other)}$."
                )
                values = {"false alarm": alarm, "miss": miss, "h": h}
                return Counterexample(values, ruled, other, text)
    return None


b19 = Erratum(
    "The threshold one half",
    r"A sample with $h > 0.5$ ought to be identified with class 1.",
    r"With a false alarm at cost $c_f$ and a miss at cost $c_m$ the threshold is "
    r"$c_f / (c_f + c_m)$: one half only if they cost the same.",
    "The probability says how likely a mistake is; what to do about it depends on its price.",
    (Search(cheaper_below_half),),
    (logistic.decision_rule,),
    CLAIM,
    show=(2,),
    severity=WRONG_STATEMENT,
)

# -- right as printed -----------------------------------------------------------------------------

c1 = Erratum(
    "The sigmoid's limits",
    r"\lim_{z \to \infty} h(z) = 1, \quad h(0) = 0.5, \quad \lim_{z \to -\infty} h(z) = 0",
    "As printed.",
    "",
    (
        Equation(Limit(sigma(t), t, 1), term(1)),
        Equation(sigma(0), term(1) / 2),
        Equation(Limit(sigma(t), t, -1), term(0)),
    ),
    (sigmoid.limits,),
    CONFIRMED,
    show=(0, 1, 2),
)

h, outcome = logistic.h, logistic.outcome

c2 = Erratum(
    "One formula for both labels",
    r"P(y \mid \mathbf{x}, \mathbf{w}) = h^y (1 - h)^{1 - y}",
    r"As printed.",
    r"For labels 0 and 1.",
    (
        Equation(logistic.mass(1), h),
        Equation(logistic.mass(0), 1 - h),
    ),
    (logistic.bernoulli,),
    CONFIRMED,
    show=(0, 1, 2),
)

c3 = Erratum(
    "The Hessian",
    r"H = \mathbf{X}^\top \operatorname{diag}(p_i (1 - p_i)) \mathbf{X}",
    "As printed.",
    "",
    (
        Equation(
            D(D(logistic.NLL, w[k]), w[l]),
            total(i, X[i, k] * (p[i] * (1 - p[i])) * X[i, l]),
        ),
    ),
    (logistic.nll_hessian,),
    CONFIRMED,
)

p1, p2, w1, w2 = softmax.p1, softmax.p2, softmax.w1, softmax.w2

c4 = Erratum(
    "From two weight vectors to one",
    r"\mathbf{w} = \mathbf{w}_1 - \mathbf{w}_2",
    "As printed.",
    r"The softmax of two classes is the sigmoid of the difference of the logits.",
    (Equation(p1[i], sigma(total(k, (w1[k] - w2[k]) * X[i, k]))),),
    (softmax.two_class,),
    CONFIRMED,
    show=(2,),
)

c5 = Erratum(
    "The likelihood with indicators",
    r"\mathcal{L} = \prod_i p_{1i}^{\mathbb{1}_1(y_i)} p_{2i}^{\mathbb{1}_2(y_i)}",
    "As printed.",
    "Its logarithm is the printed NLL of two classes, with the sign changed.",
    (
        Equation(
            log(product(i, p1[i] ** y[i] * p2[i] ** (1 - y[i]))),
            -softmax.NLL2,
        ),
    ),
    (softmax.likelihood, softmax.nll),
    CONFIRMED,
)

c6 = Erratum(
    "The log-softmax layer",
    r"\mathbf{z}^3 = \left( LSM_1(z^2_1, z^2_2), LSM_2(z^2_1, z^2_2) \right)",
    "As printed.",
    r"With $LSM_k = z_k - \operatorname{logsumexp}(\mathbf{z})$.",
    (Equation(log(softmax.S[a]), softmax.z[a] - softmax.lse),),
    (log_softmax.forward,),
    CONFIRMED,
)

c7 = Erratum(
    "RULE 2",
    r"\delta^l_u = \sum_v \delta^{l+1}_v \, \frac{\partial z^{l+1}_v}{\partial z^l_u}",
    "As printed.",
    r"Where $\mathbf{z}^l$ reaches the cost through $\mathbf{z}^{l+1}$ alone; here for a linear layer.",
    (
        Equation(
            D(linear.cost, linear.z[k]),
            total(u, linear.delta_out[u] * D(linear.out[u], linear.z[k])),
        ),
    ),
    (backpropagation.rule_backward, linear.backward),
    CONFIRMED,
)

c8 = Erratum(
    "Where the backward pass starts",
    r"\delta^3_u = \frac{\partial z^4}{\partial z^3_u} = \frac{\partial C}{\partial z^3_u}",
    "As printed.",
    r"It is minus the indicator of the label's class.",
    (Equation(D(nll.out, nll.z[i, u]), -Y[i, u]),),
    (backpropagation.deltas, nll.jacobian),
    CONFIRMED,
    show=(1,),
)

c9 = Erratum(
    "The gradient of class 1",
    r"\frac{\partial \operatorname{NLL}}{\partial \mathbf{w}_1} = "
    r"-\sum_i \mathbf{x}_i (y_i - p_{1i})",
    "As printed.",
    "For labels 0 and 1, where the label is the indicator of class 1.",
    (Equation(D(softmax.NLL2, w1[k]), -total(i, X[i, k] * (y[i] - p1[i]))),),
    (softmax.nll_gradient,),
    CONFIRMED,
    show=(2,),
)

c10 = Erratum(
    "Which side, which answer",
    r"h(\mathbf{w} \cdot \mathbf{x}) \ge 0.5 \text{ if } \mathbf{w} \cdot \mathbf{x} \ge 0, \quad "
    r"h(\mathbf{w} \cdot \mathbf{x}) < 0.5 \text{ if } \mathbf{w} \cdot \mathbf{x} < 0",
    "As printed.",
    r"With $r$ for a logit that is not negative and $-s$ for a negative one.",
    (
        Equation(sigma(logistic.above) - term(1) / 2, term(0), ">="),
        Equation(sigma(-logistic.below) - term(1) / 2, term(0), "<"),
    ),
    (logistic.decision_rule,),
    CONFIRMED,
    show=(0, 1),
)

c11 = Erratum(
    "Twice as many parameters",
    r"\dim (\mathbf{w}_1, \mathbf{w}_2) = 2 \dim \mathbf{w}",
    "As printed.",
    r"$K$ classes have $K n$ weights, which is $2 n$ for two. They are no more models: one vector added to "
    "the weights of every class changes nothing.",
    (Equation(total(a, total(k, term(1))), Size(W.dimensions[0]) * Size(n)),),
    (identification.translation,),
    CONFIRMED,
)

c12 = Erratum(
    "The dimensions of the layers",
    r"\mathbf{z}^1: n, \quad \mathbf{z}^2: 2, \quad \mathbf{z}^3: 2",
    "As printed.",
    r"A $K \times n$ matrix of weights takes $n$ features to $K$ logits, and the log-softmax keeps their "
    r"number; here $K = 2$.",
    (
        Construction(lambda: Whole(W) @ Whole(z1)),
        Construction(lambda: Whole(softmax.z) - Whole(softmax.S)),
    ),
    (linear.forward, log_softmax.forward),
    CONFIRMED,
)

left, middle = Array("d", (K,), "d", r"\mathbf{d}"), Array("A", (K, K), "a", r"\mathbf{A}")

c13 = Erratum(
    "The brackets do not change the product",
    r"\left( \mathbf{d}^\top \mathbf{A} \right) \mathbf{W} = \mathbf{d}^\top \left( \mathbf{A} "
    r"\mathbf{W} \right)",
    "As printed.",
    "From the left every product is a row times a matrix, from the right a matrix times a matrix.",
    (
        Equation(
            total(b, total(a, left[a] * middle[a, b]) * W[b, k]),
            total(a, left[a] * total(b, middle[a, b] * W[b, k])),
        ),
    ),
    (backpropagation.cost,),
    CONFIRMED,
)

# -- the formulas of the note, from the first to the last ------------------------------------------

NOTE = {
    "Logistic regression by maximum likelihood": (
        Line(r"w_1 x_1 + w_2 x_2 + w_0 \ge 0", (logistic.decision_rule,)),
        Line(r"w_1 x_1 + w_2 x_2 + w_0 < 0", (logistic.decision_rule,)),
        Line(
            r"y = 1 \text{ if } \mathbf{w} \cdot \mathbf{x} \ge 0, \quad "
            r"y = 0 \text{ if } \mathbf{w} \cdot \mathbf{x} < 0",
            (logistic.decision_rule, a17, b3, c10),
        ),
        Line(r"h(z) = \frac{1}{1 + e^{-z}}", (sigmoid.definition, sigmoid.limits, c1, a18, a20)),
        Line(r"z = \mathbf{w} \cdot \mathbf{x}", (logistic.likelihood,)),
        Line(
            r"y = 1 \text{ if } h(\mathbf{w} \cdot \mathbf{x}) \ge 0.5, \quad "
            r"y = 0 \text{ if } h(\mathbf{w} \cdot \mathbf{x}) < 0.5",
            (logistic.decision_rule, b19, c10),
        ),
        Line(
            r"P(y = 1 \mid \mathbf{x}) = h(\mathbf{w} \cdot \mathbf{x}), \quad "
            r"P(y = 0 \mid \mathbf{x}) = 1 - h(\mathbf{w} \cdot \mathbf{x})",
            (logistic.bernoulli, a19),
        ),
        Line(
            r"P(y \mid \mathbf{x}, \mathbf{w}) = h(\mathbf{w} \cdot \mathbf{x})^y "
            r"(1 - h(\mathbf{w} \cdot \mathbf{x}))^{(1 - y)}",
            (logistic.bernoulli, c2, a19),
        ),
        Line(
            r"P(y \mid \mathbf{x}, \mathbf{w}) = P(\{y_i\} \mid \{\mathbf{x}_i\}, \mathbf{w}) = "
            r"\prod_{y_i \in \mathcal{D}} P(y_i \mid \mathbf{x}_i, \mathbf{w}) = "
            r"\prod_{y_i \in \mathcal{D}} h(\mathbf{w} \cdot \mathbf{x}_i)^{y_i} "
            r"(1 - h(\mathbf{w} \cdot \mathbf{x}_i))^{(1 - y_i)}",
            (logistic.likelihood, a16, a19, b6),
        ),
        Line(r"P(x, y) = P(y \mid x) P(x)", (b7, b16, b17)),
        Line(r"\mathcal{L} = P(y \mid \mathbf{x}, \mathbf{w})", (logistic.likelihood, b4)),
        Line(r"\ell = \log(P(y \mid \mathbf{x}, \mathbf{w}))", (logistic.log_likelihood, b5)),
        Line(
            r"\ell = \log \mathcal{L} = \log(P(y \mid \mathbf{x}, \mathbf{w}))",
            (logistic.log_likelihood,),
        ),
        Line(
            r"\ell = \log\left( \prod_{y_i \in \mathcal{D}} "
            r"h(\mathbf{w} \cdot \mathbf{x}_i)^{y_i} "
            r"(1 - h(\mathbf{w} \cdot \mathbf{x}_i))^{(1 - y_i)} \right)",
            (logistic.log_likelihood, a16),
        ),
        Line(
            r"\ell = \sum_{y_i \in \mathcal{D}} \log\left( "
            r"h(\mathbf{w} \cdot \mathbf{x}_i)^{y_i} "
            r"(1 - h(\mathbf{w} \cdot \mathbf{x}_i))^{(1 - y_i)} \right)",
            (logistic.log_likelihood, a16),
        ),
        Line(
            r"\ell = \sum_{y_i \in \mathcal{D}} \log h(\mathbf{w} \cdot \mathbf{x}_i)^{y_i} "
            r"+ \log (1 - h(\mathbf{w} \cdot \mathbf{x}_i))^{(1 - y_i)}",
            (logistic.log_likelihood, a15),
        ),
        Line(
            r"\ell = \sum_{y_i \in \mathcal{D}} \left( y_i \log(h(\mathbf{w} \cdot \mathbf{x}_i)) "
            r"+ (1 - y_i) \log(1 - h(\mathbf{w} \cdot \mathbf{x}_i)) \right)",
            (logistic.log_likelihood, a16),
        ),
        Line(
            r"NLL = -\sum_{y_i \in \mathcal{D}} \left( y_i \log(h(\mathbf{w} \cdot \mathbf{x})) "
            r"+ (1 - y_i) \log(1 - h(\mathbf{w} \cdot \mathbf{x})) \right)",
            (logistic.nll, a3, b9),
        ),
        Line(
            r"\nabla_{\mathbf{w}} NLL = \sum_i \mathbf{x}_i^T (p_i - y_i) = "
            r"\mathbf{X}^T \cdot (\mathbf{p} - \mathbf{w})",
            (logistic.nll_gradient, a1, a2),
        ),
        Line(
            r"H = \mathbf{X}^T diag(p_i (1 - p_i)) \mathbf{X}",
            (logistic.nll_hessian, c3, b1, b2),
        ),
    ),
    "Softmax formulation": (
        Line(r"p_{1i} = p_i; \quad p_{2i} = 1 - p_i", (softmax.two_class, b10)),
        Line(
            r"p_{1i} = \frac{e^{\mathbf{w}_1 \cdot \mathbf{x}}}"
            r"{e^{\mathbf{w}_1 \cdot \mathbf{x}} + e^{\mathbf{w}_2 \cdot \mathbf{x}}}",
            (softmax.definition, softmax.two_class, c4, a3),
        ),
        Line(
            r"p_{2i} = \frac{e^{\mathbf{w}_2 \cdot \mathbf{x}}}"
            r"{e^{\mathbf{w}_1 \cdot \mathbf{x}} + e^{\mathbf{w}_2 \cdot \mathbf{x}}}",
            (softmax.definition, softmax.two_class, a3, b8),
        ),
        Line(
            r"\dim (\mathbf{w}_1, \mathbf{w}_2) = 2 \dim \mathbf{w}",
            (identification.translation, c11),
        ),
        Line(
            r"\mathcal{L} = \prod_i p_{1i}^{\mathbb{1}_1(y_i)} p_{2i}^{\mathbb{1}_2(y_i)}",
            (softmax.likelihood, c5),
        ),
        Line(
            r"NLL = -\sum_i \left( \mathbb{1}_1(y_i) \log(p_{1i}) "
            r"+ \mathbb{1}_2(y_i) \log(p_{2i}) \right)",
            (softmax.nll, c5),
        ),
        Line(
            r"\frac{\partial NLL}{\partial \mathbf{w}_1} = -\sum_i \mathbf{x}_i (y_i - p_{1i})",
            (softmax.nll_gradient, c9),
        ),
        Line(
            r"\frac{\partial NLL}{\partial \mathbf{w}_2} = -\sum_i \mathbf{x}_i (y_i - p_{2i})",
            (softmax.nll_gradient, a4),
        ),
    ),
    "Layer structure": (
        Line(
            r"NLL = -\sum_i \left( \mathbb{1}_1(y_i) \log(SM_1(\mathbf{w}_1 \cdot \mathbf{x}, "
            r"\mathbf{w}_2 \cdot \mathbf{x})) + \mathbb{1}_2(y_i) \log(SM_2(\mathbf{w}_1 \cdot "
            r"\mathbf{x}, \mathbf{w}_2 \cdot \mathbf{x})) \right)",
            (softmax.nll, a3, a5),
        ),
        Line(
            r"NLL = -\sum_i \left( \mathbb{1}_1(y_i) LSM_1(\mathbf{w}_1 \cdot \mathbf{x}, "
            r"\mathbf{w}_2 \cdot \mathbf{x}) + \mathbb{1}_2(y_i) LSM_2(\mathbf{w}_1 \cdot "
            r"\mathbf{x}, \mathbf{w}_2 \cdot \mathbf{x}) \right)",
            (softmax.nll, a3, a5),
        ),
        Line(
            r"SM_1 = \frac{e^{\mathbf{w}_1 \cdot \mathbf{x}}}"
            r"{e^{\mathbf{w}_1 \cdot \mathbf{x}} + e^{\mathbf{w}_2 \cdot \mathbf{x}}}",
            (softmax.definition, a5),
        ),
        Line(r"\mathbf{z}^1 = \mathbf{x}_i", (backpropagation.layer_stack, c12)),
        Line(
            r"\mathbf{z}^2 = (z^2_1, z^2_2) = (\mathbf{w}_1 \cdot \mathbf{x}_i, "
            r"\mathbf{w}_2 \cdot \mathbf{x}_i) = (\mathbf{w}_1 \cdot \mathbf{z}^1_i, "
            r"\mathbf{w}_2 \cdot \mathbf{z}^1_i)",
            (linear.forward, a9, c12),
        ),
        Line(
            r"\mathbf{z}^3 = (z^3_1, z^3_2) = \left( LSM_1(z^2_1, z^2_2), "
            r"LSM_2(z^2_1, z^2_2) \right)",
            (log_softmax.forward, c6, c12),
        ),
        Line(
            r"z^4 = NLL(\mathbf{z}^3) = NLL(z^3_1, z^3_2) = -\sum_i \left( "
            r"\mathbb{1}_1(y_i) z^3_1(i) + \mathbb{1}_2(y_i) z^3_1(i) \right)",
            (nll.forward, backpropagation.layer_stack, a8),
        ),
    ),
    "Reverse mode differentiation": (
        Line(
            r"Cost = f^{Loss}(\mathbf{f}^3(\mathbf{f}^2(\mathbf{f}^1(\mathbf{x}))))",
            (backpropagation.layer_stack, a12),
        ),
        Line(
            r"\nabla_{\mathbf{x}} Cost = \frac{\partial f^{Loss}}{\partial \mathbf{f}^3} \, "
            r"\frac{\partial \mathbf{f}^3}{\partial \mathbf{f}^2} \, "
            r"\frac{\partial \mathbf{f}^2}{\partial \mathbf{f}^1} "
            r"\frac{\partial \mathbf{f}^1}{\partial \mathbf{x}}",
            (backpropagation.composition_is_a_layer, backpropagation.equals_direct, a11),
        ),
        Line(
            r"\nabla_{\mathbf{x}} Cost = \left( \left( \left( "
            r"\frac{\partial f^{Loss}}{\partial \mathbf{f}^3} \, "
            r"\frac{\partial \mathbf{f}^3}{\partial \mathbf{f}^2} \right) \, "
            r"\frac{\partial \mathbf{f}^2}{\partial \mathbf{f}^1} \right) \, "
            r"\frac{\partial \mathbf{f}^1}{\partial \mathbf{x}} \right)",
            (backpropagation.cost, a11, b12, b15, c13),
        ),
    ),
    "Backpropagation": (
        Line(
            r"\mathbf{z}^{l+1} = \mathbf{f}^l(\mathbf{z}^l)",
            (backpropagation.rule_forward, a12, a14),
        ),
        Line(
            r"\boldsymbol{\delta}^l = \frac{\partial C}{\partial \mathbf{z}^l}",
            (backpropagation.rule_backward, backpropagation.deltas),
        ),
        Line(
            r"\delta^l_u = \frac{\partial C}{\partial z^l_u}",
            (backpropagation.rule_backward, backpropagation.deltas),
        ),
        Line(
            r"\delta^l_u = \frac{\partial C}{\partial z^l_u} = \sum_v "
            r"\frac{\partial C}{\partial z^{l+1}_v} \, "
            r"\frac{\partial z^{l+1}_v}{\partial z^l_u} = \sum_v \delta^{l+1}_v \, "
            r"\frac{\partial z^{l+1}_v}{\partial z^l_u}",
            (backpropagation.rule_backward, backpropagation.deltas, c7, b11),
        ),
        Line(
            r"\delta^3_u = \frac{\partial z^4}{\partial z^3_u} = "
            r"\frac{\partial C}{\partial z^3_u}",
            (backpropagation.deltas, nll.backward, c8),
        ),
        Line(
            r"\frac{\partial C}{\partial \theta^l} = \sum_u "
            r"\frac{\partial C}{\partial z^{l+1}_u} \, "
            r"\frac{\partial z^{l+1}_u}{\partial \theta^l} = \sum_u \delta^{l+1}_u "
            r"\frac{\partial z^{l+1}_u}{\partial \theta^l}",
            (backpropagation.rule_parameters, a10, a13, b13, b14),
        ),
    ),
    "Coding a layer": (
        Line(
            r"\mathbf{z}^{l+1}, \quad \boldsymbol{\delta}^l, \quad "
            r"\frac{\partial C}{\partial \theta^l}",
            (
                backpropagation.rule_forward,
                backpropagation.rule_backward,
                backpropagation.rule_parameters,
                backpropagation.composition_is_a_layer,
            ),
        ),
    ),
}

# -- trying all of it ------------------------------------------------------------------------------


def errata() -> dict[str, Erratum]:
    """Return every row by its name, in order."""
    rows = {name: value for name, value in globals().items() if isinstance(value, Erratum)}
    return dict(sorted(rows.items(), key=lambda item: (item[0][0], int(item[0][1:]))))


def reports(verified: Verifier = freshly) -> dict[str, Report]:
    """Return what the check of every row finds."""
    return {name: check(erratum, verified) for name, erratum in errata().items()}


def data(found: Mapping[str, Report]) -> list[dict[str, object]]:
    """Return every row with what its check found, as plain data."""
    ids = {id(statement): name for name, statement in statements().items()}
    return [as_data(name, erratum, found[name], ids) for name, erratum in errata().items()]


def note() -> list[dict[str, object]]:
    """Return the formulas of the note, part by part, with what deals with each, as plain data."""
    ids = {id(statement): name for name, statement in statements().items()}
    rows = {id(erratum): name for name, erratum in errata().items()}
    return [
        {
            "title": title,
            "lines": [
                {
                    "printed": line.printed,
                    "statements": [ids[id(h)] for h in line.here if isinstance(h, Statement)],
                    "errata": [rows[id(h)] for h in line.here if isinstance(h, Erratum)],
                }
                for line in lines
            ],
        }
        for title, lines in NOTE.items()
    ]


def main() -> int:
    """Print every row with its verdicts; with ``--out DIR`` write errata.json there too."""
    parser = argparse.ArgumentParser(prog="python -m derivations.note.errata", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="DIR", help="also write errata.json there")
    options = parser.parse_args()
    from derivations.__main__ import BUILD, guarded

    def run() -> int:
        found = reports(from_ledger(BUILD / "ledger.json"))
        ids = {id(statement): name for name, statement in statements().items()}
        for name, erratum in errata().items():
            for text in in_words(name, erratum, found[name], ids):
                print(text)
        counts = Counter(report.printed for report in found.values())
        print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
        if wrong := [name for name, report in found.items() if not report.as_stated]:
            print(f"not as stated: {', '.join(wrong)}")
        if options.out:
            document = {"errata": data(found), "note": note()}
            path = options.out / "errata.json"
            ledger.write(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
            os.utime(path)  # it is about the formulas of now, changed or not
        return int(bool(wrong))

    return guarded(run)


if __name__ == "__main__":
    raise SystemExit(main())
