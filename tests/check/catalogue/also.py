"""What else was said of an entry that is right: it states in other words what was computed.

The patterns of the entries were written before any report was seen, these after reading some.
"""

ALSO = {
    # activations
    "ReLU: other side": r"-z",
    "ReLU: the cached mask of the other side": r"-z",
    "PReLU: all of z": r"sum\(delta z\)",
    "softsign: not squared": r"roots? of",
    # linear
    "linear: output for input": r"delta\^T f",
    "low rank: V not transposed": r"z\^T \(delta V\)",
    "low rank: swapped": r"\(z U\)\^T delta|z\^T \(delta V\^T\)",
    "residual: slope lost": r"z\^T delta",
    "scale: z lost": r"delta summed",
    "low rank: V lost": r"z\^T delta",
    "matrix product: swapped": r"A\^T delta",
    "two layers: slope of tanh lost": r"\(delta W2\^T\) W1\^T|z\^T \(delta W2\^T\)",
    # losses
    "softmax: p - y": r"-delta \+ softmax",
    "softmax of a vector: diag p": r"it is delta softmax",
    "Huber: sign lost": r"absolute value",
    "cross-entropy: sigmoid": r"two classes",
    "pinball: swapped": r"constant",
    "cross-entropy: delta": r"slope p - y of plain cross-entropy",
    # norms
    "layer norm: gamma as beta": r"delta summed",
    "layer norm: gamma of the output": r"delta f",
    "RMS norm: None": r"zero",
    "weight norm: projection lost": r"f sum\(delta f\)",
    # structure
    "LSTM cell: slope of the gate lost": r"it is delta c\b",
    "LSTM cell: slope of tanh lost": r"delta sigmoid\(i\)",
    "attention: 1/d": r"over sqrt",
    "attention: scores not transposed": r"dS\(Q, K, V\) Q",
    "attention: Q and K swapped": r"dS\(Q, K, V\)\^T Q",
    "embedding: scale": r"sqrt",
    "max pooling: the other one": r"-z",
    "concatenation: swapped": r"from [03] on",
    # state
    "factor 0.9999": r"0\.9999 delta",
    "nothing returned": r"zero",
    # logistic
    "margins: sign inside": r"-w",
}
