// One step of gradient descent, one step of Newton's method.
(function () {
  "use strict";
  const F = Formulas;
  const { run, cost, eigen } = window.Explorer;

  const moved = (theta, step, size) => theta.map((t, j) => t + size * step[j]);
  const norm = (v) => Math.hypot(...v);

  // Halve a step until the cost does not rise; the slack is the rounding error of the cost.
  function halved(model, theta, X, y, before, step, size) {
    for (let tries = 0; tries < 60; tries++, size /= 2) {
      const there = moved(theta, step, size);
      if (cost(model, there, X, y) <= before * (1 + 2e-15)) return there;
    }
    return theta;
  }

  // The proved step: 1/L, where L bounds every eigenvalue of every Hessian (logistic.smoothness and
  // softmax.smoothness: a factor times the largest eigenvalue of X^T X).
  function provedStep(model, X) {
    const Z = model.input(X);
    return 1 / (model.smoothness * eigen(F["linear.parameter_gradient"](Z, Z)).values.pop());
  }

  function gradientStep(model, theta, X, y) {
    const found = run(model, theta, X, y);
    const downhill = found.gradient.map((g) => -g);
    if (model.smoothness !== null) return moved(theta, downhill, provedStep(model, X));
    return halved(model, theta, X, y, found.cost, downhill, 1);
  }

  // An eigenvalue of this size is nothing but rounding: 1 - p loses what is below 1e-16.
  function noise(model, X, largest) {
    const squares = model.input(X).flat().reduce((sum, x) => sum + x * x, 0);
    return 1e-14 * (squares + largest);
  }

  // {theta} or, where Newton's step makes no sense, {refused: why}. Directions in which the cost
  // does not curve, the null space of the softmax, are left alone.
  function newtonStep(model, theta, X, y) {
    const found = run(model, theta, X, y);
    const { values, vectors } = eigen(model.hessian(theta, X, y));
    const largest = values[values.length - 1];
    const nothing = noise(model, X, largest);
    if (values[0] < -nothing) return { refused: "saddle" };
    if (!(largest > nothing)) return { refused: "flat" };
    const step = theta.map(() => 0);
    values.forEach((value, j) => {
      if (value <= nothing) return;
      const along = vectors[j].reduce((sum, v, k) => sum + v * found.gradient[k], 0) / value;
      vectors[j].forEach((v, k) => { step[k] -= along * v; });
    });
    return { theta: halved(model, theta, X, y, found.cost, step, 1) };
  }

  window.Explorer = { ...window.Explorer, gradientStep, newtonStep, provedStep, noise, norm };
})();
