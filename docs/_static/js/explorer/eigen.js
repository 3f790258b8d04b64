// Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations.
// No statement says this; tests/browser/test_explorer.py holds it against LAPACK.
(function () {
  "use strict";

  // The entries of two rows or columns p and q that the rotation (c, s) mixes.
  const rotate = (A, row, p, q, c, s) => {
    const [left, right] = [A[row][p], A[row][q]];
    A[row][p] = c * left - s * right;
    A[row][q] = s * left + c * right;
  };

  const offDiagonal = (A) =>
    A.reduce((sum, row, i) => row.reduce((t, a, j) => (i === j ? t : t + a * a), sum), 0);

  const norm2 = (A) => A.reduce((sum, row) => row.reduce((t, a) => t + a * a, sum), 0);

  // {values, vectors}: the smallest value first; vectors[j] belongs to values[j].
  function eigen(matrix) {
    const n = matrix.length;
    const scale = Math.max(...matrix.flat().map(Math.abs)) || 1; // or the squares would underflow
    const A = matrix.map((row) => row.map((a) => a / scale));
    const V = matrix.map((_, i) => matrix.map((_, j) => (i === j ? 1 : 0)));
    const enough = norm2(A) * 1e-32;
    for (let sweep = 0; sweep < 60 && offDiagonal(A) > enough; sweep++) {
      for (let p = 0; p < n; p++) {
        for (let q = p + 1; q < n; q++) {
          if (A[p][q] === 0) continue;
          const theta = (A[q][q] - A[p][p]) / (2 * A[p][q]);
          const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
          const c = 1 / Math.hypot(t, 1);
          const s = t * c;
          for (let i = 0; i < n; i++) rotate(A, i, p, q, c, s);
          [A[p], A[q]] = [
            A[p].map((a, i) => c * a - s * A[q][i]),
            A[p].map((a, i) => s * a + c * A[q][i]),
          ];
          for (let i = 0; i < n; i++) rotate(V, i, p, q, c, s);
        }
      }
    }
    const order = A.map((_, j) => j).sort((a, b) => A[a][a] - A[b][b]);
    return {
      values: order.map((j) => scale * A[j][j]),
      vectors: order.map((j) => V.map((row) => row[j])),
    };
  }

  window.Explorer = { ...window.Explorer, eigen };
})();
