"""Random statements of every kind that the language has: true ones, near-misses, and any."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import brute_force
from mpmath import mp, mpf
from random_terms import PHI, SLIGHTLY, Q, V, Writer, e, g, logistic, mutations, q, r, rewritten

from derivations.language import matrices, terms as t
from derivations.language.matrices import (
    Diagonal,
    Gradient,
    Hessian,
    Kronecker,
    Matrix,
    Ones,
    Total,
    Whole,
)
from derivations.language.statement import DIFFERENTIATE, Chain, Hypothesis, Statement, Step
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Each,
    Limit,
    Size,
    Term,
    absolute,
    exp,
    expectation,
    log,
    maximum,
    minimum,
    product,
    scalar,
    total,
)
from derivations.notation import K, N, X, a, b, c, i, j, k, l, m, n, v, w, y

x, s, u = scalar("x"), scalar("t"), scalar("u")
rho = scalar("rho", domain="positive")
G, P = Array("G", (n, n)), Array("P", (K, K))
chance, shares = Array("h", (N,), domain="unit"), Array("f", (K,), domain="positive")
psi, chi = t.unknown("psi"), t.unknown("chi", smooth=1)
half = Fraction(1, 2)
Z = Array("Z", (K,))
softmax = Definition("softmax", (Z, a), exp(Z[a]) / total(b, exp(Z[b])))
reach = Definition("reach", (k, l), w[k] * v[l] + total(m, w[m] * G[m, l]))


@dataclass(frozen=True)
class Case:
    """A claim; ``variant`` is how it was made: true, a near-miss, or any."""

    kind: str
    variant: str
    left: Term | Matrix
    right: Term | Matrix
    relation: str = "="
    given: tuple[Hypothesis, ...] = ()

    @property
    def statement(self) -> Statement:
        right = self.right
        free = brute_force.free(self.term(self.left), self.term(right))
        at = self.at if isinstance(right, Matrix) else tuple(free)
        chain = Chain(
            self.term(self.left), (Step(right, DIFFERENTIATE, relation=self.relation),), at
        )
        return Statement("random", "", (chain,), self.given)

    @property
    def at(self) -> tuple[t.Index, ...]:
        """Fresh letters for the rows and the columns of a matrix."""
        taken = used(self.left) | used(self.right)
        found: list[t.Index] = []
        for dimension in sides(self.left):
            found.append(dimension.fresh(frozenset(taken.union(found))))
        return tuple(found)

    def term(self, side: Term | Matrix) -> Term:
        return matrices.entry(side, self.at) if isinstance(side, Matrix) else side


def sides(matrix: Matrix) -> list[t.Dimension]:
    """The dimensions that an entry of a matrix has an index for; a pair has two."""
    if isinstance(matrix, Kronecker):
        (a, b), (c, d) = matrices.shape(matrix.left), matrices.shape(matrix.right)
        return [a, c, b, d]
    if isinstance(matrix, Total):
        return sides(matrix.inner)
    if isinstance(matrix, Hessian) and len(matrix.by.dimensions) == 2:
        return [*matrix.by.dimensions, *matrix.by.dimensions]
    return [d for d in matrices.shape(matrix) if d != matrices.ONE]


def used(part: object) -> frozenset[t.Index]:
    """Every index in a term or a matrix."""
    if isinstance(part, Term):
        return t.all_indices(t.unfold(part))
    if isinstance(part, Matrix):
        return frozenset({p for p in vars(part).values() if isinstance(p, t.Index)}).union(
            *(used(p) for value in vars(part).values() for p in
              (value if isinstance(value, tuple) else (value,)))
        )  # fmt: skip
    return frozenset({part}) if isinstance(part, t.Index) else frozenset()


# -- true claims, each with wrong ones like it -----------------------------------------------------

Made = tuple[Case, list[Case]]


def made(kind: str, left, right, *wrong, relation: str = "=", given=(), worse=()) -> Made:
    """A true claim; wrong right-hand sides; ``worse`` are other hypotheses."""
    true = Case(kind, "true", left, as_side(right), relation, tuple(given))
    near = [replace(true, variant="near", right=as_side(other)) for other in wrong]
    near += [replace(true, variant="near", given=tuple(other)) for other in worse]
    return true, near


def as_side(value):
    return value if isinstance(value, Matrix) else t.term(value)


def assume(*pairs, apart=()) -> tuple[Hypothesis, ...]:
    return (Hypothesis("as said", signs=pairs, distinct=tuple(apart)),)


def tie(pattern, body) -> tuple[Hypothesis, ...]:
    return (Hypothesis("tied", replace=((pattern, body),)),)


def rewriting(s: Writer) -> Made:
    first = s.real(s.source.choice((2, 2, 3)))
    return made("rewriting", first, rewritten(first, s, s.source.randint(1, 3)))


def nested(s: Writer) -> Made:
    """Sums in sums over one size, under letters that stand outside as well."""
    one, other = s.real(1, (a, b)), s.real(1, (b, c))
    one, other = (t.rename_bound(p, frozenset((a, b, c))) for p in (one, other))
    both = total(a, total(b, one * other))
    turned = total(b, total(a, one * other))
    apart = t.reindex(total(b, one), {a: c})
    return s.source.choice((
        made("nested sums", both, turned, total(a, one) * total(b, other)),
        made("nested sums", total(a, one) * total(b, other),
             total(c, t.reindex(t.rename_bound(one, frozenset({c})), {a: c})
                   * t.rename_bound(total(b, other), frozenset({c}))) if c not in
             t.free_indices(total(b, other)) | t.free_indices(one) else
             total(b, other) * total(a, one), both),
        made("nested sums", t.reindex(total(b, one), {a: c}), apart, t.reindex(total(a, one), {b: c})),
        made("nested sums", total(k, w[k] * exp(total(l, G[k, l] * v[l]))),
             total(l, w[l] * exp(total(k, G[l, k] * v[k]))),
             total(k, w[k] * exp(total(l, G[l, k] * v[l])))),
        made("nested sums", total(a, total(b, total(c, Q[a, b] * P[b, c] * Q[c, a]))),
             total(b, total(c, total(a, P[a, b] * Q[b, c] * Q[c, a]))),
             total(a, total(b, total(c, Q[a, b] * Q[b, c] * P[a, c])))),
    ))  # fmt: skip


def captured(s: Writer) -> Made:
    """What binders in definitions must not capture."""
    p, z, factor = s.source.randint(1, 3), s.source.randint(1, 2), s.positive(1)
    factor = 2 if t.depends_on(factor, x.array) or t.free_indices(factor) else factor
    moved = Definition("moved", (u,), D(factor * x**p * u**z, x))
    argument = s.source.choice((x, 2 * x, x**2, x + s.real(0), rho * x, exp(x), w[k] * x))
    summed = Definition("summed", (u,), total(k, w[k] * u + v[k]))
    entry = s.source.choice((w[k], v[k] * w[l], w[k] ** 2, G[k, l]))
    end = s.source.choice((1, -1))
    tail = exp(-rho * x) / (1 + exp(-rho * x))
    taken = Definition("taken", (u,), Limit(u**z * tail + u, x, end))
    spread = Definition("spread", (u,), product(k, 1 + (w[k] * u) ** 2))
    letter = s.source.choice((a, b, c))
    row = Each((letter,), q[letter] + Q[c, letter]) if letter != c else Each((b,), q[b] + Q[c, b])
    return s.source.choice((
        made("capture", moved(argument), factor * p * x ** (p - 1) * argument**z,
             D(factor * x**p * argument**z, x)),
        made("capture", summed(entry), total(m, w[m]) * entry + total(m, v[m]),
             total(m, w[m] * t.reindex(entry, {k: m}) + v[m])),
        made("capture", taken(argument), argument if end == 1 else argument**z + argument,
             argument - argument, 1, Limit(argument**z * tail + argument, x, end)),
        made("capture", reach[l, k], w[l] * v[k] + total(m, w[m] * G[m, k]),
             w[k] * v[l] + total(m, w[m] * G[m, l]), w[l] * v[k] + total(m, w[m] * G[m, l])),
        made("capture", reach[m, m], w[m] * v[m] + total(k, w[k] * G[k, m]),
             w[m] * v[m] + total(k, w[k] * G[k, k])),
        made("capture", spread(v[k]), product(l, 1 + (w[l] * v[k]) ** 2),
             product(l, 1 + (w[l] * v[l]) ** 2)),
        made("capture", softmax(row)[a], exp(q[a] + Q[c, a]) / total(b, exp(q[b] + Q[c, b])),
             exp(q[a] + Q[c, a]) / total(b, exp(q[b] + Q[b, b])),
             exp(q[a] + Q[a, a]) / total(b, exp(q[b] + Q[c, b]))),
        made("capture", total(a, softmax(Each((b,), q[b] + Q[a, b]))[a]),
             total(c, exp(q[c] + Q[c, c]) / total(b, exp(q[b] + Q[c, b]))), 1),
        made("capture", D(softmax(q)[a], q[b]), softmax(q)[a] * (Delta(a, b) - softmax(q)[b]),
             softmax(q)[a] * (1 - softmax(q)[b]), softmax(q)[a] * Delta(a, b)),
    ))  # fmt: skip


def kinked(s: Writer) -> Made:
    A, B, R = s.real(1), s.real(1), s.positive(1)
    strict, weak = s.source.choice((("positive", "nonnegative"), ("negative", "nonpositive")))
    up = 1 if strict == "positive" else -1
    held, loose = assume((w[k], strict)), assume((w[k], weak))
    apart, touching = assume((x - u, strict)), assume((x - u, weak))
    first, second = (x, u) if up == 1 else (u, x)
    return s.source.choice((
        made("kink", maximum(A, B) + minimum(A, B), A + B, 2 * A, A - B),
        made("kink", maximum(A, B) - minimum(A, B), absolute(A - B), A - B, absolute(A + B)),
        made("kink", absolute(A * B), absolute(A) * absolute(B), A * absolute(B), A * B),
        made("kink", absolute(A) ** 2, A**2, absolute(A)),
        made("kink", absolute(A) ** 3, absolute(A) * A**2, A**3),
        made("kink", (A**2) ** half, absolute(A), A, -A),
        made("kink", maximum(A, -A), absolute(A), A),
        made("kink", absolute(R * A), R * absolute(A), R * A),
        made("kink", maximum(R * A, R * B), R * maximum(A, B), R * minimum(A, B), R * A),
        made("kink", total(k, absolute(r[k] * w[k])), total(k, r[k] * absolute(w[k])),
             absolute(total(k, r[k] * w[k])), total(k, r[k] * w[k])),
        made("kink", absolute(w[k]), up * w[k], -up * w[k], given=held, worse=((),)),
        made("kink", absolute(w[k]), up * w[k], given=loose,
             worse=((), assume((v[k], strict)))),
        made("kink", absolute(G[k, l]), up * G[k, l], given=assume((G[k, l], weak)),
             worse=(assume((G[k, k], weak)), assume((G[l, l], strict)))),
        made("kink", total(l, absolute(w[l])), up * total(l, w[l]), given=loose,
             worse=((), assume((w[k] * x, weak)))),
        made("kink", w[k] + total(l, absolute(w[l])) - w[k], total(l, absolute(w[l])),
             up * total(l, w[l]), given=held),
        made("kink", D(maximum(up * w[k], 0), w[k]), up, given=held, worse=(loose, ())),
        made("kink", D(total(k, absolute(w[k])), w[l]), up, given=held, worse=(loose, ())),
        made("kink", maximum(x, u), first, second, given=touching, worse=((),)),
        made("kink", D(maximum(x, u), x), 1 if up == 1 else 0, given=apart, worse=(touching, ())),
        made("kink", D(absolute(x**2 + R) if not t.depends_on(R, x.array) else x**2, x), 2 * x, x),
        made("kink", logistic(absolute(A)) + logistic(-absolute(A)), 1, 2 * logistic(absolute(A))),
    ))  # fmt: skip


def patterned(s: Writer) -> Made:
    """Hypotheses, by pattern, and what does and does not follow."""
    strict, weak, up, down = s.source.choice((
        ("positive", "nonnegative", ">", ">="), ("negative", "nonpositive", "<", "<=")
    ))  # fmt: skip
    A, R = s.real(1), s.positive(1)
    tied = tie(shares[a], shares[a] / total(b, shares[b]))
    found = [
        made("hypothesis", total(a, Q[a, a]), 0, relation=up, given=assume((Q[b, b], strict)),
             worse=(assume((Q[b, b], weak)), assume((Q[a, c] * x, strict)), ())),
        made("hypothesis", Q[b, b] * R, 0, relation=up, given=assume((Q[a, a], strict)),
             worse=(assume((Q[a, a], weak)), assume((q[a], strict)))),
        made("hypothesis", total(k, total(l, G[k, l] * r[k])), 0, relation=down,
             given=assume((G[k, l], weak)), worse=(assume((G[k, k], strict)),)),
        made("hypothesis", (q[a] - q[b]) * R, 0, relation=up,
             given=assume((q[a] - q[b], strict)),
             worse=(assume((q[b] - q[a], strict)), assume((q[a] - q[b], weak)))),
        made("hypothesis", q[a] - q[b], 0, relation=up, given=assume((q[a] - q[b], strict)),
             worse=(assume((q[a], strict)),)),
        made("hypothesis", Delta(i, j) * A, 0, A, given=assume(apart=((i, j),)),
             worse=((), assume(apart=((a, b),)))),
        made("hypothesis", total(j, Delta(i, j) * y[j]), y[i], 0, given=assume(apart=((i, j),))),
        made("hypothesis", exp(log(w[k] ** 2) / 2), w[k] if strict == "positive" else -w[k],
             given=assume((w[k], strict)), worse=((), assume((v[k], strict)))),
        made("hypothesis", (w[k] ** 2) ** half, w[k] if strict == "positive" else -w[k],
             given=assume((w[k], weak)), worse=((), assume((w[k] ** 2, "nonnegative")))),
        made("hypothesis", total(a, shares[a]), 1, 2, total(a, shares[a] ** 2), given=tied,
             worse=((), tie(shares[a], shares[a] / shares[a] * 2))),
        made("hypothesis", u * A, x**2 * A, x * A, given=tie(u, x**2), worse=((), tie(x, u**2))),
        made("hypothesis", D(x * s_free(A), x), s_free(A), D(u * x, x), 2 * x + 1, given=tie(u, x)),
        made("hypothesis", D(u * x, x), u, 2 * x, given=(), worse=(tie(u, x),)),
        made("hypothesis", total(b, exp(q[a]) - exp(q[b])) * 0, 0,
             total(b, exp(q[a]) - exp(q[b])), given=assume((q[a] - q[b], strict))),
        made("hypothesis", total(l, w[l] * r[l]), 0, relation=up, given=assume((w[k], strict)),
             worse=(assume((w[k], weak)), ())),
        made("hypothesis", w[k] + total(l, w[l] * r[l]), 0, relation=up,
             given=assume((w[l], strict)), worse=(assume((w[k], strict)),)),
    ]  # fmt: skip
    return s.source.choice(found)


def s_free(node: Term) -> Term:
    """A term in which neither x nor u stands, or a number."""
    return t.term(3) if any(t.depends_on(node, z.array) for z in (x, u)) else node


def matrix(s: Writer, rows: t.Dimension, columns: t.Dimension, depth: int) -> Matrix:
    """A random matrix of a shape."""
    known = {
        (N, n): [Whole(X)], (K, K): [Whole(Q), Whole(P), Diagonal(Whole(q)), Diagonal(Whole(e))],
        (K, n): [Whole(V)], (n, n): [Whole(G), Diagonal(Whole(w))],
        (n, matrices.ONE): [Whole(w), Whole(v), Whole(r), Ones(n)],
        (K, matrices.ONE): [Whole(q), Whole(e), Ones(K)], (N, matrices.ONE): [Whole(g), Ones(N)],
    }  # fmt: skip
    straight, turned = known.get((rows, columns), []), known.get((columns, rows), [])
    choices = [*straight, *(part.T for part in turned)]
    if not depth and choices:
        return s.source.choice(choices)

    def less(rows: t.Dimension, columns: t.Dimension) -> Matrix:
        return matrix(s, rows, columns, max(depth - 1, 0))

    inner = s.source.choice((N, K, n)) if depth else n
    match s.source.randrange(6) if depth else 0:
        case 0 | 1:
            return less(rows, inner) @ less(inner, columns)
        case 2:
            return less(rows, columns) + less(rows, columns)
        case 3:
            return less(rows, columns) * less(rows, columns)
        case 4:
            return less(columns, rows).T
    return s.real(0) * less(rows, columns)


def of_matrices(s: Writer) -> Made:
    one, other, third = (s.source.choice((N, K, n)) for _ in range(3))
    A, B, C = matrix(s, one, other, 1), matrix(s, other, third, 1), matrix(s, one, other, 0)
    S, T, U = (matrix(s, K, K, d) for d in (1, 0, 1))
    z, z2 = s.real(1), Whole(w).T @ Whole(G)
    quadratic = matrices.Scalar(Whole(w).T @ Whole(G) @ Whole(w))
    column = matrix(s, K, matrices.ONE, 1)
    letter = K.fresh(used(A))
    free = z if not t.free_indices(z) else rho
    return s.source.choice((
        made("matrix", (A @ B).T, B.T @ A.T, *([A.T @ B.T] if other == one == third else [])),
        made("matrix", (A + C) @ B, A @ B + C @ B, A @ B - C @ B, A @ B),
        made("matrix", A - C, -(C - A), C - A),
        made("matrix", A * C, C * A, A + C, A * A),
        made("matrix", (A * C).T, A.T * C.T, A.T + C.T),
        made("matrix", (S @ T) @ U, S @ (T @ U), T @ S @ U, S.T @ T @ U, U @ T @ S),
        made("matrix", free * (A @ B), (free * A) @ B, A @ B),
        made("matrix", Diagonal(Whole(q)) @ S, (Whole(q) @ Ones(K).T) * S, S @ Diagonal(Whole(q)),
             (Ones(K) @ Whole(q).T) * S),
        made("matrix", Diagonal(column).T, Diagonal(column), column @ Ones(K).T),
        made("matrix", S @ S.T, (S @ S.T).T, S.T @ S),
        made("matrix", Kronecker(A, S), Kronecker(A.T.T, S), Kronecker(C, S), Kronecker(A, S.T)),
        made("matrix", Kronecker(S @ T, U), Kronecker((T.T @ S.T).T, U), Kronecker(U, S @ T),
             Kronecker(T @ S, U)),
        made("matrix", Total(letter, q[letter] * A), total(b, q[b]) * A, q[b] * A),
        made("matrix", Gradient(quadratic, w), (Whole(G) + Whole(G).T) @ Whole(w),
             2 * (Whole(G) @ Whole(w)), Whole(G) @ Whole(w), z2.T),
        made("matrix", Hessian(quadratic, w), Whole(G) + Whole(G).T, 2 * Whole(G), Whole(G)),
        made("matrix", Gradient(matrices.Scalar(Whole(q).T @ Whole(V) @ Whole(w)), V),
             Whole(q) @ Whole(w).T, Whole(q) @ Whole(v).T, Whole(e) @ Whole(w).T),
        made("matrix", Hessian(total(k, total(a, V[a, k] * w[k] * q[a]) ** 2), V),
             Kronecker(Whole(q) @ Whole(q).T, 2 * Diagonal(Whole(w) * Whole(w))),
             Kronecker(Whole(q) @ Whole(q).T, Diagonal(Whole(w) * Whole(w))),
             Kronecker(Whole(q) @ Whole(q).T, 2 * (Whole(w) @ Whole(w).T)),
             Kronecker(Diagonal(Whole(q) * Whole(q)), 2 * Diagonal(Whole(w) * Whole(w)))),
    ))  # fmt: skip


def inequality(s: Writer) -> Made:
    A, B, R = s.real(1), s.real(1), s.positive(1)
    p = logistic(A)
    left, relation, wrong = s.source.choice((
        (A**2 + R, ">", (A**2 - R, A + R)),
        ((A - B) ** 2, ">=", (A - B, A**2 - B**2, -((A - B) ** 2))),
        (A**2 + B**2 - 2 * A * B, ">=", (A**2 + B**2 - 3 * A * B, A**2 - 2 * A * B)),
        (exp(A) - 1 - A, ">=", (exp(A) - 1 - 2 * A, exp(A) - 2 - A, exp(-A) - 1 - A)),
        (absolute(A) + absolute(B) - absolute(A + B), ">=",
         (absolute(A + B) - absolute(A) - absolute(B), absolute(A) - absolute(B))),
        (log(1 + R), ">", (log(R), log(1 - R), log(R - 1))),
        (total(k, X[i, k] ** 2 * r[k]), ">=", (total(k, X[i, k] * r[k]), X[i, k] * X[i, l])),
        (p * (1 - p), ">", (p * (1 - 2 * p), p - 1)),
        (1 - softmax(q)[a], ">=", (1 - 2 * softmax(q)[a], softmax(q)[a] - 1)),
        (Size(K) * R - R, ">=", (Size(K) * R - 2 * R, R - Size(K) * R)),
        (A**2 + A + 1, ">", (A**2 + A, A**2 + 3 * A + 1, A**2 + A - 1)),
        (maximum(A, B) - A, ">=", (minimum(A, B) - A, maximum(A, B) - absolute(A))),
        (total(k, w[k] ** 2) * total(k, v[k] ** 2) - total(k, w[k] * v[k]) ** 2, ">=",
         (total(k, w[k] * v[k]) ** 2 - total(k, w[k] ** 2 * v[k] ** 2),
          total(k, w[k] * v[k]) ** 2 - total(k, w[k] ** 2) * total(k, v[k] ** 2))),
        (Size(n) * total(k, w[k] ** 2) - total(k, w[k]) ** 2, ">=",
         (total(k, w[k] ** 2) - total(k, w[k]) ** 2,
          total(k, w[k]) ** 2 - Size(n) * total(k, w[k] ** 2))),
        (product(k, 1 + w[k] ** 2), ">", (product(k, w[k] ** 2), product(k, 1 + w[k]))),
        (R / (1 + R), ">", (A / R, R / (1 - R), 1 / (R - R))),
        (absolute(A) / R, ">=", (absolute(1 / A), A / R)),
        (log(1 + exp(A)) - A, ">", (log(1 + exp(A)) - A - 1, log(exp(A) - 1) - A)),
    ))  # fmt: skip
    true, _ = made("inequality", left, 0, relation=relation)
    near = [replace(true, variant="near", left=other) for other in wrong]
    near += [replace(true, variant="near", relation=o) for o in (">", "<", "<=") if o != relation]
    return true, near


def powers(s: Writer) -> Made:
    A, B, R, T = s.real(1), s.real(1), s.positive(1), s.positive(1)
    p, o = (
        s.source.choice((half, Fraction(1, 3), Fraction(-2), Fraction(3, 2))),
        s.source.choice((2, 3)),
    )
    return s.source.choice((
        made("power", log(R * T), log(R) + log(T), log(R) * log(T), log(R) - log(T)),
        made("power", log(R / T), log(R) - log(T), log(R) / log(T), log(R - T)),
        made("power", log(A**2 * R), log(A**2 * T) + log(R / T), 2 * log(A) + log(R), 2 * log(A * R)),
        made("power", exp(log(R) + A), R * exp(A), R + exp(A), exp(log(A) + R)),
        made("power", exp(A * log(R)), R**A, A**R, exp(A) * R),
        made("power", (R**p) ** o, R ** (p * o), R ** (p + o)),
        made("power", R**A * R**B, R ** (A + B), R ** (A * B)),
        made("power", (R * T) ** p, R**p * T**p, R**p + T**p, (A * B) ** p),
        made("power", (A**2) ** Fraction(3, 2), absolute(A) ** 3, A**3, (A**3) ** 1),
        made("power", (A**4) ** half, A**2, -(A**2), absolute(A)),
        made("power", (A / R) / (T / R), A / T, A * T, A / (T * R**2)),
        made("power", 1 / (1 / R + 1 / T), R * T / (R + T), R + T),
        made("power", (A + B) ** o, (B + A) * (A + B) ** (o - 1), A**o + B**o),
        made("power", D(R**p, x), p * R ** (p - 1) * D(R, x), p * R ** (p - 1), p * R**p * D(R, x)),
        made("power", D(A / R, x), D(A, x) / R - A * D(R, x) / R**2, D(A, x) / D(R, x),
             D(A, x) / R - A / R**2),
        made("power", log(product(k, r[k] * e_like(k))), total(k, log(r[k]) + log(e_like(k))),
             log(total(k, r[k] * e_like(k)))),
        made("power", product(k, exp(w[k]) * r[k]), exp(total(k, w[k])) * product(k, r[k]),
             exp(product(k, w[k])) * product(k, r[k])),
        made("power", (R**half) * (R**half), R, R**2, (A**half) ** 2),
    ))  # fmt: skip


def e_like(index: t.Index) -> Term:
    return 1 + v[index] ** 2


def deltas(s: Writer) -> Made:
    A = t.rename_bound(s.real(1, (a, b)), frozenset((a, b, c)))
    to_a = t.reindex(A, {b: a})
    outer = s.source.choice(((N, i, j), (K, a, b), (n, k, l)))
    _, one, other = outer
    return s.source.choice((
        made("delta", total(b, Delta(a, b) * A), to_a, A, total(b, A)),
        made("delta", Delta(a, b) * A, Delta(a, b) * to_a, A, to_a),
        made("delta", total(other, Delta(one, other)), 1, Size(one.dimension), Delta(one, other)),
        made("delta", total(other, 1 - Delta(one, other)), Size(one.dimension) - 1,
             Size(one.dimension), 1 - Size(one.dimension)),
        made("delta", Delta(one, other) ** 2, Delta(one, other), 1, 2 * Delta(one, other)),
        made("delta", Delta(a, b) * Delta(b, c), Delta(a, c) * Delta(b, c), Delta(a, c),
             Delta(a, b)),
        made("delta", total(b, (1 - Delta(a, b)) * A), total(b, A) - to_a, total(b, A),
             total(b, A) - A),
        made("delta", exp(Delta(one, other) * rho), 1 + Delta(one, other) * (exp(rho) - 1),
             exp(rho), 1 + Delta(one, other) * exp(rho)),
        made("delta", D(total(l, w[l] * G[k, l] * w[k]), w[m]),
             w[k] * G[k, m] + Delta(k, m) * total(l, w[l] * G[k, l]), w[k] * G[k, m],
             2 * w[k] * G[k, m]),
        made("delta", (1 - Delta(i, j)) * Delta(i, j), 0, Delta(i, j), 1 - Delta(i, j)),
        made("delta", total(a, total(b, Delta(a, b) * Q[a, b] * P[b, a])),
             total(c, Q[c, c] * P[c, c]), total(a, total(b, Q[a, b] * P[b, a]))),
    ))  # fmt: skip


def expectations(s: Writer) -> Made:
    def without_labels(node: Term) -> Term:
        return t.term(2) if t.depends_on(node, y) or t.bound_indices(node) else node

    A, B, C = (without_labels(s.real(1)) for _ in range(3))
    p, apart = chance[i], assume(apart=((i, j),))

    def over(body: Term) -> Term:
        return expectation(y[i], {1: p, 0: 1 - p}, body)

    return s.source.choice((
        made("expectation", over(A + B * y[i]), A + B * p, A + B * y[i], A + B * p**2),
        made("expectation", over(A + y[i] * y[j] * C), A + p * y[j] * C, A + p * C,
             A + p * p * C, given=apart, worse=((), assume(apart=((a, b),)))),
        made("expectation", over(total(j, y[j])), p - y[i] + total(j, y[j]), total(j, y[j]),
             total(j, chance[j])),
        made("expectation", over((y[i] - p) ** 2), p * (1 - p), p**2, p),
        made("expectation", over((y[i] - p) * (y[j] - chance[j])), Delta(i, j) * p * (1 - p), 0,
             p * (1 - p)),
        made("expectation", over(exp(y[i] * rho)), 1 - p + p * exp(rho), exp(p * rho)),
        made("expectation", over(A ** 2 + y[i] ** 3), A**2 + p, A**2 + p**3, A**2),
        made("expectation", expectation(Z[a], {2: rho, -1: 1 - rho}, Z[a] * Z[b] + x),
             (1 - Delta(a, b)) * (3 * rho - 1) * Z[b] + Delta(a, b) * (3 * rho + 1) + x,
             (3 * rho - 1) * Z[b] + x),
    ))  # fmt: skip


def unknowns(s: Writer) -> Made:
    A = s.real(1)
    f, other = s.source.choice(((PHI, psi), (psi, PHI), (chi, psi)))
    twice = f if f is not chi else PHI
    return s.source.choice((
        made("unknown function", D(f(A), x), f.prime(A) * D(A, x), f.prime(A), f(A) * D(A, x),
             other.prime(A) * D(A, x)),
        made("unknown function", f(A) + other(A), other(A) + f(A), 2 * f(A), f(A + A)),
        made("unknown function", D(total(k, f(w[k] * r[k])), w[l]), f.prime(w[l] * r[l]) * r[l],
             f.prime(w[l] * r[l]), total(k, f.prime(w[k] * r[k]) * r[k])),
        made("unknown function", D(f(other(x)), x), f.prime(other(x)) * other.prime(x),
             f.prime(other(x)), f.prime(other.prime(x))),
        made("unknown function", D(D(twice(x**2), x), x),
             2 * twice.prime(x**2) + 4 * x**2 * twice.prime.prime(x**2),
             2 * twice.prime(x**2), 2 * x * twice.prime.prime(x**2)),
        made("unknown function", D(f(x) * other(A), x),
             f.prime(x) * other(A) + f(x) * D(other(A), x), f.prime(x) * other(A),
             f.prime(x) * other.prime(A)),
        made("unknown function", f(q[a]) * Delta(a, b), f(q[b]) * Delta(a, b), f(q[b])),
        made("unknown function", f(total(k, w[k])), f(total(l, w[l])), total(k, f(w[k]))),
    ))  # fmt: skip


FAMILIES: tuple[Callable[[Writer], Made], ...] = (
    rewriting, nested, captured, kinked, patterned, of_matrices, inequality, powers, deltas,
    expectations, unknowns,
)  # fmt: skip
RELATIONS = ("=", "=", "=", ">", ">=", "<", "<=")


def statement(seed: object) -> Case:
    """The random statement of a seed; what cannot be written is drawn again."""
    for attempt in range(20):
        s = Writer(f"statement {seed} {attempt}")
        try:
            found = drawn(s)
            assert found.statement.chains
            return found
        except (t.ShapeError, TypeError):
            continue
    raise AssertionError(f"no statement at seed {seed}")


def drawn(s: Writer) -> Case:
    """Two of five are true, two are near-misses, and one is any."""
    pick = s.source.random()
    true, near = s.source.choice(FAMILIES)(s)
    if pick < 0.4:
        return true
    if pick < 0.8:
        if near and s.source.random() < 0.7:
            return s.source.choice(near)
        if isinstance(true.right, Matrix):
            return replace(true, variant="near", right=SLIGHTLY * true.right)
        where = "left" if true.relation != "=" else "right"
        wrong = [new for _, new in mutations(getattr(true, where))]
        return replace(true, variant="near", **{where: s.source.choice(wrong or [x])})
    given = true.given if s.source.random() < 0.5 else ()
    if not isinstance(true.left, Matrix) and s.source.random() < 0.5:
        return Case("any", "any", true.left, s.real(1), s.source.choice(RELATIONS), given)
    return Case("any", "any", s.real(2), s.real(1), s.source.choice(RELATIONS), given)


# -- what brute force says -------------------------------------------------------------------------

TRIES = 25


def lattice(domain: str, source: random.Random) -> mpf:
    """Numbers that meet boundaries and one another."""
    match domain:
        case "label":
            return mpf(source.randrange(2))
        case "unit":
            return mpf(source.randrange(5)) / 4
        case "positive":
            return mpf(source.randrange(1, 4)) / 2
        case "nonnegative":
            return mpf(source.randrange(4)) / 2
    return mpf(source.randrange(-4, 5)) / 2


HOLDS = {
    "positive": lambda z: z > 0,
    "nonnegative": lambda z: z >= 0,
    "zero": lambda z: z == 0,
    "nonpositive": lambda z: z <= 0,
    "negative": lambda z: z < 0,
}


def points(case: Case) -> Iterator[tuple[brute_force.Point, dict[t.Index, int]]]:
    """Points at which the hypotheses hold, with places of the free indices."""
    chain = case.statement.chains[0]
    free = brute_force.free(chain.left, chain.last)
    apart = [pair for h in case.given for pair in h.distinct]
    for number, sizes in enumerate(brute_force.SIZES):
        for at in brute_force.places(free, sizes):
            if any(p in at and o in at and at[p] == at[o] for p, o in apart):
                continue
            for drawn in (None, lattice):
                for attempt in range(TRIES if case.given else 1):
                    point = brute_force.Point(sizes, f"{number} {attempt}", drawn)
                    try:
                        met = meets(point, at, case.given)
                    except (brute_force.Undefined, brute_force.TooLarge):
                        met = False
                    if met:
                        yield point, at
                        break


def meets(point: brute_force.Point, at: dict[t.Index, int], given) -> bool:
    """Whether what is assumed holds; entries are put so that it may."""
    for pattern, body in (pair for h in given for pair in h.replace):
        new = {}
        for place in brute_force.spots(pattern.indices, point.sizes):
            inner = dict(zip(pattern.indices, place, strict=True))
            key = (pattern.array.name, len(place), place)
            new[key] = brute_force.evaluate(body, point, inner)
        point.entries.update(new)
    for quantity, sign in (pair for h in given for pair in h.signs):
        own = tuple(p for p in brute_force.free(quantity) if p not in at)
        for place in brute_force.spots(own, point.sizes):
            inner = {**at, **dict(zip(own, place, strict=True))}
            value = brute_force.evaluate(quantity, point, inner)
            if isinstance(quantity, t.Entry) and not HOLDS[sign](value.plain):
                key = tuple(inner[p] for p in quantity.indices)
                value = brute_force.number(-1) * value
                point.entries[quantity.array.name, len(key), key] = value
            if not HOLDS[sign](value.plain):
                return False
    return True


def numbers(side: Term | Matrix, point: brute_force.Point, at: dict[t.Index, int]) -> list[mpf]:
    """The values of a side: of a matrix all of its entries."""
    if isinstance(side, Matrix):
        return [value.plain for row in brute_force.rows(side, point, at) for value in row]
    return [brute_force.evaluate(side, point, at).plain]


@dataclass(frozen=True)
class Refutation:
    """What refutes a claim, and where: a side that is undefined there, or its two numbers."""

    said: str
    undefined: bool = False


def refutation(case: Case) -> Refutation | None:
    """How brute force refutes a claim, where it does."""
    with mp.workdps(brute_force.DIGITS):
        for point, at in points(case):
            here = f"at {point.sizes}, {[(p.name, z) for p, z in at.items()]}"
            try:
                left, right = (numbers(side, point, at) for side in (case.left, case.right))
            except brute_force.TooLarge:
                continue
            except brute_force.NotPositive:
                return Refutation(f"a logarithm {here}", undefined=True)
            except brute_force.Undefined:
                if case.relation == "=":
                    continue
                return Refutation(here, undefined=True)
            if len(left) != len(right) or not all(
                holds(case.relation, *pair) for pair in zip(left, right, strict=True)
            ):
                said = f"{mp.nstr(left[0])} {case.relation} {mp.nstr(right[0])}"
                return Refutation(f"{said} {here}")
    return None


def holds(relation: str, left: mpf, right: mpf) -> bool:
    if relation == "=":
        return brute_force.same(left, right)
    gap = left - right if relation[0] == ">" else right - left
    slack = brute_force.SAME * max(1, abs(left), abs(right))
    return gap >= -slack if relation.endswith("=") else gap > 0 or abs(left) > 1 / slack
