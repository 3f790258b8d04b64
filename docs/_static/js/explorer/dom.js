// Elements and numbers.
(function () {
  "use strict";

  const build = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.flat().filter((child) => child !== null));
    return node;
  };
  const el = (tag, attributes, ...children) =>
    build(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) =>
    build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  const set = (node, attributes) => {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  };

  const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const raised = (n) => String(n).replace("-", "⁻").replace(/\d/g, (d) => RAISED[d]);

  // A number to read: three decimals, or a power of ten where those say nothing.
  function shown(x, decimals = 3, leading = 1) {
    if (!Number.isFinite(x)) return "none";
    const size = Math.abs(x);
    if (size === 0 || size < 1e-300) return "0";
    if (size < 0.5 * 10 ** -decimals || size >= 1e5) {
      const [mantissa, exponent] = x.toExponential(leading).split("e");
      return `${mantissa}·10${raised(Number(exponent))}`.replace("-", "−");
    }
    return x.toFixed(decimals).replace("-", "−");
  }

  // Four decimals, or fewer that say more, for a number that may go to zero.
  const telling = (x) => shown(x, Math.abs(x) < 0.01 ? 1 : 4);

  // The name of a parameter: w with an index, and the number of its layer above.
  const symbol = ({ base, sup, sub }) =>
    el("span", { class: "ex-symbol" }, base,
      sup ? el("sup", {}, sup) : null, el("sub", {}, sub));
  const spoken = ({ base, sup, sub }) => [base, sup && `of layer ${sup},`, sub].filter(Boolean).join(" ");

  window.Explorer = { ...window.Explorer, el, svg, set, shown, telling, symbol, spoken };
})();
