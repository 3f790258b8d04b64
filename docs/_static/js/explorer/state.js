// What the reader can change, and how it is written into the address.
(function () {
  "use strict";
  const { models } = window.Explorer;

  const REACH = 4; // the plane shows -4 to 4 both ways
  const BOUND = 50; // of a weight: no logit of the plane overflows
  const FEWEST = 4;
  const MOST = 12;

  const situations = {
    overlap: {
      title: "The classes overlap",
      points: [
        [-2.4, -0.8, 0], [-1.6, 1.1, 0], [-0.7, -1.9, 0], [0.3, 0.6, 0],
        [-0.5, 0.9, 1], [0.9, -0.7, 1], [1.7, 1.4, 1], [2.5, -0.3, 1],
      ],
    },
    apart: {
      title: "The classes are apart",
      points: [
        [-2.6, -0.9, 0], [-1.9, 1.2, 0], [-1.2, -1.8, 0], [-0.9, 0.3, 0],
        [0.8, 0.9, 1], [1.1, -1.2, 1], [1.9, 1.5, 1], [2.6, -0.4, 1],
      ],
    },
    far: {
      title: "One point is far on the wrong side",
      points: [
        [-2.4, -0.8, 0], [-1.6, 1.1, 0], [-0.7, -1.9, 0], [3.6, 0.4, 0],
        [-0.2, 0.9, 1], [0.9, -0.7, 1], [1.7, 1.4, 1], [2.2, -1.3, 1],
      ],
    },
    quadrants: {
      title: "Opposite quadrants (XOR)",
      points: [
        [-1.8, -1.3, 0], [-1.0, -2.0, 0], [1.3, 1.0, 0], [2.0, 1.9, 0],
        [-1.5, 1.2, 1], [-2.1, 2.0, 1], [1.2, -1.6, 1], [2.1, -1.0, 1],
      ],
    },
  };

  const weights = {
    binary: [0.3, 0.4, -0.6],
    softmax: [0.2, 0.5, -0.3, -0.1, 0.1, 0.3],
    tanh: [1.0, 0.5, -0.4, 0.8, 0.1, -0.2, 0.7, -0.6, -0.5, 0.6, 0.1, -0.1],
    sigmoid: [1.0, 0.5, -0.4, 0.8, 0.1, -0.2, 1.4, -1.2, -1.0, 1.2, 0.1, -0.1],
  };

  const copied = (points) => points.map((point) => point.slice());
  const start = (model = "binary", situation = "overlap") => ({
    model,
    points: copied(situations[situation].points),
    theta: weights[model].slice(),
    chosen: 0,
    step: null, // how many arrows have been gone; null: all
    misprint: "",
  });

  const clamp = (x, bound) => Math.min(bound, Math.max(-bound, x));
  const digits = (x) => String(Number(x.toPrecision(6)));

  function encode({ model, points, theta, chosen, step, misprint }) {
    const parts = [
      `m=${model}`,
      `p=${points.map((point) => point.map((x) => Number(x.toFixed(2))).join(",")).join(";")}`,
      `w=${theta.map(digits).join(",")}`,
    ];
    if (chosen) parts.push(`i=${chosen + 1}`);
    if (step !== null) parts.push(`s=${step}`);
    if (misprint) parts.push(`e=${misprint}`);
    return `#${parts.join("&")}`;
  }

  const numbers = (text, bound) => {
    const found = (text || "").split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
    return found.every(Number.isFinite) ? found.map((x) => clamp(x, bound)) : [];
  };

  // The state that an address describes; what it does not say, or says wrongly, is as at the start.
  // null for an address that is about something else.
  function decode(hash) {
    if (!hash.startsWith("#m=")) return null;
    const given = Object.fromEntries(hash.slice(1).split("&").map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    }));
    const state = start(Object.hasOwn(models, given.m) ? given.m : "binary");
    const points = (given.p || "").split(";").map((part) => numbers(part, REACH));
    const sound = points.every((p) => p.length === 3 && (p[2] === 0 || p[2] === 1));
    if (sound && points.length >= FEWEST && points.length <= MOST) state.points = points;
    const theta = numbers(given.w, BOUND);
    if (theta.length === state.theta.length) state.theta = theta;
    const chosen = Number(given.i) - 1;
    if (Number.isInteger(chosen) && chosen in state.points) state.chosen = chosen;
    const step = given.s ? Number(given.s) : null;
    if (Number.isInteger(step) && step >= 0) state.step = step;
    const misprint = window.Explorer.misprints[given.e];
    if (Object.hasOwn(window.Explorer.misprints, given.e) && misprint.models.includes(state.model)) {
      state.misprint = given.e;
    }
    return state;
  }

  window.Explorer = {
    ...window.Explorer, REACH, BOUND, FEWEST, MOST, situations, weights, start, encode, decode, clamp,
    copied,
  };
})();
