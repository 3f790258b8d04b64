"""Reference implementation of logistic regression and backpropagation in plain NumPy.

Each module carries the name of its concept, each function the name of its statement:
``logistic.nll_gradient`` here computes what ``logistic.nll_gradient`` states and derives.
"""
