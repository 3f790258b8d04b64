"""Logistic regression and backpropagation, derived for all sizes, each step proved by machine."""
