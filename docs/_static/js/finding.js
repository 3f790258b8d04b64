// Which statements a reader means, the best first: by words, forgiving a slip of the pen, and by the
// shape of a formula, whatever its indices and its fonts.
const finding = (() => {
  // What other people call it.
  const SYNONYMS = {
    backprop: ["backpropagation"], backward: ["rule 2"], pullback: ["rule 2"], vjp: ["rule 2"],
    categorical: ["softmax"], multinomial: ["softmax"], multiclass: ["softmax"], maxent: ["softmax"],
    "cross-entropy": ["nll"], crossentropy: ["nll"], "log-loss": ["nll"], logloss: ["nll"], loss: ["nll", "cost"],
    derivative: ["gradient", "jacobian", "slope"], grad: ["gradient"], score: ["gradient"],
    curvature: ["hessian"], hvp: ["hessian-vector"], logistic: ["sigmoid"], expit: ["sigmoid"],
    layernorm: ["layer norm"], batchnorm: ["batch norm"], normalization: ["norm"], normalisation: ["norm"],
    ridge: ["penalty"], regularization: ["penalty"], regularisation: ["penalty"], "l2": ["penalty"],
    irls: ["newton", "weighted"], dense: ["linear"], affine: ["linear"], swish: ["silu"],
  };

  // ---------------------------------------------------------------- formulas

  // TeX and plain text of the same formula, alike: no fonts, no spaces, no signs of a product.
  const plain = (formula) => formula
    .normalize("NFKC")
    .replace(/\\(?:mathbf|boldsymbol|operatorname|mathrm|mathcal|text|left|right|displaystyle|,|;|:|!)(?![a-z])/g, "")
    .replace(/\\top|⊤/g, "T")
    .replace(/\\nabla/g, "∇").replace(/\\partial/g, "∂").replace(/\\sum/g, "Σ")
    .replace(/\\sigma/g, "σ").replace(/\\delta/g, "δ").replace(/\\odot|\\cdot|·|\*/g, "")
    .replace(/[{}\s]/g, "")
    .toLowerCase();
  const withoutIndices = (formula) => plain(formula.replace(/_(?:\{[^{}]*\}|[\p{L}\d]+)/gu, ""));

  const letter = (sign) => sign !== undefined && /[\p{L}\d]/u.test(sign);
  const stands = (part, whole) => {
    for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + 1)) {
      const cut = (letter(whole[at - 1]) && letter(part[0])) ||
        (letter(whole[at + part.length]) && letter(part.at(-1)));
      if (!cut) return true;
    }
    return false;
  };

  // The more of a formula is what was asked for, the better; with the indices as asked, better still.
  const ofFormula = (query) => {
    const [exact, shape] = [plain(query), withoutIndices(query)];
    return ({ formulas }) => Math.max(0, ...formulas.map((formula) => {
      const whole = plain(formula), bare = withoutIndices(formula);
      if (exact && stands(exact, whole)) return 1 + exact.length / whole.length;
      return shape && stands(shape, bare) ? shape.length / bare.length : 0;
    }));
  };

  // As the statements write it: X.T @ y and Xᵀy are X^T y.
  const written = (query) => query.replace(/ᵀ|\.T\b/g, "^T").replace(/@/g, "").replace(/−/g, "-");

  const isFormula = (query) => !/^[a-z][a-z\d_]{3,}(?:\.[a-z\d_]*)?$/.test(query) &&
    (/[=^\\_+*/(){}∂∇Σσδ]/.test(query) || /(?:^|\s)-(?:\s|$)/.test(query) || /\b\w{1,2}-\w{1,2}\b/.test(query));

  // ---------------------------------------------------------------- words

  // How many letters are missing, too many, other, or swapped with the next.
  const distance = (one, other) => {
    const rows = [...Array(one.length + 1)].map((_, i) => [i, ...Array(other.length).fill(0)]);
    rows[0] = [...Array(other.length + 1).keys()];
    for (let i = 1; i <= one.length; i++) {
      for (let j = 1; j <= other.length; j++) {
        const same = one[i - 1] === other[j - 1];
        rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + !same);
        if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
          rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
        }
      }
    }
    return rows[one.length][other.length];
  };
  const slips = (word) => (word.length < 5 ? 0 : word.length < 9 ? 1 : 2);

  const ofWord = (word, { id, title, words }) => {
    const begins = (text) => text.split(/[\s._,;:()'"-]+/).some((part) => part.startsWith(word));
    if (title.toLowerCase().includes(word)) return begins(title.toLowerCase()) ? 8 : 5;
    if (id.includes(word)) return 6;
    return words.includes(word) ? 2 : 0;
  };

  const ofWords = (query, statements) => {
    const known = [...new Set(statements.flatMap(({ words }) => words.match(/[\p{L}-]{4,}/gu) ?? []))];
    const meant = query.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
      const others = (SYNONYMS[word] ?? []).map((other) => [other, 0.8]);
      const there = others.length || statements.some((one) => ofWord(word, one));
      const near = there ? [] : known.filter((other) => distance(word, other) <= slips(word))
        .map((other) => [other, 0.5]);
      return [[word, 1], ...others, ...near];
      // A word that no statement has is left out.
    }).filter((ways) => statements.some((one) => ways.some(([word]) => ofWord(word, one))));
    return (statement) => {
      const scores = meant.map((ways) =>
        Math.max(...ways.map(([word, worth]) => worth * ofWord(word, statement))));
      return scores.every(Boolean) ? scores.reduce((sum, score) => sum + score, 0) : 0;  // none: 0
    };
  };

  /** The statements that a query finds, the best first; what is equally good stays in order. */
  const find = (query, statements) => {
    const formula = written(query);
    const score = isFormula(formula) ? ofFormula(formula) : ofWords(query, statements);
    return statements.map((statement) => [score(statement), statement])
      .filter(([worth]) => worth > 0)
      .sort(([one], [other]) => other - one)
      .map(([, statement]) => statement);
  };

  return { find };
})();
if (typeof module !== "undefined") module.exports = finding;
