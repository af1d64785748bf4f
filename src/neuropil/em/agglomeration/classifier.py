"""A small network that says whether two regions are of one instance; kept as plain numbers in the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 200
_DECAY = 3e-3
_SQUARE = ("weights", "inner")


@dataclass(frozen=True)
class Classifier:
    """Two hidden layers of rectified units on standardised features, one probability.

    Attributes:
        mean, spread: (features,) of the features it was taught with.
        weights, biases: of the first layer, (units, features) and (units,).
        inner, inner_biases: of the second layer, (units, units) and (units,).
        last, last_bias: of the logit, (units,) and (1,).
    """

    mean: Array
    spread: Array
    weights: Array
    biases: Array
    inner: Array
    inner_biases: Array
    last: Array
    last_bias: Array

    @classmethod
    def none(cls) -> Classifier:
        """One without units, which stands for the mean affinity."""
        flat, square = np.empty(0), np.empty((0, 0))
        return cls(flat, flat, square, flat, square, flat, flat, flat)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Classifier:
        """As `record` gave it."""
        arrays = {name: np.array(values, np.float64) for name, values in record.items()}
        square = {name: arrays[name].reshape(len(arrays[name]), -1 if arrays[name].size else 0) for name in _SQUARE}
        return cls(**{**arrays, **square})

    def record(self) -> dict[str, Any]:
        """As nested lists of numbers."""
        return {name: values.tolist() for name, values in vars(self).items()}

    def arrays(self) -> tuple[Array, ...]:
        """In the order of the attributes, as kernels take them."""
        return tuple(np.ascontiguousarray(values) for values in vars(self).values())

    def probabilities(self, features: Array) -> Array:
        """(pairs, features) to (pairs,)."""
        first = np.maximum((features - self.mean) / self.spread @ self.weights.T + self.biases, 0)
        second = np.maximum(first @ self.inner.T + self.inner_biases, 0)
        return np.asarray(1 / (1 + np.exp(-(second @ self.last + self.last_bias[0]))))


def teach(features: Array, answers: NDArray[np.bool_], weights: Array, *, units: int, seed: int) -> Classifier:
    """Fit by weighted cross-entropy with a penalty on the squares of the weights, by L-BFGS over all pairs at once.

    Args:
        features: (pairs, features).
        answers: (pairs,) whether both regions are of one instance.
        weights: (pairs,) how much each pair counts.
        units: of each hidden layer.
        seed: of the first weights.

    Raises:
        ValueError: the answers are all alike.
    """
    from scipy.optimize import minimize

    if answers.all() or not answers.any():
        raise ValueError("all pairs have the same answer: nothing to learn")
    mean, spread = features.mean(0), np.maximum(features.std(0), 1e-6)
    given, wanted, counts = (features - mean) / spread, answers.astype(np.float64), weights / weights.sum()
    shapes = [(units, features.shape[1]), (units,), (units, units), (units,), (units,), (1,)]
    rng = np.random.default_rng(seed)
    first = np.concatenate(
        [(rng.normal(0, (2 / shape[-1]) ** 0.5, shape) if kind % 2 == 0 else np.zeros(shape)).ravel()
         for kind, shape in enumerate(shapes)]
    )  # fmt: skip
    found = minimize(
        _cost, first, (shapes, given, wanted, counts), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
    )
    return Classifier(mean, spread, *_parts(found.x, shapes))


def _parts(flat: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]


def _cost(
    flat: Array, shapes: Sequence[tuple[int, ...]], given: Array, wanted: Array, counts: Array
) -> tuple[float, Array]:
    """Cross-entropy plus penalty, and the gradient."""
    weights, biases, inner, inner_biases, last, last_bias = _parts(flat, shapes)
    first = np.maximum(given @ weights.T + biases, 0)
    second = np.maximum(first @ inner.T + inner_biases, 0)
    logits = second @ last + last_bias[0]
    penalty = _DECAY * sum(float(np.square(one).sum()) for one in (weights, inner, last))
    cost = float(counts @ (np.logaddexp(0, logits) - wanted * logits)) + penalty
    slope = counts * (1 / (1 + np.exp(-logits)) - wanted)
    back = slope[:, None] * last * (second > 0)
    early = back @ inner * (first > 0)
    gradient = [
        early.T @ given + 2 * _DECAY * weights, early.sum(0), back.T @ first + 2 * _DECAY * inner, back.sum(0),
        second.T @ slope + 2 * _DECAY * last, slope.sum(keepdims=True),
    ]  # fmt: skip
    return cost, np.concatenate([one.ravel() for one in gradient])
