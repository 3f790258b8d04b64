"""Offsets, penalties, odds ratios and other links as statsmodels and PyTorch have them."""

import compare
import numpy as np
import pytest
import statsmodels.api as sm
import torch
import torch.nn.functional as F
from designs import eighths
from statsmodels.genmod.families import Binomial, links

from reference_impl import regression
from reference_impl.engine import estimation, inference
from reference_impl.regression import CLOGLOG, PROBIT

RNG = np.random.default_rng(37)
X = np.column_stack([np.ones(12), eighths(RNG, 12, 2)])
Y, OFFSET, POINT = (
    np.tile([0, 1, 1, 0], 3),
    eighths(RNG, 12, largest=1),
    np.array([0.25, -0.5, 0.375]),
)


def agree(statement, case, ours, theirs, oracle="statsmodels", ulp=256):
    compare.check(np.asarray(ours), np.asarray(theirs).tolist(), statement=statement, oracle=oracle,
                  case=case, ulp=ulp)  # fmt: skip


def test_offset():
    model = sm.GLM(Y, X, family=Binomial(), offset=OFFSET)
    agree("regression.offset_gradient", "", regression.offset_gradient(POINT, X, Y, OFFSET),
          -model.score(POINT))  # fmt: skip
    agree("regression.offset_hessian", "", regression.offset_hessian(POINT, X, OFFSET),
          -model.hessian(POINT))  # fmt: skip


@pytest.mark.parametrize(
    ("name", "link", "theirs"),
    [("probit", PROBIT, links.Probit()), ("cloglog", CLOGLOG, links.CLogLog())],
)
def test_links(name, link, theirs):
    model = sm.GLM(Y, X, family=Binomial(link=theirs))
    agree(f"regression.{name}_gradient", "value", regression.link_nll(link, POINT, X, Y),
          -model.loglike(POINT))  # fmt: skip
    agree(f"regression.{name}_gradient", "", regression.link_gradient(link, POINT, X, Y),
          -model.score(POINT))  # fmt: skip
    agree(f"regression.{name}_hessian", "observed", regression.link_hessian(link, POINT, X, Y),
          -model.hessian(POINT, observed=True))  # fmt: skip
    agree(f"regression.{name}_hessian", "expected", regression.link_information(link, POINT, X),
          -model.hessian(POINT, observed=False))  # fmt: skip


def test_probit_model():
    model = sm.Probit(Y, X)
    agree("regression.probit_gradient", "Probit", regression.link_gradient(PROBIT, POINT, X, Y),
          -model.score(POINT))  # fmt: skip
    agree("regression.probit_hessian", "Probit", regression.link_hessian(PROBIT, POINT, X, Y),
          -model.hessian(POINT))  # fmt: skip


def test_penalty_by_coefficient():
    """The intercept is free in both."""
    penalty, w = [0.0, 2.0, 0.5], torch.tensor(POINT, requires_grad=True)

    def cost(w):
        z = torch.tensor(X) @ w + torch.tensor(OFFSET)
        target = torch.tensor(Y, dtype=torch.float64)
        loss = F.binary_cross_entropy_with_logits(z, target, reduction="sum")
        return loss + (torch.tensor(penalty, dtype=torch.float64) * w**2).sum() / 2

    cost(w).backward()
    hessian = torch.autograd.functional.hessian(cost, w).numpy()
    agree("regression.penalty_gradient", "",
          regression.penalty_gradient(POINT, X, Y, OFFSET, penalty), w.grad, "PyTorch")  # fmt: skip
    agree("regression.penalty_hessian", "", regression.penalty_hessian(POINT, X, OFFSET, penalty),
          hessian, "PyTorch")  # fmt: skip


def test_softmax_offset():
    classes, weights, offset = np.arange(12) % 3, eighths(RNG, 3, 3), eighths(RNG, 12, 3)
    W = torch.tensor(weights, requires_grad=True)
    z = torch.tensor(X) @ W.T + torch.tensor(offset)
    F.cross_entropy(z, torch.tensor(classes), reduction="sum").backward()
    agree("regression.offset_softmax_gradient", "",
          regression.offset_softmax_gradient(weights, X, classes, offset), W.grad, "PyTorch")  # fmt: skip


def test_delta_method():
    """e^w and its error, by the delta method of statsmodels, for a fit."""
    fit, theirs = estimation.newton(X, Y), sm.Logit(Y, X).fit(disp=0, tol=1e-14)
    errors = np.sqrt(regression.odds_ratio_variance(fit.w, fit.covariance))
    found = theirs.params, theirs.cov_params()
    expected = np.sqrt(np.exp(2 * found[0]) * np.diag(found[1]))
    # Their iteration ends a little early: eight digits.
    agree("regression.odds_ratio_variance", "fit", errors, expected, ulp=5e7)
    ratio = inference.odds_ratios(fit)[0]
    compare.same(ratio, regression.odds_ratio(fit.w))
