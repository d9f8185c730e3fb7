"""The estimators: ridge logistic regression with offsets and weights, and a choice model of lines. Deterministic."""

import numpy as np
from scipy.optimize import minimize, minimize_scalar


def logit(p):
    return np.log(p) - np.log1p(-p)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def logistic(x, y, weight, ridge, offset=None, *, intercept=True):
    """Coefficients (the intercept first, 0 without one) of a ridge logistic regression, by Newton's method."""
    design = np.column_stack([np.ones(len(x)), x])
    penalty = np.full(design.shape[1], float(ridge))
    penalty[0] = 0.0 if intercept else 1e12
    found = np.zeros(design.shape[1])
    shift = 0.0 if offset is None else offset
    for _ in range(50):
        p = sigmoid(design @ found + shift)
        gradient = design.T @ (weight * (y - p)) - penalty * found
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        found = found + step
        if np.abs(step).max() < 1e-10:
            break
    return found


def platt(scores, y, weight):
    """Slope and intercept that calibrate log-odds."""
    intercept, slope = logistic(scores[:, None], y, weight, 1e-6)
    return slope, intercept


def choice(x, y, group, ridge):
    """Coefficients by which lines are chosen within their group (a commit): conditional logit with several choices.

    Each group weighs as the square root of its number of chosen lines. Rows of a group stand together.
    """
    chosen = np.bincount(group, y)
    keep = chosen[group] > 0
    x, y, group = x[keep], y[keep], group[keep]
    start = np.r_[0, np.flatnonzero(np.diff(group)) + 1]
    size = np.diff(np.r_[start, len(group)])
    positive = np.add.reduceat(y, start)
    target = y * np.repeat(positive**-0.5, size)
    mass = np.add.reduceat(target, start)

    def loss(found):
        z = x @ found
        top = np.maximum.reduceat(z, start)
        e = np.exp(z - np.repeat(top, size))
        total = np.add.reduceat(e, start)
        value = (target * z).sum() - (mass * (np.log(total) + top)).sum()
        gradient = x.T @ (target - e * np.repeat(mass / total, size))
        return -value + ridge / 2 * found @ found, ridge * found - gradient

    return minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x


def shares(z, group):
    """The softmax of `z` within each group of neighbouring rows."""
    start = np.r_[0, np.flatnonzero(np.diff(group)) + 1]
    size = np.diff(np.r_[start, len(group)])
    e = np.exp(z - np.repeat(np.maximum.reduceat(z, start), size))
    return e / np.repeat(np.add.reduceat(e, start), size)


def part(p, share, spread):
    """The score of a part with this share of a change of score p."""
    return -np.expm1(np.log1p(-p) * share**spread)


def spread_of(p, share, y, weight):
    """The exponent under which parts of labelled changes are best foretold: P(part | change) = part(p) / p."""

    def loss(spread):
        q = np.clip(part(p, share, spread) / p, 1e-9, 1 - 1e-9)
        return -(weight * np.where(y == 1, np.log(q), np.log1p(-q))).sum()

    return float(minimize_scalar(loss, bounds=(0.1, 3.0), method="bounded").x)
