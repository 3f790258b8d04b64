// The explorer: one state, drawn again after every change.
(function () {
  "use strict";
  const root = document.getElementById("explorer");
  if (!root) return;
  const E = window.Explorer;
  const { el, shown, telling, models, situations, start, encode, decode, clamp, BOUND, FEWEST, MOST } = E;

  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const KINDS = ["binary", "softmax", "tanh", "sigmoid"];

  // Where this page starts: in the situation that its author chose.
  const first = () => decode(root.dataset.start || "") || start();
  const startOf = (model) => (first().model === model ? first() : start(model));

  let state = decode(location.hash) || first();
  let path = []; // what the readout shows, step by step
  let method = "gradient";
  let running = null;
  let steps = 0;

  // -- what the page brought: the rules of the layers and the misprints, as formulas --------------

  const kept = (selector) => [...root.querySelectorAll(selector)];
  const rules = Object.fromEntries(kept("[data-kind]").map((node) =>
    [node.dataset.kind, [...node.querySelectorAll(".ex-rule")]]));
  const about = Object.fromEntries(kept("[data-erratum]").map((node) => [node.dataset.erratum, node]));

  // -- saying what happened ---------------------------------------------------------------------------

  const status = el("p", { class: "ex-status", role: "status" }, "Take a step, or move a point.");
  let saying = null;
  const say = (text, wait = 0) => {
    clearTimeout(saying);
    saying = setTimeout(() => { status.textContent = text; }, wait);
  };

  // -- the address --------------------------------------------------------------------------------------

  let settling = null;
  const settle = () => {
    clearTimeout(settling);
    settling = setTimeout(() => {
      const address = encode(state);
      if (address !== location.hash) history.pushState(null, "", address);
    }, 400);
  };
  addEventListener("popstate", () => {
    const found = location.hash === "" ? first() : decode(location.hash);
    if (!found) return;
    stop();
    clearTimeout(settling);
    state = found;
    path = [];
    draw();
    say("Back to an earlier situation.");
  });

  // -- drawing --------------------------------------------------------------------------------------------

  const features = () => state.points.map((p) => p.slice(0, 2));
  const labels = () => state.points.map((p) => p[2]);
  const model = () => models[state.model];
  const separated = () => E.separates(model(), state.theta, features(), labels());

  const plane = E.plane({
    choose: (i) => { if (i !== state.chosen) change({ chosen: i }); },
    move: (i, x, y) => {
      restart({ points: state.points.map((p, j) => (j === i ? [x, y, p[2]] : p)), chosen: i });
      say(`Point ${i + 1} at ${shown(x, 2)}, ${shown(y, 2)}. NLL ${telling(path[0][0])}.${apart()}`, 300);
    },
    flip: relabel,
  });
  const strip = E.strip(rules, (next) => {
    const all = E.arrows(model().layers(state.theta, labels())).length;
    const at = next(state.step === null ? all : Math.min(state.step, all));
    // After the last arrow comes the first.
    change({ step: at === null || at === all ? null : at > all ? 1 : Math.max(0, at) });
    say(strip.element.querySelector(".ex-step-said").textContent);
  });
  const weights = E.panels.weights((k, value) => {
    restart({ theta: state.theta.map((t, j) => (j === k ? clamp(value, BOUND) : t)) });
    say(`NLL ${telling(path[0][0])}.`, 300);
  });
  const readout = E.panels.readout();
  const checking = E.panels.checking(about, (misprint) => {
    change({ misprint });
    say(checking.element.querySelector(".ex-verdict").textContent);
  });
  const curvature = E.panels.curvature();

  function draw() {
    const found = E.run(model(), state.theta, features(), labels());
    if (path.length === 0) {
      steps = 0;
      path = [E.measured(found, state.theta, steps)];
    }
    plane.draw(state, model());
    weights.draw(state, model());
    readout.draw(path);
    strip.draw(state, model(), found);
    checking.draw(state, model(), found);
    curvature.draw(state, model());
    drawControls();
    return found;
  }

  function change(part) {
    Object.assign(state, part);
    draw();
    settle();
  }
  // A change of the problem: the path so far is of another one.
  function restart(part) {
    stop();
    path = [];
    change(part);
  }
  const moved = (points) => restart({ points });

  function relabel(i) {
    moved(state.points.map((p, j) => (j === i ? [p[0], p[1], 1 - p[2]] : p)));
    say(`Point ${i + 1} has label ${state.points[i][2]}. NLL ${telling(path[0][0])}.${apart()}`);
  }

  const apart = () =>
    separated()
      ? " These weights separate the classes: along them the NLL falls for ever, and there is no minimum."
      : "";

  // -- descending -----------------------------------------------------------------------------------------

  // Take steps; say why it ended, or null when it goes on.
  function descend(count) {
    const [X, y] = [features(), labels()];
    let ended = null;
    for (let k = 0; k < count && !ended; k++) {
      const next = method === "gradient"
        ? { theta: E.gradientStep(model(), state.theta, X, y) }
        : E.newtonStep(model(), state.theta, X, y);
      if (next.refused === "saddle") {
        ended = "The Hessian has a negative eigenvalue here: Newton’s step would make for a saddle. " +
          "Take gradient steps.";
      } else if (next.refused === "flat") {
        ended = "The Hessian is zero in double precision: Newton has no step to take.";
      } else if (Math.max(...next.theta.map(Math.abs)) > BOUND) {
        ended = `A weight would pass ${BOUND}: stopped.${apart() || " The weights run away."}`;
      } else {
        state.theta = next.theta;
        steps += 1;
        const found = E.run(model(), state.theta, X, y);
        path.push(E.measured(found, state.theta, steps));
        if (path.length > 400) path = path.filter((_, j) => j % 2 === 0 || j === path.length - 1);
        if (path[path.length - 1][1] < 1e-10 && !separated()) {
          ended = "At the minimum, as far as double precision sees.";
        }
      }
    }
    return ended;
  }

  function report(ended) {
    const [nll, gradient, size] = path[path.length - 1];
    const told = `${steps} ${steps === 1 ? "step" : "steps"}: NLL ${telling(nll)}, ` +
      `norm of the gradient ${telling(gradient)}, of the weights ${shown(size)}.`;
    return `${told} ${ended || apart().trim()}`.trim();
  }

  function stop() {
    if (running === null) return;
    clearTimeout(running);
    running = null;
    drawControls();
    settle();
  }

  function step() {
    stop();
    const ended = descend(1);
    draw();
    settle();
    say(report(ended));
  }

  function go() {
    if (running !== null) {
      stop();
      say(report("Stopped."));
      return;
    }
    if (calm.matches) {
      const ended = descend(method === "gradient" ? 300 : 20);
      draw();
      settle();
      say(report(ended));
      return;
    }
    // Slow at first, so that each step is seen, then faster.
    let turn = 0;
    const tick = () => {
      turn += 1;
      const ended = descend(method === "gradient" ? Math.min(40, Math.ceil(turn / 25)) : 1);
      if (ended || turn > 600) running = null;
      draw();
      if (running === null) {
        say(report(ended));
        settle();
      } else running = setTimeout(tick, method === "gradient" ? 30 : 450);
    };
    running = setTimeout(tick, 0);
    say("Running.");
    drawControls();
  }

  // -- controls -------------------------------------------------------------------------------------------

  const radio = (group, value, title, choose) => {
    const input = el("input", { type: "radio", name: group, value, onchange: () => choose(value) });
    return el("label", { class: "ex-choice" }, input, el("span", {}, title));
  };
  const modelChoice = el("fieldset", { class: "ex-choices" }, el("legend", { class: "spoken" }, "Model"),
    KINDS.map((kind) => radio("ex-model", kind, models[kind].title, () => {
      const { points, chosen } = state;
      restart({ ...start(kind), points, chosen });
      say(`${models[kind].title}. NLL ${telling(path[0][0])}.`);
    })));
  const methodChoice = el("fieldset", { class: "ex-choices" }, el("legend", { class: "spoken" }, "Method"),
    radio("ex-method", "gradient", "Gradient descent", (value) => { stop(); method = value; }),
    radio("ex-method", "newton", "Newton", (value) => { stop(); method = value; }));

  const situation = el("select", {
    "aria-label": "Data",
    onchange: () => {
      if (!situation.value) return;
      restart({ ...start(state.model, situation.value), misprint: state.misprint });
      say(`${situations[situation.value].title}. NLL ${telling(path[0][0])}.`);
    },
  }, el("option", { value: "" }, "Your own"),
  Object.entries(situations).map(([name, { title }]) => el("option", { value: name }, title)));

  const button = (title, act, classes = "", label = undefined) =>
    el("button", { type: "button", class: classes, onclick: act, "aria-label": label }, title);
  const runButton = button("Run", go);
  const share = button("Copy link", () => {
    history.replaceState(null, "", encode(state));
    const copying = navigator.clipboard ? navigator.clipboard.writeText(location.href) : Promise.reject();
    copying.then(() => say("The link to this situation is copied."),
      () => say("The address of the page is the link to this situation."));
  });
  const shifted = button("Add (1, 1, 1) to both w", () => {
    restart({ theta: state.theta.map((t) => clamp(t + 1, BOUND)) });
    say(`The probabilities and the NLL, ${telling(path[0][0])}, are the same.`);
  });
  const centred = button("Centre them", () => {
    const W = [state.theta.slice(0, 3), state.theta.slice(3)];
    restart({ theta: Formulas["identification.sum_to_zero"](W).flat() });
    say(`They sum to zero; the NLL, ${telling(path[0][0])}, is the same.`);
  });
  const translation = el("div", { class: "ex-buttons" }, shifted, centred);

  const field = (title, k) => {
    const input = el("input", {
      type: "number", step: 0.1, min: -E.REACH, max: E.REACH, "aria-label": `${title} of the chosen point`,
      oninput: () => {
        if (!Number.isFinite(input.valueAsNumber)) return;
        moved(state.points.map((p, j) => (j === state.chosen
          ? p.map((x, l) => (l === k ? clamp(input.valueAsNumber, E.REACH) : x)) : p)));
        say(`NLL ${telling(path[0][0])}.${apart()}`, 300);
      },
    });
    return input;
  };
  const [across, upright] = [field("x₁", 0), field("x₂", 1)];
  const flip = button("", () => relabel(state.chosen));
  const more = button("Add", () => {
    const points = [...state.points, [0, 0, state.points.length % 2]];
    restart({ points, chosen: points.length - 1 });
    say(`Point ${points.length} is in the middle, with label ${points[points.length - 1][2]}.`);
  }, "", "Add a point");
  const fewer = button("Remove", () => {
    const points = state.points.filter((_, j) => j !== state.chosen);
    restart({ points, chosen: Math.min(state.chosen, points.length - 1) });
    say(`${points.length} points are left.`);
  }, "", "Remove this point");
  const which = el("strong");
  const editor = el("div", { class: "ex-editor" }, which,
    el("label", {}, "x₁ ", across), el("label", {}, "x₂ ", upright), flip, more, fewer);

  function drawControls() {
    for (const input of modelChoice.querySelectorAll("input")) input.checked = input.value === state.model;
    for (const input of methodChoice.querySelectorAll("input")) input.checked = input.value === method;
    const same = Object.entries(situations).find(([, { points }]) => String(points) === String(state.points));
    situation.value = same ? same[0] : "";
    runButton.textContent = running === null ? "Run" : "Stop";
    translation.hidden = state.model !== "softmax";
    const [x, y, label] = state.points[state.chosen];
    which.textContent = `Point ${state.chosen + 1}`;
    if (document.activeElement !== across) across.value = x;
    if (document.activeElement !== upright) upright.value = y;
    flip.textContent = `Label ${label}`;
    flip.setAttribute("aria-label", `Label ${label}; make it ${1 - label}`);
    more.disabled = state.points.length >= MOST;
    fewer.disabled = state.points.length <= FEWEST;
  }

  // -- the page -------------------------------------------------------------------------------------------

  root.classList.add("ex-live");
  root.replaceChildren(
    el("div", { class: "ex-top" }, modelChoice,
      el("label", { class: "ex-field" }, el("span", { class: "ex-label" }, "Data"), situation), share),
    el("div", { class: "ex-main" },
      el("div", { class: "ex-figure" }, plane.element, editor,
        el("p", { class: "ex-hint" },
          "Drag a point, or Tab to it and use the arrow keys. Enter chooses it; once more, like a double ",
          "click, changes its label. Circles have label 1, squares label 0.")),
      el("div", { class: "ex-side" }, readout.element,
        el("div", { class: "ex-descent" }, methodChoice,
          el("div", { class: "ex-buttons" }, button("One step", step, "ex-primary"), runButton,
            button("Back to the start", () => {
              restart({ theta: startOf(state.model).theta });
              say(`At the start. NLL ${telling(path[0][0])}.`);
            }))),
        status, el("h2", { class: "ex-heading" }, "Weights"), weights.element, translation)),
    strip.element,
    el("div", { class: "ex-bottom" }, checking.element, curvature.element),
  );
  draw();

  // The shade has the colours of the scheme.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
})();
