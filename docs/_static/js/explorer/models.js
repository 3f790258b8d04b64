// The three models. Everything that is computed here is a call of a function of formulas.js, which
// was printed from the verified statements; this file says only which layer comes after which.
(function () {
  "use strict";
  const F = Formulas;

  const zeros = (n) => new Array(n).fill(0);
  const transpose = (A) => A[0].map((_, j) => A.map((row) => row[j]));
  const chunk = (list, size) =>
    Array.from({ length: list.length / size }, (_, i) => list.slice(i * size, (i + 1) * size));
  const add = (A, B) => A.map((row, i) => row.map((a, j) => a + B[i][j]));
  const indicators = (y) => y.map((label) => [label, 1 - label]);

  // -- layers: RULE 1, RULE 2, RULE 3 and the Jacobian, for data points that are rows ------------

  const linear = (W, b) => ({
    kind: "linear",
    forward: (Z) => F["linear.forward"](Z, W, b),
    backward: (Z, D) => D.map((delta) => F["linear.backward"](W, delta)),
    jacobian: () => W,
    parameters: (Z, D) => ({
      W: F["linear.parameter_gradient"](Z, D),
      b: F["linear.parameter_gradient"](Z.map(() => [1]), D).flat(),
    }),
    W,
  });

  // One logit z gives (log p, log(1 - p)) = (log sigma(z), log sigma(-z)).
  const signs = linear([[1], [-1]], [0, 0]);
  const logSigmoid = {
    kind: "log_sigmoid",
    forward: (Z) => signs.forward(Z).map((row) => row.map(F["sigmoid.stable"])),
    backward: (Z, D) =>
      signs.backward(Z, signs.forward(Z).map((z, i) => F["activations.log_sigmoid_backward"](z, D[i]))),
    jacobian: (z) =>
      F["linear.forward"](
        F["activations.log_sigmoid_jacobian"](signs.forward([z])[0]), transpose(signs.W), [0],
      ),
  };

  // softmax.shift_invariance: the same values for shifted logits, and nothing overflows.
  const shifted = (z) => {
    const top = Math.max(...z);
    return z.map((value) => value - top);
  };
  const logSoftmax = {
    kind: "log_softmax",
    forward: (Z) => Z.map((z) => F["log_softmax.forward"](shifted(z))),
    backward: (Z, D) => Z.map((z, i) => F["log_softmax.backward"](shifted(z), D[i])),
    jacobian: (z) => F["log_softmax.jacobian"](shifted(z)),
    second: (z) => F["log_softmax.second_order"](shifted(z)),
  };

  const activation = (kind, second) => ({
    kind,
    forward: (Z) => Z.map((z) => F[`activations.${kind}_forward`](z)),
    backward: (Z, D) => Z.map((z, i) => F[`activations.${kind}_backward`](z, D[i])),
    jacobian: (z) => F[`activations.${kind}_jacobian`](z),
    second: (z) => F["activations.any_function_second_order"](z, second),
  });
  const activations = {
    sigmoid: activation("sigmoid", F["sigmoid.second_derivative"]),
    // activations.tanh_sigmoid: tanh(t) = 2 sigma(2 t) - 1.
    tanh: activation("tanh", (t) => 8 * F["sigmoid.second_derivative"](2 * t)),
  };

  const nll = (Y) => ({
    kind: "nll",
    forward: (Z) => F["nll.forward"](Z, Y),
    backward: (Z, delta) => F["nll.backward"](Y, delta),
    jacobian: (z, i) => [F["nll.jacobian"](Y)[i]],
  });

  // -- one pass up, one pass down -----------------------------------------------------------------

  function up(layers, Z) {
    const values = [Z];
    for (const layer of layers) values.push(layer.forward(values[values.length - 1]));
    return values;
  }

  function down(layers, values) {
    const deltas = [1];
    const gradients = [];
    for (let l = layers.length - 1; l >= 0; l--) {
      gradients.unshift(layers[l].parameters ? layers[l].parameters(values[l], deltas[0]) : null);
      deltas.unshift(layers[l].backward(values[l], deltas[0]));
    }
    return { deltas, gradients };
  }

  // sum_u sum_w delta_u T_uvw dz_w: how RULE 2 changes with the values of the layer.
  const contracted = (delta, T, dz) =>
    dz.map((_, v) =>
      delta.reduce((sum, d, u) => dz.reduce((t, r, w) => t + d * T[u][v][w] * r, sum), 0));

  // The passes differentiated along a direction, as in backpropagation.hvp_forward_over_reverse:
  // one column of the Hessian for each parameter.
  function hessianByDirections(model, theta, layers, values, deltas) {
    const blank = zeros(theta.length);
    return theta.map((_, parameter) => {
      const along = model.unpack(blank.map((_, j) => (j === parameter ? 1 : 0)));
      const tangents = [values[0].map((z) => zeros(z.length))];
      layers.slice(0, -1).forEach((layer, l) => {
        const moved = tangents[l].map((dz, i) => {
          const J = layer.jacobian(values[l][i], i);
          return F["linear.forward"]([dz], J, zeros(J.length))[0];
        });
        tangents.push(
          along[l] ? add(moved, F["linear.forward"](values[l], along[l].W, along[l].b)) : moved,
        );
      });
      let change = values[layers.length - 1].map((z) => zeros(z.length)); // that of the labels
      const columns = layers.map(() => null);
      for (let l = layers.length - 2; l >= 0; l--) {
        const [layer, delta] = [layers[l], deltas[l + 1]];
        const below = layer.backward(values[l], change);
        if (along[l]) {
          const own = layer.parameters(values[l], change);
          const W = add(own.W, F["linear.parameter_gradient"](tangents[l], delta));
          columns[l] = { W, b: own.b };
          change = add(below, delta.map((d) => F["linear.backward"](along[l].W, d)));
        } else {
          const bent = values[l].map((z, i) =>
            contracted(delta[i], layer.second(z), tangents[l][i]));
          change = add(below, bent);
        }
      }
      return model.pack(columns);
    });
  }

  // -- the models -----------------------------------------------------------------------------------

  const withOne = (X) => X.map((x) => [1, ...x]);
  const named = (base, sup, sub) => ({ base, sup, sub });

  const binary = {
    id: "binary",
    title: "Binary",
    names: [0, 1, 2].map((k) => named("w", "", `${k}`)),
    units: [["1", "x₁", "x₂"], ["z"], ["log p", "log(1−p)"], ["NLL"]],
    maps: ["Linear", "Log-sigmoid", "NLL"],
    input: withOne,
    unpack: (theta) => [{ W: [theta], b: [0] }],
    pack: (blocks) => blocks[0].W.flat(),
    layers: (theta, y) => [linear([theta], [0]), logSigmoid, nll(indicators(y))],
    logits: (values) => values[1].map((z) => z[0]),
    hessian: (theta, X) => F["logistic.nll_hessian"](theta, withOne(X)),
    smoothness: 1 / 4, // logistic.smoothness
  };

  const softmax = {
    id: "softmax",
    title: "Softmax, K = 2",
    names: [1, 2].flatMap((a) => [0, 1, 2].map((k) => named("w", "", `${a},${k}`))),
    units: [["1", "x₁", "x₂"], ["z₁", "z₂"], ["log p₁", "log p₂"], ["NLL"]],
    maps: ["Linear", "Log-softmax", "NLL"],
    input: withOne,
    unpack: (theta) => [{ W: chunk(theta, 3), b: [0, 0] }],
    pack: (blocks) => blocks[0].W.flat(),
    layers: (theta, y) => [linear(chunk(theta, 3), [0, 0]), logSoftmax, nll(indicators(y))],
    logits: (values) => values[1].map(([first, second]) => first - second),
    hessian: (theta, X) =>
      F["softmax.nll_hessian"](chunk(theta, 3), withOne(X)).flatMap((block) =>
        block.map((row) => row.flat())),
    smoothness: 1 / 2, // softmax.smoothness
  };

  const hidden = (kind) => ({
    id: kind,
    title: `Hidden layer, ${kind}`,
    names: [
      ...["11", "12", "21", "22"].map((sub) => named("W", "1", sub)),
      ...["1", "2"].map((sub) => named("b", "1", sub)),
      ...["11", "12", "21", "22"].map((sub) => named("W", "2", sub)),
      ...["1", "2"].map((sub) => named("b", "2", sub)),
    ],
    units: [
      ["x₁", "x₂"], ["z₁", "z₂"], ["h₁", "h₂"], ["z₁", "z₂"], ["log p₁", "log p₂"], ["NLL"],
    ],
    maps: ["Linear", kind === "tanh" ? "Tanh" : "Sigmoid", "Linear", "Log-softmax", "NLL"],
    input: (X) => X,
    bias: true, // the parameters of a layer are W and b; elsewhere x has a 1 instead
    unpack: (theta) => [
      { W: chunk(theta.slice(0, 4), 2), b: theta.slice(4, 6) }, null,
      { W: chunk(theta.slice(6, 10), 2), b: theta.slice(10) }, null, null,
    ],
    pack: (blocks) => [blocks[0], blocks[2]].flatMap(({ W, b }) => [...W.flat(), ...b]),
    layers(theta, y) {
      const [first, , second] = this.unpack(theta);
      return [
        linear(first.W, first.b), activations[kind], linear(second.W, second.b), logSoftmax,
        nll(indicators(y)),
      ];
    },
    logits: (values) => values[3].map(([first, second]) => first - second),
    hessian(theta, X, y) {
      const layers = this.layers(theta, y);
      const values = up(layers, X);
      return hessianByDirections(this, theta, layers, values, down(layers, values).deltas);
    },
    smoothness: null, // the cost is not convex, and no step size is proved for it
  });

  const models = { binary, softmax, tanh: hidden("tanh"), sigmoid: hidden("sigmoid") };

  // Everything about a state: values, deltas, cost and gradient.
  function run(model, theta, X, y) {
    const layers = model.layers(theta, y);
    const values = up(layers, model.input(X));
    const { deltas, gradients } = down(layers, values);
    return {
      layers, values, deltas, gradients,
      cost: values[values.length - 1],
      gradient: model.pack(gradients),
    };
  }

  const cost = (model, theta, X, y) => up(model.layers(theta, y), model.input(X)).pop();

  // The log-odds of label 1 at any points of the plane.
  const logits = (model, theta, X) =>
    model.logits(up(model.layers(theta, X.map(() => 0)).slice(0, -1), model.input(X)));

  // The Jacobian of each layer at data point i.
  const jacobians = ({ layers, values }, i) =>
    layers.map((layer, l) => layer.jacobian(values[l][i], i));

  // logistic.no_mle_when_separable: the margins m_i of weights that separate are all positive.
  const separates = (model, theta, X, y) =>
    F["logistic.no_mle_when_separable"]([1], logits(model, theta, X).map((z) => [z]), [0], y, 0)
      .every((minusMargin) => minusMargin < 0);

  window.Explorer = {
    ...window.Explorer, models, run, cost, logits, jacobians, separates, withOne,
  };
})();
