"""Gradients of costs by their logits: temperature, teachers, smoothing, weights, focal loss, masks."""

from vectors import plain
from vectors.arithmetic import ONE, ZERO, Number, exact, exp, total
from vectors.cases import Argument, File, Invalid, Valid, eighths, full, refusals, rng
from vectors.elementary import log_sigmoid, sigmoid, softmax
from vectors.layers import number_kinds

# ------------------------------------------------------------------ formulas


def pulled(p, t):
    """p_a sum_b t_b - t_a, as it is written."""
    whole = total(t)
    return [p_a * whole - t_a for p_a, t_a in zip(p, t, strict=True)]


def temperature(z, targets, tau):
    return [
        [entry / tau for entry in pulled(softmax([x / tau for x in row]), t)]
        for row, t in zip(z, targets, strict=True)
    ]


def distillation(z, teacher, tau):
    return [
        [
            (p - q) / tau
            for p, q in zip(
                softmax([x / tau for x in row]), softmax([x / tau for x in taught]), strict=True
            )
        ]
        for row, taught in zip(z, teacher, strict=True)
    ]


def label_smoothing(z, targets, weight, alpha):
    K = exact(len(weight))
    q = [
        [((ONE - alpha) * t + alpha / K) * c for t, c in zip(row, weight, strict=True)]
        for row in targets
    ]
    return [pulled(softmax(row), pull) for row, pull in zip(z, q, strict=True)]


def weighted_mean(z, targets, sample_weight):
    whole = total(sample_weight)
    return [
        [s / whole * entry for entry in pulled(softmax(row), t)]
        for row, t, s in zip(z, targets, sample_weight, strict=True)
    ]


def focal_slope(t: Number, gamma: Number) -> Number:
    """sigma(-t)^gamma (gamma sigma(t) log sigma(t) - sigma(-t)): both terms are negative."""
    power = exp(gamma * log_sigmoid(-t))
    return power * (gamma * sigmoid(t) * log_sigmoid(t) - sigmoid(-t))


def focal_loss(z, y, gamma):
    return [
        [
            focal_slope(t, gamma) if label else -focal_slope(-t, gamma)
            for t, label in zip(row, labels, strict=True)
        ]
        for row, labels in zip(z, y, strict=True)
    ]


def many_labels(z, y, positive):
    return [
        [
            -(c * sigmoid(-t)) if label else sigmoid(t)
            for t, label, c in zip(row, labels, positive, strict=True)
        ]
        for row, labels in zip(z, y, strict=True)
    ]


def masked_log_softmax(z, mask, delta):
    return [_masked_row(*rows) for rows in zip(z, mask, delta, strict=True)]


def _masked_row(row, allowed, delta):
    """delta_a sum_(b /= a) p_b - p_a sum_(b /= a) delta_b over the classes that are allowed."""
    seen = [u for u in range(len(row)) if allowed[u].positive]
    p, d = softmax([row[u] for u in seen]), [delta[u] for u in seen]
    whole = total(d)
    result = [ZERO] * len(row)
    for k, u in enumerate(seen):
        others = [b for b in range(len(seen)) if b != k]
        value = d[k] * total(p[b] for b in others) - p[k] * total(d[b] for b in others)
        careless = d[k] - p[k] * whole  # as it is written: the bound has room for it
        result[u] = value if value.ball == 0 else Number(value.ball, careless.error)
    return result


# ------------------------------------------------------------------ inputs


def logits():
    for N, K in [(1, 2), (1, 3), (2, 3), (3, 2), (4, 3), (2, 5), (3, 3), (2, 2), (5, 4)]:
        yield f"{N}x{K}", eighths(f"targets {N}x{K}", N, K)
    for N, K in [(2, 3), (3, 4), (1, 5)]:
        yield f"full mantissa, {N}x{K}", full(f"targets {N}x{K}", N, K)
    for N, K in [(2, 3), (3, 2)]:
        yield f"up to 10, {N}x{K}", eighths(f"targets 10 {N}x{K}", N, K, largest=10)
    yield "equal logits", [[0.75, 0.75, 0.75]]
    yield "confident", [[15.0, 0.0, -1.0], [0.5, 12.0, 1.0]]


def one_hot(name, z):
    labels = rng(f"labels {name}").integers(0, len(z[0]), len(z))
    return [[1.0 if a == label else 0.0 for a in range(len(z[0]))] for label in labels]


def soft(name, z):
    """Labels >= 0 whose rows have any sum."""
    return (rng(f"soft {name}").integers(1, 17, (len(z), len(z[0]))) / 16).tolist()


def positive(name, size, largest=24):
    return (rng(f"positive {name}").integers(1, largest, size) / 8).tolist()


def binary(name, z):
    return rng(f"binary {name}").integers(0, 2, (len(z), len(z[0]))).tolist()


def with_targets(**more):
    """One-hot and soft labels for all logits, and what is given beside as functions."""
    for number, (comment, z) in enumerate(logits()):
        for kind, targets in (("one-hot", one_hot(comment, z)), ("soft", soft(comment, z))):
            given = {name: make(comment, z, number) for name, make in more.items()}
            yield Valid(f"{comment}, {kind}", {"z": z, "targets": targets, **given})


def cycle(*values):
    return lambda comment, z, number: values[number % len(values)]


def refused(arguments, base, *more):
    return [*refusals(arguments, base), *more]


def files():
    z, t = eighths("targets", 3, 4), one_hot("targets", eighths("targets", 3, 4))
    N_K = Argument("N x K")
    common = {"z": N_K, "targets": N_K}
    base = {"z": z, "targets": t}
    S = (
        "softmax by e^(z - m), exp one ulp, the rest half an ulp each; p sum t - t is subtracted as it "
        "stands, so that the errors of p stay where p is near t"
    )
    arguments = {**common, "tau": Argument("number")}
    yield File(
        "targets.temperature",
        "targets.temperature",
        "(p_ia sum_b t_ib - t_ia) / tau, p = softmax(z / tau)",
        arguments,
        temperature,
        lambda z, targets, tau: plain.gradient(lambda e: plain.temperature(e, targets, tau), z),
        S,
        list(with_targets(tau=cycle(2.0, 0.5, 1.0, 3.0))),
        refused(
            arguments, {**base, "tau": 2.0}, *number_kinds({**base, "tau": 2.0}, "tau", (0.0, -1.0))
        ),
    )
    arguments = {"z": N_K, "teacher": N_K, "tau": Argument("number")}
    taught = {"z": z, "teacher": eighths("teacher", 3, 4), "tau": 2.0}
    yield File(
        "targets.distillation",
        "targets.distillation",
        "(softmax(z / tau) - softmax(teacher / tau)) / tau",
        arguments,
        distillation,
        lambda z, teacher, tau: plain.gradient(lambda e: plain.distillation(e, teacher, tau), z),
        S,
        [
            Valid(
                f"{comment}, tau={tau:g}",
                {
                    "z": rows,
                    "teacher": eighths(f"taught {comment}", len(rows), len(rows[0])),
                    "tau": tau,
                },
            )
            for comment, rows in logits()
            for tau in (2.0, 0.75)
        ],
        refused(arguments, taught, *number_kinds(taught, "tau", (0.0, -1.0))),
    )
    arguments = {**common, "weight": Argument("K"), "alpha": Argument("number from 0 to 1")}
    smooth = {**base, "weight": [1.0, 2.0, 0.5, 0.25], "alpha": 0.125}
    yield File(
        "targets.label_smoothing",
        "targets.label_smoothing",
        "p_ia sum_b c_b q_ib - c_a q_ia, q = (1 - alpha) t + alpha / K",
        arguments,
        label_smoothing,
        lambda z, targets, weight, alpha: plain.gradient(
            lambda e: plain.label_smoothing(e, targets, weight, alpha), z
        ),
        S,
        list(
            with_targets(
                weight=lambda comment, z, number: positive(f"{comment} {number}", len(z[0])),
                alpha=cycle(0.125, 0.1, 0.0, 0.5, 1.0),
            )
        ),
        refused(
            arguments,
            smooth,
            *number_kinds(smooth, "alpha", (-0.125, 1.125)),
            Invalid(
                "a negative weight",
                {**smooth, "weight": [1.0, -2.0, 0.5, 0.25]},
                "domain",
                "weight: < 0",
            ),
        ),
    )
    arguments = {**common, "sample_weight": Argument("N")}
    weighted = {**base, "sample_weight": [0.5, 2.0, 1.0]}
    yield File(
        "targets.weighted_mean",
        "targets.weighted_mean",
        "s_i (p_ia sum_b t_ib - t_ia) / sum_j s_j",
        arguments,
        weighted_mean,
        lambda z, targets, sample_weight: plain.gradient(
            lambda e: plain.weighted_mean(e, targets, sample_weight), z
        ),
        S,
        list(with_targets(sample_weight=lambda comment, z, number: positive(comment, len(z)))),
        refused(
            arguments,
            weighted,
            Invalid(
                "a negative weight",
                {**weighted, "sample_weight": [1.0, -2.0, 1.0]},
                "domain",
                "s < 0",
            ),
            Invalid(
                "weights are zero", {**weighted, "sample_weight": [0.0] * 3}, "domain", "0 / 0"
            ),
        ),
    )
    arguments = {"z": N_K, "y": Argument("N x K, labels 0 and 1"), "gamma": Argument("number")}
    focal = {"z": z, "y": binary("focal", z), "gamma": 2.0}
    wrong = [
        Invalid(
            f"y: {label}",
            {**focal, "y": [[0, label, 1, 0], *focal["y"][1:]]},
            "domain",
            f"y: {label}",
        )
        for label in (2, -1, 0.5)
    ]
    yield File(
        "targets.focal_loss",
        "targets.focal_gradient",
        "the derivative of -(1 - p)^gamma log p by the logit, p the probability of the label",
        arguments,
        focal_loss,
        lambda z, y, gamma: plain.gradient(lambda e: plain.focal_loss(e, y, gamma), z),
        "the power as exp(gamma log sigma(-t)), which turns the error of its exponent into a relative one; "
        "two terms of one sign",
        [
            Valid(
                f"{comment}, gamma={gamma:g}",
                {"z": rows, "y": binary(comment, rows), "gamma": gamma},
            )
            for comment, rows in logits()
            for gamma in (2.0, 0.5)
        ],
        refused(arguments, focal, *wrong, *number_kinds(focal, "gamma", (0.0, -1.0))),
    )
    arguments = {"z": N_K, "y": Argument("N x K, labels 0 and 1"), "positive": Argument("K")}
    many = {"z": z, "y": binary("many", z), "positive": [1.0, 2.0, 0.5, 0.25]}
    yield File(
        "targets.many_labels_gradient",
        "targets.many_labels_gradient",
        "c_a y_ia (sigma(z_ia) - 1) + (1 - y_ia) sigma(z_ia)",
        arguments,
        many_labels,
        lambda z, y, positive: plain.gradient(lambda e: plain.many_labels(e, y, positive), z),
        "sigma by e^-|t|; sigma - 1 is -sigma(-t)",
        [
            Valid(
                f"{comment}, {k}",
                {
                    "z": rows,
                    "y": binary(f"{comment} {k}", rows),
                    "positive": positive(f"{comment} {k}", len(rows[0])),
                },
            )
            for comment, rows in [*logits(), ("far", [[40.0, -40.0], [300.0, -300.0]])]
            for k in (1, 2)
        ],
        refused(
            arguments,
            many,
            *(
                Invalid(
                    f"y: {label}",
                    {**many, "y": [[0, label, 1, 0], *many["y"][1:]]},
                    "domain",
                    f"y: {label}",
                )
                for label in (2, -1, 0.5)
            ),
            Invalid(
                "a negative weight",
                {**many, "positive": [1.0, -2.0, 0.5, 0.25]},
                "domain",
                "positive: < 0",
            ),
        ),
    )
    arguments = {"z": N_K, "mask": N_K, "delta": N_K}
    masked = {"z": z, "mask": [[1.0, 0.0, 1.0, 1.0]] * 3, "delta": eighths("masked", 3, 4)}
    yield File(
        "targets.masked_log_softmax",
        "targets.masked_log_softmax_backward",
        "delta_ia - p_ia sum_b delta_ib over the classes that the mask allows; 0 elsewhere",
        arguments,
        masked_log_softmax,
        lambda z, mask, delta: plain.gradient(
            lambda e: plain.masked_log_softmax(e, mask, delta), z
        ),
        "softmax by e^(z - m), exp one ulp, the rest half an ulp each; delta - p sum delta is subtracted as "
        "it stands",
        [
            Valid(
                f"{comment}, {kind}",
                {
                    "z": rows,
                    "mask": allowed(f"{comment} {kind}", rows, kind),
                    "delta": eighths(f"masked {comment} {kind}", len(rows), len(rows[0])),
                },
            )
            for comment, rows in logits()
            for kind in ("all", "some", "one is hidden")
        ],
        refused(
            arguments,
            masked,
            Invalid(
                "a row is masked",
                {**masked, "mask": [[0.0] * 4, *masked["mask"][1:]]},
                "domain",
                "mask: a row",
            ),
            Invalid(
                "all is masked", {**masked, "mask": [[0.0] * 4] * 3}, "domain", "mask: every row"
            ),
        ),
    )


def allowed(name, z, kind):
    N, K = len(z), len(z[0])
    mask = rng(f"allowed {name}").integers(0, 2, (N, K))
    if kind != "some":
        mask[:] = 1
    if kind == "one is hidden":
        mask[:, rng(f"hidden {name}").integers(0, K)] = 0
    mask[:, 0] |= ~mask.any(axis=1)  # no row is all hidden
    return mask.astype(float).tolist()
