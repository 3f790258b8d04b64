"""The explorer: what it computes against the NumPy implementation, and what a reader does in it."""

import json

import compare
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import SITE

from reference_impl import (
    activations,
    backpropagation,
    linear,
    log_softmax as log_softmax_layer,
    logistic,
    nll,
    softmax,
)

STATES = 1000
RELATIVE = 1e-12
PARAMETERS = {"binary": 3, "softmax": 6, "tanh": 12, "sigmoid": 12}

# As text: that is much faster than the values one by one.
COMPUTE = """([kind, states]) => JSON.stringify(JSON.parse(states).map(({theta, X, y}) => {
  const model = Explorer.models[kind];
  const found = Explorer.run(model, theta, X, y);
  return {
    cost: found.cost, gradient: found.gradient, values: found.values, deltas: found.deltas,
    hessian: model.hessian(theta, X, y), jacobians: X.map((_, i) => Explorer.jacobians(found, i)),
  };
}))"""


def random_states(kind, count):
    rng = np.random.default_rng(sorted(PARAMETERS).index(kind))
    states = []
    for _ in range(count):
        N = int(rng.integers(4, 13))
        states.append(
            {
                "theta": rng.normal(size=PARAMETERS[kind]).tolist(),
                "X": rng.uniform(-3, 3, size=(N, 2)).tolist(),
                "y": rng.integers(0, 2, size=N).tolist(),
            }
        )
    return states


def reference(kind, theta, X, y):
    """The same of a state by NumPy: class 1 is first, so a label 1 is class number 0."""
    theta, X, y = np.array(theta), np.array(X), np.array(y)
    ones = np.column_stack([np.ones(len(X)), X])
    cost_layer = nll.NLL(1 - y)
    if kind == "binary":
        both = [linear.Linear([[1.0], [-1.0]], [0.0, 0.0]), activations.LogSigmoid()]
        chain = [linear.Linear([theta], [0.0]), *both, cost_layer]
        found = backpropagation.backpropagate(chain, ones)
        return {
            "cost": logistic.nll(theta, ones, y),
            "gradient": logistic.nll_gradient(theta, ones, y),
            "hessian": logistic.nll_hessian(theta, ones, y),
            "values": [found.values[l] for l in (0, 1, 3)],
            "deltas": [found.deltas[l] for l in (0, 1, 3)],
            "jacobians": [
                chain[0].jacobian(found.values[0]),
                backpropagation.Chain(both).jacobian(found.values[1]),
                cost_layer.jacobian(found.values[3]),
            ],
        }
    if kind == "softmax":
        W = theta.reshape(2, 3)
        chain = [linear.Linear(W, np.zeros(2)), log_softmax_layer.LogSoftmax(), cost_layer]
        cost = softmax.nll(W, ones, 1 - y)
        gradient = softmax.nll_gradient(W, ones, 1 - y).ravel()
        hessian = softmax.nll_hessian(W, ones, 1 - y).reshape(6, 6)
        found = backpropagation.backpropagate(chain, ones)
    else:
        chain = hidden_layers(kind, theta, y)
        found = backpropagation.backpropagate(chain, X)
        cost, gradient = found.cost, flat(found.gradients)
        hessian = None
    values = found.values[:-1]
    return {
        "cost": cost, "gradient": gradient, "hessian": hessian,
        "values": values, "deltas": found.deltas[:-1],
        "jacobians": [layer.jacobian(z) for layer, z in zip(chain, values, strict=True)],
    }  # fmt: skip


def times_hessian(kind, theta, X, y, v):
    """H v of a hidden-layer state by NumPy."""
    product = backpropagation.hessian_vector_product(
        hidden_layers(kind, np.array(theta), np.array(y)), np.array(X), direction(v)
    )
    return flat(product)


def hidden_layers(kind, theta, y):
    return [
        linear.Linear(theta[:4].reshape(2, 2), theta[4:6]),
        activations.Tanh() if kind == "tanh" else activations.Sigmoid(),
        linear.Linear(theta[6:10].reshape(2, 2), theta[10:]),
        log_softmax_layer.LogSoftmax(),
        nll.NLL(1 - y),
    ]


def flat(parts):
    return np.concatenate([parts[l][name].ravel() for l in (0, 2) for name in ("W", "b")])


def direction(v):
    parts = [{} for _ in range(5)]
    parts[0] = {"W": v[:4].reshape(2, 2), "b": v[4:6]}
    parts[2] = {"W": v[6:10].reshape(2, 2), "b": v[10:]}
    return parts


def error(actual, expected):
    """The largest difference, relative to the largest entry; infinite where shapes differ."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        return np.inf
    return np.max(np.abs(actual - expected)) / np.max(np.abs(expected))


@pytest.fixture
def page(desk):
    page = desk.open("explorer.html")
    yield page
    assert desk.faults == []


def nll_shown(page):
    return page.locator(".ex-value").first.text_content()


def weight_shown(page, k):
    return float(page.get_by_label(f"w {k}", exact=True).input_value())


def status(page, expected):
    page.wait_for_function(
        "(text) => document.querySelector('.ex-status').textContent.includes(text)", arg=expected
    )


def choose(page, title):
    page.locator(".ex-choice", has_text=title).click()


def point(page, number):
    return page.locator(".ex-point").nth(number - 1)


# ------------------------------------------------------------------------- what it computes


@pytest.mark.parametrize("kind", PARAMETERS)
def test_computes_what_numpy_computes(page, kind):
    states = random_states(kind, STATES)
    found = json.loads(page.evaluate(COMPUTE, [kind, json.dumps(states)]))
    assert len(found) == STATES
    worst = dict.fromkeys(("cost", "gradient", "hessian", "values", "deltas", "jacobians"), 0.0)
    rng = np.random.default_rng(0)
    for number, (state, here) in enumerate(zip(states, found, strict=True)):
        there = reference(kind, **state)
        here["values"].pop()  # the cost
        here["deltas"].pop()  # 1
        here["jacobians"] = list(map(list, zip(*here["jacobians"], strict=True)))  # by layer
        H, v = np.array(here["hessian"]), rng.normal(size=PARAMETERS[kind])
        if there["hessian"] is None:  # of the hidden layer: one direction, at times all of them
            expected = times_hessian(kind, **state, v=v)
            worst["hessian"] = max(worst["hessian"], error(H @ v, expected))
            if number % 50 == 0:
                there["hessian"] = [times_hessian(kind, **state, v=e) for e in np.eye(len(v))]
        for name in ("cost", "gradient", "hessian"):
            if there[name] is not None:
                worst[name] = max(worst[name], error(here[name], there[name]))
        for name in ("values", "deltas", "jacobians"):
            assert len(here[name]) == len(there[name])
            for a, b in zip(here[name], there[name], strict=True):
                worst[name] = max(worst[name], error(a, b))
    assert {name: largest for name, largest in worst.items() if not largest <= RELATIVE} == {}


def test_every_function_is_the_printed_code_of_its_statement(page):
    records = json.loads((SITE / "formulas.json").read_text())["statements"]
    codes = {r["id"]: r["code"]["javascript"] for r in records}
    sources = page.evaluate(
        "Object.fromEntries(Object.entries(Formulas).map(([name, f]) => [name, f.toString()]))"
    )
    ours = {name: text for name, text in sources.items() if not name.startswith("errata.")}
    assert len(ours) > 20
    assert {name for name, text in ours.items() if f"export {text}\n" not in codes[name]} == set()


def test_eigenvalues(page):
    rng = np.random.default_rng(1)
    matrices = []
    for size in (1, 2, 3, 6, 12, 12, 12):
        A = rng.normal(size=(size, max(1, size // 2)))
        matrices += [A @ A.T, A @ A.T + np.diag(rng.normal(size=size))]
    matrices += [np.zeros((3, 3)), np.diag([3.0, -1.0, 2.0]), 1e-200 * np.ones((2, 2))]
    found = page.evaluate(
        "(list) => list.map((A) => Explorer.eigen(A))", [A.tolist() for A in matrices]
    )
    for A, pair in zip(matrices, found, strict=True):
        values, vectors = np.array(pair["values"]), np.array(pair["vectors"])
        scale = np.max(np.abs(A)) or 1.0
        worst = np.max(np.abs(values - np.linalg.eigvalsh(A))) / scale
        assert worst <= RELATIVE
        worst = np.max(np.abs(A @ vectors.T - vectors.T * values)) / scale
        assert worst <= RELATIVE
        worst = error(vectors @ vectors.T, np.eye(len(A)))
        assert worst <= RELATIVE


@pytest.mark.parametrize("kind", PARAMETERS)
def test_a_gradient_step_never_raises_the_cost(page, kind):
    paths = page.evaluate(
        """([kind, states]) => states.map(({theta, X, y}) => {
          const costs = [];
          for (let k = 0; k < 60; k++) {
            costs.push(Explorer.cost(Explorer.models[kind], theta, X, y));
            theta = Explorer.gradientStep(Explorer.models[kind], theta, X, y);
          }
          return costs;
        })""",
        [kind, random_states(kind, 40)],
    )
    costs = np.array(paths)
    assert (costs[:, 1:] <= costs[:, :-1] * (1 + 1e-14)).all()
    assert (costs[:, -1] < 0.9 * costs[:, 0]).mean() > 0.5


@pytest.mark.parametrize("kind", ["binary", "softmax"])
def test_newton_finds_the_estimate(page, kind):
    from reference_impl.engine.estimation import newton

    cost, gradient = page.evaluate(
        """(kind) => {
          const { points, theta } = Explorer.start(kind);
          const [X, y] = [points.map((p) => p.slice(0, 2)), points.map((p) => p[2])];
          let at = theta;
          for (let k = 0; k < 8; k++) at = Explorer.newtonStep(Explorer.models[kind], at, X, y).theta;
          const found = Explorer.run(Explorer.models[kind], at, X, y);
          return [found.cost, found.gradient];
        }""",
        kind,
    )
    points = np.array(page.evaluate("Explorer.situations.overlap.points"))
    fit = newton(np.column_stack([np.ones(len(points)), points[:, :2]]), points[:, 2].astype(int))
    worst = error([cost], [fit.nll])
    assert worst <= RELATIVE
    assert np.max(np.abs(gradient)) < 1e-10


# ------------------------------------------------------------------------ what a reader does


def test_drag_a_point(page):
    before = nll_shown(page)
    box = page.locator(".ex-plane").bounding_box()
    spot = point(page, 8).bounding_box()
    page.mouse.move(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4, steps=4)
    page.mouse.up()
    assert "at −2.00, 2.00" in point(page, 8).get_attribute("aria-label")
    assert nll_shown(page) != before
    status(page, "Point 8 at −2.00, 2.00")
    assert point(page, 8).evaluate("(p) => getComputedStyle(p).touchAction") == "none"


def test_move_a_point_and_change_its_label_with_the_keyboard(page):
    point(page, 2).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert "label 0, at −1.50, 0.60" in point(page, 2).get_attribute("aria-label")
    before = nll_shown(page)
    page.keyboard.press("Enter")
    assert "label 1" in point(page, 2).get_attribute("aria-label")
    assert nll_shown(page) != before
    status(page, "Point 2 has label 1")
    assert page.evaluate("document.activeElement === document.querySelectorAll('.ex-point')[1]")


def test_tab_passes_points_and_enter_chooses_one(page):
    chosen = page.locator(".ex-editor strong")
    point(page, 1).focus()
    for _ in range(7):
        page.keyboard.press("Tab")
    assert point(page, 8).evaluate("(p) => p === document.activeElement")
    assert chosen.inner_text() == "Point 1"
    before = nll_shown(page)
    page.keyboard.press("Enter")
    assert chosen.inner_text() == "Point 8" and nll_shown(page) == before
    assert page.locator(".ex-point[aria-pressed=true]").count() == 1
    assert point(page, 8).get_attribute("aria-pressed") == "true"
    page.keyboard.press("Space")
    status(page, "Point 8 has label")


def test_numbers_and_sliders(page):
    page.get_by_label("x₁ of the chosen point", exact=True).fill("3.5")
    assert "at 3.50" in point(page, 1).get_attribute("aria-label")
    page.get_by_label("w 1", exact=True).fill("-2.5")
    slider = page.get_by_label("w 1, slider")
    assert slider.input_value() == "-2.5"
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("w 1", exact=True).input_value() == "-2.49"
    status(page, "NLL")


def test_points_come_and_go(page):
    for _ in range(4):
        page.get_by_label("Add a point").click()
    assert page.locator(".ex-point").count() == 12
    assert page.get_by_label("Add a point").is_disabled()
    for _ in range(8):
        page.get_by_label("Remove this point").click()
    assert page.locator(".ex-point").count() == 4
    assert page.get_by_label("Remove this point").is_disabled()


@pytest.mark.parametrize(
    ("title", "arrows"), [("Binary", 7), ("Softmax", 7), ("tanh", 12), ("sigmoid", 12)]
)
def test_one_arrow_at_a_time(page, title, arrows):
    choose(page, title)
    page.get_by_text("Input", exact=True).click()
    unknown = (
        "[...document.querySelectorAll('.ex-layers .ex-num')]"
        ".filter((n) => n.textContent === '·').length"
    )
    left = [page.evaluate(unknown)]
    for number in range(1, arrows + 1):
        page.get_by_role("button", name="First arrow" if number == 1 else "Next arrow").click()
        left.append(page.evaluate(unknown))
        if number < arrows:
            assert f"Arrow {number} of {arrows}" in page.locator(".ex-step-said").inner_text()
            assert page.locator(".ex-step-formula math").is_visible()
            assert page.locator(".ex-step-formula a").count() == 1
            assert page.locator(".ex-arrow.now, .ex-rule-tag.now").count() == 1
    assert left == sorted(left, reverse=True) and left[-1] == 0
    assert len(set(left)) >= arrows - 2  # an arrow to parameters shows a matrix instead
    page.get_by_text("◀ Back").click()
    assert f"Arrow {arrows - 1} of {arrows}" in page.locator(".ex-step-said").inner_text()
    page.get_by_text("All", exact=True).click()
    page.get_by_role("button", name="First arrow").click()
    assert f"Arrow 1 of {arrows}" in page.locator(".ex-step-said").inner_text()


MISPRINTS = [
    ("Binary", "a1", 3), ("Binary", "a3", 3), ("Binary", "a10", 3),
    ("Softmax", "a4", 2), ("Softmax", "a8", 6), ("Softmax", "a10", 6),
    ("tanh", "a8", 12), ("tanh", "a10", 12), ("sigmoid", "a10", 12),
]  # fmt: skip


@pytest.mark.parametrize(("title", "misprint", "wrong"), MISPRINTS)
def test_a_misprint_goes_red(page, title, misprint, wrong):
    choose(page, title)
    assert page.locator(".ex-verdict.good").count() == 1
    assert page.locator(".ex-table tr.bad").count() == 0
    page.get_by_label("Formula to check").select_option(misprint)
    assert page.locator(".ex-verdict.bad").count() == 1
    assert page.locator(".ex-table tr.bad").count() == wrong
    assert page.locator(f'.ex-printed a[href$="#erratum-{misprint}"]').count() == 1
    page.get_by_label("Formula to check").select_option("")
    assert page.locator(".ex-verdict.good").count() == 1


def test_softmax_has_a_null_space(page):
    choose(page, "Softmax")
    assert page.locator(".ex-eigen .zero").count() == 3
    before = nll_shown(page)
    page.get_by_text("Add (1, 1, 1)").click()
    assert nll_shown(page) == before
    page.get_by_text("Centre them").click()
    assert nll_shown(page) == before


@pytest.mark.parametrize("method", ["Gradient descent", "Newton"])
@pytest.mark.parametrize("title", ["Binary", "Softmax"])
def test_separated_classes_run_away(page, title, method):
    page.emulate_media(reduced_motion="reduce")
    try:
        choose(page, title)
        page.get_by_label("Data", exact=True).select_option("apart")
        choose(page, method)
        cost, _, size = page.evaluate(VALUES)
        page.get_by_role("button", name="Run").click()
        status(page, "no minimum")
        later, _, larger = page.evaluate(VALUES)
    finally:
        page.emulate_media(reduced_motion="no-preference")
    assert float(later.partition("·")[0]) < float(cost) or "·10" in later
    assert float(larger) > 3 * float(size)


VALUES = "[...document.querySelectorAll('.ex-value')].map((v) => v.textContent)"


def test_running_is_seen_and_can_be_stopped(page):
    start = nll_shown(page)
    page.get_by_role("button", name="Run").click()
    page.wait_for_timeout(120)
    assert page.locator(".ex-status").inner_text() == "Running.", "no number beside those that move"
    page.get_by_role("button", name="Stop").click()
    status(page, "Stopped")
    before = nll_shown(page)
    assert float(before) < float(start)
    page.wait_for_timeout(120)
    assert nll_shown(page) == before


def test_negative_eigenvalues_point_the_other_way(page):
    choose(page, "tanh")
    bars = page.evaluate(
        "[...document.querySelectorAll('.ex-eigen li:not(.zero)')].map((li) => { const r = "
        "li.querySelector('rect'), x = +r.getAttribute('x'); "
        "return [li.className, x, x + Number(r.getAttribute('width'))]; })"
    )
    left = {end for name, _, end in bars if name == "negative"}
    right = {start for name, start, _ in bars if name == ""}
    assert len(left) >= 1 and len(right) >= 1
    assert max(left | right) - min(left | right) < 0.2, "all from zero"


def test_newton_refuses_a_saddle(page):
    choose(page, "tanh")
    choose(page, "Newton")
    page.get_by_role("button", name="One step").click()
    status(page, "negative eigenvalue")


def picture(page):
    """What identifies a situation to the eye."""
    return page.evaluate(
        "[...document.querySelectorAll('.ex-point')].map((p) => p.getAttribute('aria-label'))"
    ), page.evaluate(VALUES), page.locator(".ex-step-said").inner_text()  # fmt: skip


def test_a_link_restores_the_situation(desk, page):
    choose(page, "sigmoid")
    page.get_by_label("Data", exact=True).select_option("quadrants")
    page.get_by_label("Formula to check").select_option("a8")
    point(page, 3).focus()
    page.keyboard.press("ArrowUp")
    page.get_by_role("button", name="One step").click()
    page.get_by_text("◀ Back").click()
    page.wait_for_timeout(600)
    address, seen = page.evaluate("location.hash"), picture(page)
    assert 10 < len(address) < 400
    again = desk.open("explorer.html", address)
    assert picture(again) == seen
    assert again.locator(".ex-verdict.bad").count() == 1
    assert again.evaluate("location.hash") == address
    again.get_by_role("button", name="Copy link").click()
    status(again, "copied")
    assert again.evaluate("navigator.clipboard.readText()") == again.url


def test_back_takes_a_change_back(page):
    start = picture(page)
    choose(page, "Softmax")
    page.wait_for_timeout(600)
    chosen = picture(page)
    assert chosen != start
    page.go_back()
    page.wait_for_timeout(100)
    assert picture(page) == start
    page.go_forward()
    page.wait_for_timeout(100)
    assert picture(page) == chosen


@pytest.mark.parametrize(
    "address",
    [
        "#m=", "#m=toString", "#m=__proto__&e=constructor", "#m=binary&w=1,2", "#m=binary&w=a,b,c",
        "#m=binary&w=1e999,0,0", "#m=binary&w=NaN,0,0", "#m=tanh&p=;;;", "#m=tanh&p=1,2,3;4,5,6",
        "#m=softmax&i=99&s=-4&e=a1", "#m=binary&i=1.5&s=1e9", "#m=binary&&&===&w", "#what-to-try",
        "#m=binary&p=" + ";".join(["9,9,1"] * 500),
    ],
)  # fmt: skip
def test_nonsense_in_the_address_does_no_harm(desk, address):
    page = desk.open("explorer.html", address)
    assert desk.faults == []
    assert page.locator(".ex-point").count() == 8
    assert page.locator(".ex-verdict.good").count() == 1
    assert "none" not in " ".join(page.evaluate(VALUES))


def test_a_number_from_the_address_stays_in_bounds(desk):
    page = desk.open("explorer.html", "#m=binary&p=9,-9,1;0,0,0;1,1,1;2,2,0&w=900,0,0")
    assert desk.faults == []
    assert "at 4.00, −4.00" in point(page, 1).get_attribute("aria-label")
    assert page.get_by_label("w 0", exact=True).input_value() == "50"


def test_without_a_script_the_page_explains_itself(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((SITE / "explorer.html").as_uri())
    assert page.locator(".explorer .ex-rule math").count() > 10
    assert "needs JavaScript" in page.locator(".explorer").inner_text()
    context.close()


@pytest.mark.parametrize("view", ["phone", "phone-dark"])
def test_on_a_telephone(views, view):
    page = views[view].open("explorer.html", "#m=tanh&s=6")
    assert views[view].faults == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    point(page, 4).tap()
    assert "Point 4" in page.locator(".ex-editor strong").inner_text()
    strip = page.locator(".ex-layers")
    assert strip.evaluate("(s) => s.scrollWidth <= s.clientWidth + 1")


def test_a_finger_drags_a_point(views):
    page = views["phone"].open("explorer.html")
    spot = page.locator(".ex-point").nth(7)
    spot.scroll_into_view_if_needed()
    box, top = spot.bounding_box(), page.evaluate("scrollY")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = page.context.new_cdp_session(page)
    for kind, by in (("touchStart", 0), ("touchMove", 10), ("touchMove", 40), ("touchEnd", None)):
        points = [] if by is None else [{"x": x - by, "y": y + by}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(30)
    finger.detach()
    assert "at 2.50, −0.30" not in spot.get_attribute("aria-label")
    assert page.evaluate("scrollY") == top


@pytest.mark.parametrize("view", ["light", "phone-dark"])
@pytest.mark.parametrize("address", ["#m=softmax&s=3&e=a4", "#m=tanh&s=8&e=a8"])
def test_it_is_accessible(views, view, address):
    page = views[view].open("explorer.html", address)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [f["id"] for f in found if f["impact"] in ("serious", "critical")] == []


def test_a_page_starts_where_its_text_is(desk):
    page = desk.open("why-the-gradient.html")
    assert nll_shown(page) == f"{6 * np.log(2):.4f}"
    step = page.get_by_role("button", name="One step")
    step.click()
    compare.agree(weight_shown(page, 1), 6 / 11, digits=4)
    for _ in range(30):
        step.click()
    assert nll_shown(page) == f"{np.log(6561 / 256):.4f}"
    for k, expected in ((0, 0), (1, np.log(2)), (2, 0)):
        compare.agree(weight_shown(page, k), expected, digits=4)
    page.get_by_role("button", name="Back to the start").click()
    assert nll_shown(page) == f"{6 * np.log(2):.4f}"
    assert desk.faults == []
