"""Values of other libraries, by expressions."""

import math

import pytest


def value_of(expression: str):
    """The value of *expression*, whose first name is a module; the test is skipped without it."""
    module = expression.partition(".")[0]
    return eval(expression, {module: pytest.importorskip(module), "math": math})
