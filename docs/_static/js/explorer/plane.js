// The plane of the data: points to move, the probability as a shade, and the line between the labels.
(function () {
  "use strict";
  const { el, svg, set, shown, REACH, clamp, logits } = window.Explorer;

  const SIZE = 400;
  const CELLS = 48;
  const toX = (x) => (SIZE * (x + REACH)) / (2 * REACH);
  const toY = (y) => (SIZE * (REACH - y)) / (2 * REACH);
  const round = (x) => Math.round(x * 100) / 100;

  const axis = Array.from({ length: CELLS + 1 }, (_, i) => -REACH + (2 * REACH * i) / CELLS);
  const grid = axis.flatMap((y) => axis.map((x) => [x, y]));

  // The pieces of the line on which the log-odds have a value: marching squares.
  function level(z, value) {
    const at = (row, column) => z[row * (CELLS + 1) + column] - value;
    const pieces = [];
    for (let row = 0; row < CELLS; row++) {
      for (let column = 0; column < CELLS; column++) {
        const corners = [[row, column], [row, column + 1], [row + 1, column + 1], [row + 1, column]];
        const ends = [];
        corners.forEach((from, side) => {
          const to = corners[(side + 1) % 4];
          const [a, b] = [at(...from), at(...to)];
          if (a > 0 === b > 0) return;
          const t = a / (a - b);
          ends.push([
            toX(axis[from[1]] + t * (axis[to[1]] - axis[from[1]])),
            toY(axis[from[0]] + t * (axis[to[0]] - axis[from[0]])),
          ]);
        });
        for (let k = 0; k + 1 < ends.length; k += 2) pieces.push([ends[k], ends[k + 1]]);
      }
    }
    return pieces
      .map((ends) => ends.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L"))
      .map((piece) => `M${piece}`).join("");
  }

  const hues = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number);

  // The shade is a small image, one pixel a cell, which the browser makes smooth.
  const canvas = el("canvas", { width: CELLS + 1, height: CELLS + 1 });
  function shade(z, ink) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(CELLS + 1, CELLS + 1);
    z.forEach((value, number) => {
      const [row, column] = [CELLS - Math.floor(number / (CELLS + 1)), number % (CELLS + 1)];
      const p = 1 / (1 + Math.exp(-value));
      const colour = value > 0 ? ink[1] : ink[0];
      const alpha = 150 * Math.abs(p - 0.5);
      image.data.set([...colour, alpha], 4 * (row * (CELLS + 1) + column));
    });
    context.putImageData(image, 0, 0);
    return canvas.toDataURL();
  }

  // `actions`: choose(i), move(i, x, y), flip(i).
  function plane(actions) {
    const image = svg("image", {
      x: -SIZE / CELLS / 2, y: -SIZE / CELLS / 2, width: SIZE + SIZE / CELLS,
      height: SIZE + SIZE / CELLS, preserveAspectRatio: "none",
    });
    const ticks = [-3, -2, -1, 1, 2, 3];
    const axes = svg("g", { class: "ex-axes", "aria-hidden": "true" },
      svg("path", { d: `M0 ${SIZE / 2}H${SIZE}M${SIZE / 2} 0V${SIZE}` }),
      ticks.map((t) => svg("text", { x: toX(t), y: SIZE / 2 + 14, "text-anchor": "middle" }, shown(t, 0))),
      ticks.map((t) => svg("text", { x: SIZE / 2 - 6, y: toY(t) + 4, "text-anchor": "end" }, shown(t, 0))),
      svg("text", { x: SIZE - 6, y: SIZE / 2 - 8, "text-anchor": "end", class: "ex-axis-name" }, "x₁"),
      svg("text", { x: SIZE / 2 + 8, y: 16, class: "ex-axis-name" }, "x₂"));
    const boundary = svg("path", { class: "boundary" });
    const between = svg("path", { class: "level" });
    const marks = svg("g");
    const element = svg("svg", {
      class: "ex-plane", viewBox: `0 0 ${SIZE} ${SIZE}`, role: "group",
      "aria-label": "The plane of the two features, with the data points",
    }, image, axes, between, boundary, marks);
    const ink = [svg("circle", { class: "label-0", r: 0 }), svg("circle", { class: "label-1", r: 0 })];
    element.append(...ink);

    const inPlane = (event) => {
      const box = element.getBoundingClientRect();
      return [
        ((event.clientX - box.left) / box.width) * 2 * REACH - REACH,
        REACH - ((event.clientY - box.top) / box.height) * 2 * REACH,
      ].map((x) => round(clamp(x, REACH)));
    };

    const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    let points = [], chosen = 0;

    function mark(i) {
      const node = svg("g", { class: "ex-point", tabindex: "0", role: "button" },
        svg("circle", { class: "halo", r: 15 }), svg("circle", { class: "dot", r: 7.5 }),
        svg("rect", { class: "box", x: -6.5, y: -6.5, width: 13, height: 13, rx: 1.5 }));
      let moved = null;
      node.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        node.setPointerCapture(event.pointerId);
        moved = false;
        actions.choose(i);
      });
      node.addEventListener("pointermove", (event) => {
        if (moved === null) return;
        moved = true;
        actions.move(i, ...inPlane(event));
      });
      // Where touch-action is not known inside a picture, the page would scroll instead.
      node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
      const drop = () => { moved = null; };
      node.addEventListener("pointerup", drop);
      node.addEventListener("pointercancel", drop);
      node.addEventListener("dblclick", () => actions.flip(i));
      node.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          (i === chosen ? actions.flip : actions.choose)(i);
        } else if (KEYS[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey) {
          event.preventDefault();
          const by = event.shiftKey ? 0.5 : 0.1;
          const [x, y] = points[i];
          const [right, up] = KEYS[event.key];
          actions.move(i, round(clamp(x + by * right, REACH)), round(clamp(y + by * up, REACH)));
        }
      });
      return node;
    }

    function draw(state, model) {
      ({ points, chosen } = state);
      if (marks.childNodes.length !== points.length) {
        marks.replaceChildren(...points.map((_, i) => mark(i)));
      }
      points.forEach(([x, y, label], i) => {
        set(marks.childNodes[i], {
          class: `ex-point label-${label}${i === chosen ? " chosen" : ""}`,
          transform: `translate(${toX(x).toFixed(2)} ${toY(y).toFixed(2)})`,
          "aria-label": `Point ${i + 1}, label ${label}, at ${shown(x, 2)}, ${shown(y, 2)}. ` +
            `Arrow keys move it, Enter ${i === chosen ? "changes its label" : "chooses it"}.`,
          "aria-pressed": i === chosen,
        });
      });
      const z = logits(model, state.theta, grid);
      boundary.setAttribute("d", level(z, 0));
      const far = [Math.log(9), Math.log(3)];
      between.setAttribute("d", [...far, ...far.map((v) => -v)].map((v) => level(z, v)).join(""));
      image.setAttribute("href", shade(z, ink.map((node) => hues(getComputedStyle(node).color))));
    }

    return { element, draw };
  }

  window.Explorer = { ...window.Explorer, plane };
})();
