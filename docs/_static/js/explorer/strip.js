// The layers of one data point: values forward, deltas backward, one arrow at a time.
(function () {
  "use strict";
  const { el, svg, set, shown, jacobians } = window.Explorer;

  const RULES = ["RULE 1", "RULE 2", "RULE 3"];
  const SPOKEN = ["forward", "backward", "for the parameters"];

  // The arrows of both passes in their order: {rule: 0, 1 or 2, layer}.
  function arrows(layers) {
    const up = layers.map((_, layer) => ({ rule: 0, layer }));
    const down = layers.flatMap((_, layer) => [
      { rule: 1, layer },
      ...(layers[layer].parameters ? [{ rule: 2, layer }] : []),
    ]).reverse();
    return [...up, ...down];
  }

  const number = (x, known = true) => el("span", { class: "ex-num" }, known ? shown(x, 3, 0) : "·");

  const matrix = (rows, label) =>
    el("table", { class: "ex-matrix" }, el("caption", {}, ...label),
      el("tbody", {}, rows.map((row) =>
        el("tr", {}, row.map((x) => el("td", {}, shown(x, 2, 0)))))));

  const arrow = (backward, classes) =>
    svg("svg", { class: `ex-arrow ${classes}`, viewBox: "0 0 64 16", "aria-hidden": "true" },
      svg("path", { d: backward ? "M62 8H4M11 2.5L3 8L11 13.5" : "M2 8H60M53 2.5L61 8L53 13.5" }));

  const sup = (text) => el("sup", {}, `${text}`);

  // `rules`: for each kind of layer, the elements that say what its rules compute.
  function strip(rules, go) {
    const columns = el("div", {
      class: "ex-layers", role: "group", tabindex: "0", "aria-label": "The layers of the chosen point",
    });
    const button = (title, text, steps) =>
      el("button", { type: "button", "aria-label": title, title, onclick: () => go(steps) }, text);
    const buttons = {
      first: button("Back to the input", "Input", () => 0),
      back: button("Back one arrow", "◀ Back", (at) => at - 1),
      next: button(undefined, "", (at) => at + 1),
      all: button("All arrows", "All", () => null),
    };
    buttons.next.classList.add("ex-primary");
    const said = el("p", { class: "ex-step-said" });
    const formula = el("div", { class: "ex-step-formula" });
    const title = el("h2", { class: "ex-heading" });
    const element = el("section", { class: "ex-strip" },
      el("div", { class: "ex-strip-head" }, title,
        el("div", { class: "ex-buttons", role: "group", "aria-label": "Steps" },
          Object.values(buttons)),
        said),
      columns, formula);

    function column(kind, head, ...cells) {
      return [el("div", { class: `ex-${kind} ex-head` }, head),
        ...["forward", "between", "backward", "parameters"].map((lane, k) =>
          el("div", { class: `ex-${kind} ex-${lane}` }, cells[k] || []))];
    }

    // Where the layers are wider than the page, the arrow that was gone comes into sight.
    function reveal(node) {
      if (!node) return;
      const [box, seen] = [node.getBoundingClientRect(), columns.getBoundingClientRect()];
      columns.scrollLeft +=
        Math.min(0, box.left - seen.left - 110) + Math.max(0, box.right - seen.right + 110);
    }

    function draw(state, model, found) {
      const { layers, values, deltas, gradients } = found;
      const [i, L] = [state.chosen, layers.length];
      const way = arrows(layers);
      const at = state.step === null ? way.length : Math.min(state.step, way.length);
      const done = (rule, layer) => way.slice(0, at).some((a) => a.rule === rule && a.layer === layer);
      const now = at > 0 && at < way.length ? way[at - 1] : {};
      const J = jacobians(found, i);
      const of = (list, l) => (l === L ? [list[L]] : list[l][i]);

      const layer = (l) => {
        const [known, told] = [l === 0 || done(0, l - 1), l === L ? done(0, L - 1) : done(1, l)];
        const units = of(values, l).map((x, u) =>
          el("div", { class: "ex-unit" },
            el("span", { class: "ex-name" }, model.units[l][u]), number(x, known)));
        if (l === L) {
          const [label, own] = [state.points[i][2], values[L - 1][i]];
          units.push(el("div", { class: "ex-unit ex-own" }, el("span", { class: "ex-name" }, "its share"),
            number(-own[label ? 0 : 1], known)));
        }
        return column("layer", el("span", {}, l === L ? "C" : ["z", sup(l + 1)]), units, null, [
          el("div", { class: "ex-unit ex-delta" }, el("span", { class: "ex-name" }, "δ", sup(l + 1))),
          ...of(deltas, l).map((x) => el("div", { class: "ex-unit" }, number(x, told))),
        ]);
      };

      const map = (l) => {
        const lit = (rule) =>
          `${done(rule, l) ? "done" : ""} ${now.rule === rule && now.layer === l ? "now" : ""}`;
        const told = !gradients[l] || !done(2, l) ? [] : [
          matrix(gradients[l].W, ["∂C/∂W"]),
          ...(model.bias ? [matrix(gradients[l].b.map((x) => [x]), ["∂C/∂b"])] : []),
        ];
        return column("map", model.maps[l],
          [arrow(false, lit(0)), el("span", { class: "ex-rule-tag" }, RULES[0])],
          done(0, l) ? matrix(J[l], ["∂z", sup(l + 2), "/∂z", sup(l + 1)]) : null,
          [arrow(true, lit(1)), el("span", { class: "ex-rule-tag" }, RULES[1])],
          gradients[l]
            ? [el("span", { class: `ex-rule-tag ${lit(2)}` }, `${RULES[2]}, sum over the points`), ...told]
            : null);
      };

      columns.replaceChildren(...layers.flatMap((_, l) => [...layer(l), ...map(l)]), ...layer(L));
      columns.classList.toggle("ex-deep", L > 3);
      title.textContent = `Point ${i + 1}, layer by layer`;
      buttons.first.disabled = buttons.back.disabled = at === 0;
      buttons.all.disabled = at === way.length;
      const next = at % way.length === 0 ? "First arrow" : "Next arrow";
      set(buttons.next, { "aria-label": next, title: next });
      buttons.next.textContent = `${next} ▶`;
      const gone = way[at - 1];
      said.textContent = at === way.length ? "Both passes are complete."
        : gone ? `Arrow ${at} of ${way.length}: ${RULES[gone.rule]}, ${SPOKEN[gone.rule]}, ` +
            `${model.maps[gone.layer]}.`
          : `Only the input is known; ${way.length} arrows to go.`;
      reveal(columns.querySelector(".now"));
      const shownRule = at < way.length && gone ? rules[layers[gone.layer].kind][gone.rule] : null;
      formula.replaceChildren(...(shownRule ? [shownRule] : []));
      formula.hidden = at === way.length;
      return said.textContent;
    }

    return { element, draw };
  }

  window.Explorer = { ...window.Explorer, strip, arrows };
})();
