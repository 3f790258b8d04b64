"""Normalisation: layer norm, RMS norm and batch norm, with gain and bias; RULES 1 to 3."""
# Set by hand: a chain's left side, then its moves in rows; CONTRIBUTING.md says what each does.
# fmt: off

from derivations.maps import rule_2
from derivations.notation import *

eps = scalar("epsilon", r"\varepsilon", domain="positive")
Z = Array("Z", (N, M), "z", r"\mathbf{Z}")
gain, bias = Array("g", (M,), "g", r"\mathbf{g}"), Array("b", (M,), "b", r"\mathbf{b}")
deltas_out = Array("delta'", (N, M), r"\delta'", r"\boldsymbol{\Delta}'")


def cost_of(out: Definition) -> Use:
    """Return the cost that has the given deltas at what a layer gives out."""
    return Use(Definition("C", (), Σ(i, Σ(u, deltas_out[i, u] * out[i, u])), "C"))

given_deltas = Hypothesis(
    r"The deltas $\delta'_{iu}$ at the output are given numbers, and gain and bias are the same for "
    r"every data point: $C = \sum_i \sum_u \delta'_{iu} z'_{iu}$ has exactly these deltas.")
positive_eps = Hypothesis(
    r"$\varepsilon > 0$, inside the root: the denominator is positive also where all the numbers "
    "are equal.")
by_rows = Hypothesis(
    r"$z'_{iu} = g_u \hat{z}_{iu} + b_u$ with gain $g_u$ and bias $b_u$, $\hat{z}_{iu} = (z_{iu} - "
    r"\mu_i) / r_i$ and $r_i = \sqrt{s_i + \varepsilon}$; $\mu_i$ and $s_i$ are the mean of row $i$ "
    "and the mean of the squared deviations from it.")
by_rms = Hypothesis(
    r"$z'_{iu} = g_u \hat{z}_{iu}$ with a gain $g_u$, $\hat{z}_{iu} = z_{iu} / r_i$ and $r_i = "
    r"\sqrt{\frac{1}{M} \sum_u z_{iu}^2 + \varepsilon}$.")
by_units = Hypothesis(
    r"$z'_{iu} = g_u \hat{z}_{iu} + b_u$ with gain $g_u$ and bias $b_u$, $\hat{z}_{iu} = (z_{iu} - "
    r"\mu_u) / r_u$ and $r_u = \sqrt{s_u + \varepsilon}$; $\mu_u$ and $s_u$ are the mean of unit $u$ "
    "over the data points and the mean of the squared deviations from it.")
zero_mean = "the deviations from a mean sum to zero"
rule_3 = because("RULE 3: the parameters are shared by the data points", linearity)

# -- layer norm: over the units of a row -----------------------------------------------------------

mu = Definition("mu", (i,), Σ(u, Z[i, u]) / Size(M), r"\mu", r"\boldsymbol{\mu}")
var = Definition("variance", (i,), Σ(u, (Z[i, u] - mu[i]) ** 2) / Size(M), "s", r"\mathbf{s}")
deviation = Definition("r", (i,), root(var[i] + eps), "r", r"\mathbf{r}")
hat = Definition("ẑ", (i, u), (Z[i, u] - mu[i]) / deviation[i], r"\hat{z}",
    r"\hat{\mathbf{Z}}")
ln = Definition("z'", (i, u), gain[u] * hat[i, u] + bias[u], "z'", r"\mathbf{Z}'")
ln_cost = cost_of(ln)

layer_norm_forward = define(
    "Layer norm, RULE 1",
    "Each row is centred and divided by its own standard deviation; then every unit has a gain and "
    "a bias of its own.",
    ln, hat, deviation, var, mu, given=(by_rows, positive_eps),
)

mean_slope = prove(d(mu[i], Z[j, o]), differentiate(mu), contract, title="the mean")
var_slope = prove(d(var[i], Z[j, o]),
    differentiate(var), by(mean_slope), contract, known_sums,
    title="the variance")
deviation_slope = prove(d(deviation[i], Z[j, o]),
    differentiate(deviation), by(var_slope), collected(deviation, hat),
    title="the deviation")

layer_norm_statistics = state(
    "The two paths through the statistics",
    "An input moves its own output, and on two more paths all the others: through the mean and "
    "through the variance.",
    mean_slope, var_slope, deviation_slope,
    given=(by_rows, positive_eps),
)

layer_norm_jacobian = state(
    "Jacobian of layer norm",
    "The identity, less what the mean takes and what the variance takes.",
    prove(d(ln[i, u], Z[j, o]),
        unfold(ln), unfold(hat), chain_rule, entry_rule, by(layer_norm_statistics), collected(hat)),
    given=(by_rows, positive_eps), level=ALL_SIZES,
)

layer_norm_backward = state(
    "Layer norm, RULE 2",
    "The deltas times the gain, less their mean, less the mean of their products with the outputs "
    "before gain and bias.",
    prove(d(ln_cost, Z[i, u]),
        unfold(ln_cost), rule_2, by(layer_norm_jacobian), contract),
    given=(by_rows, positive_eps, given_deltas), level=ALL_SIZES,
)

layer_norm_parameter_gradient = state(
    "Layer norm, RULE 3",
    "The gain sees the values before it, the bias only the deltas.",
    prove(d(ln_cost, gain[o]),
        unfold(ln_cost), rule_3, slope(ln), contract,
        title="gain",
        matrix=(Gradient(ln_cost, gain), (Whole(deltas_out) * Whole(hat)).T @ Ones(N))),
    prove(d(ln_cost, bias[o]),
        unfold(ln_cost), rule_3, slope(ln), contract,
        title="bias", matrix=(Gradient(ln_cost, bias), Whole(deltas_out).T @ Ones(N))),
    given=(by_rows, positive_eps, given_deltas),
)

layer_norm_shift = state(
    "What layer norm does not see",
    "A number added to a whole row changes nothing, so the derivatives of a row sum to zero: a "
    "quick test of a pass back, which fails when the path through the mean is lost.",
    prove(Σ(o, d(ln[i, u], Z[i, o])),
        by(layer_norm_jacobian), contract, to(0, DEFINITION, zero_mean)),
    given=(by_rows, positive_eps), level=ALL_SIZES,
)

# -- RMS norm: no mean is taken off ----------------------------------------------------------------

rms = Definition("rms", (i,), root(Σ(u, Z[i, u] ** 2) / Size(M) + eps), "r", r"\mathbf{r}")
scaled = Definition("ẑ", (i, u), Z[i, u] / rms[i], r"\hat{z}", r"\hat{\mathbf{Z}}")
rn = Definition("z'", (i, u), gain[u] * scaled[i, u], "z'", r"\mathbf{Z}'")
rn_cost = cost_of(rn)

rms_norm_forward = define(
    "RMS norm, RULE 1",
    "Each row is divided by the root of its mean square; there is a gain and no bias.",
    rn, scaled, rms, given=(by_rms, positive_eps),
)

rms_slope = prove(d(rms[i], Z[j, o]),
    differentiate(rms), collected(rms, scaled),
    title="the root of the mean square")

rms_norm_jacobian = state(
    "Jacobian of RMS norm",
    "One path less than layer norm: only the mean square depends on all inputs of the row.",
    prove(d(rn[i, u], Z[j, o]),
        unfold(rn), unfold(scaled), chain_rule, entry_rule, by(rms_slope), collected(scaled)),
    rms_slope,
    given=(by_rms, positive_eps), level=ALL_SIZES,
)

rms_norm_backward = state(
    "RMS norm, RULE 2",
    "The deltas times the gain, less the mean of their products with the outputs before the gain.",
    prove(d(rn_cost, Z[i, u]),
        unfold(rn_cost), rule_2, by(rms_norm_jacobian), contract),
    given=(by_rms, positive_eps, given_deltas), level=ALL_SIZES,
)

rms_norm_parameter_gradient = state(
    "RMS norm, RULE 3",
    "The gain sees the values before it.",
    prove(d(rn_cost, gain[o]),
        unfold(rn_cost), rule_3, slope(rn), contract,
        matrix=(Gradient(rn_cost, gain), (Whole(deltas_out) * Whole(scaled)).T @ Ones(N))),
    given=(by_rms, positive_eps, given_deltas),
)

# -- batch norm: over the data points of a unit ----------------------------------------------------

batch_mu = Definition("mu", (u,), Σ(i, Z[i, u]) / Size(N), r"\mu", r"\boldsymbol{\mu}")
batch_var = Definition("variance", (u,), Σ(i, (Z[i, u] - batch_mu[u]) ** 2) / Size(N), "s",
    r"\mathbf{s}")
batch_deviation = Definition("r", (u,), root(batch_var[u] + eps), "r", r"\mathbf{r}")
batch_hat = Definition("ẑ", (i, u), (Z[i, u] - batch_mu[u]) / batch_deviation[u], r"\hat{z}",
    r"\hat{\mathbf{Z}}")
bn = Definition("z'", (i, u), gain[u] * batch_hat[i, u] + bias[u], "z'", r"\mathbf{Z}'")
bn_cost = cost_of(bn)

batch_norm_forward = define(
    "Batch norm in training, RULE 1",
    "Each unit is centred and divided by its standard deviation over the data points of the batch: "
    "the outputs of one data point depend on all others. The variance is divided by $N$.",
    bn, batch_hat, batch_deviation, batch_var, batch_mu, given=(by_units, positive_eps),
)

batch_mu_slope = prove(d(batch_mu[u], Z[j, o]), differentiate(batch_mu), contract, title="the mean")
batch_var_slope = prove(d(batch_var[u], Z[j, o]),
    differentiate(batch_var), by(batch_mu_slope), contract, known_sums,
    title="the variance")
batch_deviation_slope = prove(d(batch_deviation[u], Z[j, o]),
    differentiate(batch_deviation), by(batch_var_slope), collected(batch_deviation, batch_hat),
    title="the deviation")

batch_norm_statistics = state(
    "The two paths through the statistics of a batch",
    "An input moves the mean and the variance of its unit, and through them every data point.",
    batch_mu_slope, batch_var_slope, batch_deviation_slope,
    given=(by_units, positive_eps),
)

batch_norm_jacobian = state(
    "Jacobian of batch norm in training",
    "Units do not see each other; data points do.",
    prove(d(bn[i, u], Z[j, o]),
        unfold(bn), unfold(batch_hat), chain_rule, entry_rule, by(batch_norm_statistics),
        collected(batch_hat)),
    given=(by_units, positive_eps), level=ALL_SIZES,
)

batch_norm_backward = state(
    "Batch norm in training, RULE 2",
    "From each delta the mean over the batch is taken off, and the part along the outputs before "
    "gain and bias. A delta at one data point reaches all of them.",
    prove(d(bn_cost, Z[i, u]),
        unfold(bn_cost), rule_2, by(batch_norm_jacobian), contract),
    given=(by_units, positive_eps, given_deltas), level=ALL_SIZES,
)

batch_norm_parameter_gradient = state(
    "Batch norm in training, RULE 3",
    "As for layer norm: only what stands before the gain is another.",
    prove(d(bn_cost, gain[o]),
        unfold(bn_cost), rule_3, slope(bn), contract,
        title="gain",
        matrix=(Gradient(bn_cost, gain), (Whole(deltas_out) * Whole(batch_hat)).T @ Ones(N))),
    prove(d(bn_cost, bias[o]),
        unfold(bn_cost), rule_3, slope(bn), contract,
        title="bias", matrix=(Gradient(bn_cost, bias), Whole(deltas_out).T @ Ones(N))),
    given=(by_units, positive_eps, given_deltas), level=ALL_SIZES,
)

batch_norm_shift = state(
    "What batch norm does not see",
    "A number added to a unit at every data point changes nothing: the derivatives of a unit sum "
    "to zero over the batch, so a bias before batch norm never learns.",
    prove(Σ(j, d(bn[i, u], Z[j, o])),
        by(batch_norm_jacobian), contract, to(0, DEFINITION, zero_mean)),
    given=(by_units, positive_eps), level=ALL_SIZES,
)

# -- batch norm with statistics that are given -----------------------------------------------------

kept_mean = Array("m", (M,), "m", r"\mathbf{m}")
kept_var = Array("variance", (M,), "s", r"\mathbf{s}", domain="nonnegative")
kept = Definition("ẑ", (i, u), (Z[i, u] - kept_mean[u]) / root(kept_var[u] + eps), r"\hat{z}",
    r"\hat{\mathbf{Z}}")
bi = Definition("z'", (i, u), gain[u] * kept[i, u] + bias[u], "z'", r"\mathbf{Z}'")
bi_cost = cost_of(bi)
kept_statistics = Hypothesis(
    r"$z'_{iu} = g_u \hat{z}_{iu} + b_u$ with $\hat{z}_{iu} = (z_{iu} - m_u) / \sqrt{s_u + "
    r"\varepsilon}$; mean $m_u$ and variance $s_u \ge 0$ are given numbers, kept from training, and "
    "$g_u$ and $b_u$ are gain and bias.")

batch_norm_inference_forward = define(
    "Batch norm in inference, RULE 1",
    "With given statistics it is one straight line for each unit: data points are apart again.",
    bi, kept, given=(kept_statistics, positive_eps),
)

batch_norm_inference_jacobian = state(
    "Jacobian of batch norm in inference",
    "The statistics are constants, so that both paths through them are gone.",
    prove(d(bi[i, u], Z[j, o]), unfold(bi), unfold(kept), linearity, entry_rule),
    given=(kept_statistics, positive_eps),
)

batch_norm_inference_backward = state(
    "Batch norm in inference, RULE 2",
    "Each delta is scaled; nothing is taken off.",
    prove(d(bi_cost, Z[i, u]),
        unfold(bi_cost), rule_2, by(batch_norm_inference_jacobian), contract),
    given=(kept_statistics, positive_eps, given_deltas),
)

batch_norm_inference_parameter_gradient = state(
    "Batch norm in inference, RULE 3",
    "With the statistics that are given in the place of those of the batch.",
    prove(d(bi_cost, gain[o]),
        unfold(bi_cost), rule_3, slope(bi), contract,
        title="gain",
        matrix=(Gradient(bi_cost, gain), (Whole(deltas_out) * Whole(kept)).T @ Ones(N))),
    prove(d(bi_cost, bias[o]),
        unfold(bi_cost), rule_3, slope(bi), contract,
        title="bias", matrix=(Gradient(bi_cost, bias), Whole(deltas_out).T @ Ones(N))),
    given=(kept_statistics, positive_eps, given_deltas),
)

if __name__ == "__main__":
    from derivations.__main__ import script

    raise SystemExit(script("normalisation"))
