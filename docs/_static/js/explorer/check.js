// The finite-difference check, and the note's misprints to try it on.
(function () {
  "use strict";
  const F = Formulas;
  const { cost, withOne } = window.Explorer;

  const two = ["softmax", "tanh", "sigmoid"]; // with one output for each class

  // By the row of the errata: each replaces the cost or the gradient by what the note prints; `i` is
  // the chosen data point.
  const misprints = {
    a1: {
      models: ["binary"],
      gradient: () => null, // N probabilities and n weights: there is no such difference
    },
    a3: {
      models: ["binary"],
      cost: ({ theta, X, y, i }) => F["errata.a3"](theta, withOne(X), y)[i],
    },
    a4: {
      models: ["softmax"],
      gradient: ({ theta, X, y, found }) => {
        const [first, second] = [theta.slice(0, 3), theta.slice(3)];
        return [...found.gradient.slice(0, 3), ...F["errata.a4"](withOne(X), first, second, y)];
      },
    },
    a8: {
      models: two,
      cost: ({ model, theta, X, y }) => {
        const { values } = window.Explorer.run(model, theta, X, y);
        return F["errata.a8"](y, values[values.length - 2].map((z) => z[0]));
      },
    },
    a10: {
      models: ["binary", ...two],
      gradient: ({ model, found, i }) => {
        const { layers, values, deltas } = found;
        return model.pack(layers.map((layer, l) =>
          layer.parameters ? layer.parameters([values[l][i]], [deltas[l + 1][i]]) : null));
      },
    },
  };

  const STEP = 6e-6; // near the cube root of the unit roundoff

  function differences(costAt, theta) {
    return theta.map((t, j) => {
      const h = STEP * Math.max(1, Math.abs(t));
      const moved = (by) => costAt(theta.map((u, k) => (k === j ? t + by : u)));
      return (moved(h) - moved(-h)) / (2 * h);
    });
  }

  // The gradient by the formula and by differences of the cost, with a verdict for each entry.
  function check(model, theta, X, y, found, misprint, i) {
    const wrong = misprints[misprint] || {};
    const state = { model, theta, X, y, found, i };
    const gradient = wrong.gradient ? wrong.gradient(state) : found.gradient;
    const costAt = (at) =>
      wrong.cost ? wrong.cost({ ...state, theta: at }) : cost(model, at, X, y);
    const numeric = differences(costAt, theta);
    const allowed = 1e-5 * Math.max(...numeric.map(Math.abs)) + 1e-8 * (1 + Math.abs(found.cost));
    const agrees = numeric.map((d, j) => gradient !== null && Math.abs(gradient[j] - d) <= allowed);
    return { gradient, numeric, agrees };
  }

  window.Explorer = { ...window.Explorer, misprints, check };
})();
