// The functions of logits in JavaScript: node softmax.mjs

import { createInterface } from "node:readline";

const sum = (a) => a.reduce((total, x) => total + x, 0);

function leftOut(z) {
  const top = z.indexOf(Math.max(...z));
  const e = z.map((x) => Math.exp(x - z[top]));
  return { top, e, rest: sum(e.filter((_, a) => a !== top)) };
}

function numbers(value) {
  if (!Array.isArray(value) || value.length === 0) throw new RangeError("expected a list of numbers");
  if (!value.every(Number.isFinite)) throw new RangeError("expected finite numbers");
  return value;
}

const functions = {
  "sigmoid.sigmoid": ({ t }) =>
    numbers(t).map((x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)))),
  "sigmoid.softplus": ({ t }) => numbers(t).map((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  "sigmoid.log_sigmoid": ({ t }) => numbers(t).map((x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))),
  "softmax.softmax": ({ z }) => {
    const { e, rest } = leftOut(numbers(z));
    return e.map((x) => x / (1 + rest));
  },
  "softmax.logsumexp": ({ z }) => {
    const { top, rest } = leftOut(numbers(z));
    return z[top] + Math.log1p(rest);
  },
  "softmax.log_softmax": ({ z }) => {
    const { top, rest } = leftOut(numbers(z));
    return z.map((x) => x - z[top] - Math.log1p(rest));
  },
};

function answer({ function: name, input }) {
  const nested = Array.isArray(input.z ?? input.t) && (input.z ?? input.t).some(Array.isArray);
  if (!(name in functions) || nested || "axis" in input || "b" in input) return { unsupported: true };
  try {
    return { output: functions[name](input) };
  } catch (problem) {
    if (problem instanceof RangeError) return { error: problem.message };
    throw problem;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(answer(JSON.parse(line))));
}
