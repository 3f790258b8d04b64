"""The reference implementation of this project."""

from reference_impl import logistic, sigmoid, softmax

MODULES = {"logistic": logistic, "sigmoid": sigmoid, "softmax": softmax}


def answer(function, input):
    concept, _, name = function.partition(".")
    found = getattr(MODULES.get(concept), name, None)
    if found is None:
        raise NotImplementedError(function)
    return found(**input)
