// What stands beside the plane: the weights, the cost and its path, the check, the curvature.
(function () {
  "use strict";
  const {
    el, svg, set, shown, telling, symbol, spoken, BOUND, norm, eigen, provedStep, noise,
  } = window.Explorer;

  const SLIDE = 8; // the sliders go from -8 to 8; the numbers beside them go further

  function weights(change) {
    const rows = el("div", { class: "ex-weights" });
    let drawn = "";
    let inputs = [];

    function row(name, k) {
      const slider = el("input", {
        type: "range", min: -SLIDE, max: SLIDE, step: 0.01, "aria-label": `${spoken(name)}, slider`,
        oninput: () => change(k, slider.valueAsNumber),
      });
      const field = el("input", {
        type: "number", min: -BOUND, max: BOUND, step: 0.1, "aria-label": spoken(name),
        oninput: () => { if (Number.isFinite(field.valueAsNumber)) change(k, field.valueAsNumber); },
      });
      inputs.push([slider, field]);
      return el("div", { class: "ex-weight" }, symbol(name), slider, field);
    }

    function draw(state, model) {
      if (drawn !== model.id) {
        drawn = model.id;
        inputs = [];
        rows.replaceChildren(...model.names.map(row));
        rows.classList.toggle("ex-many", model.names.length > 6);
      }
      inputs.forEach(([slider, field], k) => {
        slider.value = state.theta[k];
        if (document.activeElement !== field) field.value = Number(state.theta[k].toFixed(4));
      });
    }
    return { element: rows, draw };
  }

  // A quantity in large, and under it how it went in the steps so far.
  function trace(title, scale) {
    const [WIDTH, HEIGHT] = [150, 34];
    const value = el("output", { class: "ex-value" });
    const path = svg("path", { class: "ex-trace-line" });
    const end = svg("circle", { class: "ex-trace-end", r: 3 });
    const chart = svg("svg", {
      class: "ex-trace", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true",
    }, path, end);
    const element = el("div", { class: "ex-quantity" },
      el("span", { class: "ex-label" }, title), value, chart);

    function draw(values, steps) {
      value.textContent = telling(values[values.length - 1]);
      const heights = values.map(scale);
      const [low, high] = [Math.min(...heights), Math.max(...heights)];
      const spots = heights.map((h, k) => [
        4 + ((WIDTH - 10) * steps[k]) / Math.max(1, steps[steps.length - 1]),
        HEIGHT - 5 - ((HEIGHT - 10) * (h - low)) / (high - low || 1),
      ]);
      const along = spots.map((spot) => spot.map((at) => at.toFixed(1)).join(" "));
      path.setAttribute("d", along.length > 1 ? `M${along.join("L")}` : "");
      const [x, y] = spots[spots.length - 1];
      set(end, { cx: x.toFixed(1), cy: y.toFixed(1) });
    }
    return { element, draw };
  }

  const logarithm = (x) => Math.log10(Math.max(x, 1e-300));

  function readout() {
    const traces = [
      trace("NLL", logarithm),
      trace("‖gradient‖", logarithm),
      trace("‖weights‖", (x) => x),
    ];
    const element = el("div", { class: "ex-readout" }, traces.map((t) => t.element));
    const draw = (path) =>
      traces.forEach((t, k) => t.draw(path.map((at) => at[k]), path.map((at) => at[3])));
    return { element, draw };
  }

  const head = (...titles) => el("tr", {}, titles.map((title) => el("th", { scope: "col" }, title)));

  // `about`: for each row of the errata, the element that shows what the note prints.
  function checking(about, choose) {
    const select = el("select", {
      "aria-label": "Formula to check",
      onchange: () => choose(select.value),
    });
    const verdict = el("p", { class: "ex-verdict" });
    const body = el("tbody");
    const printed = el("div", { class: "ex-printed" });
    const element = el("section", { class: "ex-panel ex-check" },
      el("h2", { class: "ex-heading" }, "Is it the gradient?"),
      el("label", { class: "ex-field" }, el("span", { class: "ex-label" }, "Formula"), select),
      printed, verdict,
      el("div", {
        class: "ex-scroll", tabindex: "0", role: "group", "aria-label": "Gradient and differences",
      }, el("table", { class: "ex-table" },
        el("thead", {}, head("Weight", "By the formula", "By differences", "Same")), body)));
    let drawn = "";

    function draw(state, model, found) {
      if (drawn !== model.id) {
        drawn = model.id;
        const offered = Object.entries(window.Explorer.misprints)
          .filter(([, misprint]) => misprint.models.includes(model.id));
        select.replaceChildren(
          el("option", { value: "" }, "As verified"),
          el("optgroup", { label: "As the note prints it" },
            offered.map(([name]) => el("option", { value: name }, about[name].dataset.title))),
        );
      }
      select.value = state.misprint;
      printed.replaceChildren(...(state.misprint ? [about[state.misprint]] : []));
      const X = state.points.map((p) => p.slice(0, 2));
      const y = state.points.map((p) => p[2]);
      const { gradient, numeric, agrees } = window.Explorer.check(
        model, state.theta, X, y, found, state.misprint, state.chosen);
      const wrong = agrees.filter((ok) => !ok).length;
      verdict.className = `ex-verdict ${wrong ? "bad" : "good"}`;
      verdict.textContent = gradient === null
        ? `There are ${y.length} probabilities and ${state.theta.length} weights: ` +
          "the difference does not exist."
        : wrong ? `${wrong} of ${agrees.length} entries differ from the slope of the cost.`
          : "Every entry is the slope of the cost.";
      body.replaceChildren(...model.names.map((name, k) =>
        el("tr", { class: agrees[k] ? "good" : "bad" },
          el("th", { scope: "row" }, symbol(name)),
          el("td", {}, gradient === null ? "none" : shown(gradient[k], 5)),
          el("td", {}, shown(numeric[k], 5)),
          el("td", { class: "ex-mark" }, agrees[k] ? "✓" : "✗",
            el("span", { class: "spoken" }, agrees[k] ? "agrees" : "differs")))));
      return verdict.textContent;
    }
    return { element, draw };
  }

  function curvature() {
    const list = el("ol", { class: "ex-eigen" });
    const said = el("p", { class: "ex-said" });
    const element = el("section", { class: "ex-panel" },
      el("h2", { class: "ex-heading" }, "How the cost curves"),
      el("p", { class: "ex-label" }, "Eigenvalues of the Hessian"), list, said);

    function draw(state, model) {
      const X = state.points.map((p) => p.slice(0, 2));
      const y = state.points.map((p) => p[2]);
      const { values } = eigen(model.hessian(state.theta, X, y));
      const largest = Math.max(...values.map(Math.abs));
      const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)];
      const long = (v) => (120 * Math.abs(v)) / (most - least || 1);
      const nothing = noise(model, X, largest);
      const none = (v) => Math.abs(v) <= nothing;
      list.replaceChildren(...values.map((v) => {
        const width = none(v) ? 0 : Math.max(1, long(v));
        return el("li", { class: none(v) ? "zero" : v < 0 ? "negative" : "" },
          el("span", { class: "ex-num" }, none(v) ? "0" : telling(v)),
          svg("svg", { viewBox: "0 0 120 10", class: "ex-bar", "aria-hidden": "true" },
            svg("rect", {
              x: (long(least) - (v < 0 ? width : 0)).toFixed(1), width: width.toFixed(1), height: 10, rx: 2,
            })));
      }));
      const zeros = values.filter(none).length;
      const rest = values.filter((v) => !none(v));
      const parts = [];
      if (rest.length === 0) parts.push("In double precision nothing curves any more.");
      else if (zeros && model.id === "softmax") {
        parts.push("The zeros are the null space:",
          "the same vector added to both w₁ and w₂ changes nothing.");
      } else if (zeros) parts.push("A zero: a direction in which the cost does not curve.");
      if (rest.some((v) => v < 0)) {
        parts.push("A negative eigenvalue: the cost is not convex here.");
      } else if (rest.length) {
        const ratio = shown(rest[rest.length - 1] / rest[0], 1);
        parts.push(`Largest to smallest${zeros ? " that is not zero" : ""}: ${ratio}.`);
      }
      if (model.smoothness !== null) {
        parts.push(`Step of gradient descent, 1/L: ${shown(provedStep(model, X), 4)}.`);
      }
      said.textContent = parts.join(" ");
      return values;
    }
    return { element, draw };
  }

  // Where a state is on the paths of the readout, after so many steps.
  const measured = (found, theta, steps) =>
    [found.cost, norm(found.gradient), norm(theta), steps];

  const panels = { weights, readout, checking, curvature };
  window.Explorer = { ...window.Explorer, panels, measured };
})();
