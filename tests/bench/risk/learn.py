"""The estimators: ridge logistic regression with offsets and weights, and a choice model of lines. Deterministic."""

import numpy as np
from scipy.optimize import minimize_scalar, nnls


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


def logistic_within(x, y, weight, drawn, group, *, near=None, held=None):
    """As `logistic`, while each group of rows has an intercept of its own; `drawn` are the ridge and their pull to the common one.

    So the coefficients tell what distinguishes the rows of one group, not one group from another. By Newton's method, the
    groups' intercepts eliminated from each step; sooner done from coefficients that are `near`. No row of `held`, times the
    coefficients, is below zero.
    """
    ridge, pull = drawn
    order = np.argsort(group, kind="stable")
    design, y, weight, group = np.column_stack([np.ones(len(x)), x])[order], y[order], weight[order], group[order]
    start = np.r_[0, np.flatnonzero(np.diff(group)) + 1]
    place = np.repeat(np.arange(len(start)), np.diff(np.r_[start, len(group)]))
    penalty = np.r_[0.0, np.full(x.shape[1], float(ridge))]
    found, own = np.zeros(design.shape[1]) if near is None else near, np.zeros(len(start))
    for _ in range(50):
        p = sigmoid(design @ found + own[place])
        rest, spread = weight * (y - p), weight * p * (1 - p)
        weighed = design * spread[:, None]
        across = np.add.reduceat(weighed, start)
        of_own = np.add.reduceat(spread, start) + pull
        slope, own_slope = design.T @ rest - penalty * found, np.add.reduceat(rest, start) - pull * own
        curvature = weighed.T @ design + np.diag(penalty) - across.T @ (across / of_own[:, None])
        step = np.linalg.solve(curvature, slope - across.T @ (own_slope / of_own))
        if held is not None:
            step = nearest(found + step, curvature, held) - found
        own_step = (own_slope - across @ step) / of_own
        found, own = found + step, own + own_step
        if max(np.abs(step).max(), np.abs(own_step).max()) < 1e-10:
            break
    return found


def nearest(target, curvature, held, most=40):
    """The coefficients nearest to the target, by the curvature, at which no row of `held` says less than zero.

    By the dual, with the rows that are needed; the first coefficient, the intercept, has no part in them.
    """
    rows, found, used = np.column_stack([np.zeros(len(held)), held]), target, np.zeros(len(held), bool)
    half = np.linalg.cholesky(curvature)
    while True:
        said = rows @ found
        worst = np.argsort(said)[:most]
        fresh = worst[(said[worst] < -1e-7) & ~used[worst]]
        if not len(fresh):
            return found
        used[fresh] = True
        forces, _ = nnls(np.linalg.solve(half, rows[used].T), -half.T @ target, maxiter=10_000)
        found = target + np.linalg.solve(curvature, rows[used].T @ forces)


def choice(x, y, group, ridge, *, near=None):
    """Coefficients by which lines are chosen within their group (a commit): conditional logit with several choices.

    Each group weighs as the square root of its number of chosen lines. Rows of a group stand together. By Newton's method,
    from coefficients that are `near` if there are some.
    """
    found = np.zeros(x.shape[1]) if near is None else near
    chosen = np.bincount(group, y)
    keep = chosen[group] > 0
    x, y, group = x[keep], y[keep], group[keep]
    start = np.r_[0, np.flatnonzero(np.diff(group)) + 1]
    size = np.diff(np.r_[start, len(group)])
    positive = np.add.reduceat(y, start)
    target = y * np.repeat(positive**-0.5, size)
    mass = np.add.reduceat(target, start)

    for _ in range(100):
        p = shares(x @ found, group)
        rest = target - p * np.repeat(mass, size)
        slope = x.T @ rest - ridge * found
        mean = np.add.reduceat(x * p[:, None], start)
        curvature = (x * (p * np.repeat(mass, size))[:, None]).T @ x - (mean * mass[:, None]).T @ mean
        step = np.linalg.solve(curvature + ridge * np.eye(len(found)), slope)
        # Far from the end a whole step may lead too far.
        found = found + step * min(1.0, 1.0 / np.abs(step).max())
        if np.abs(step).max() < 1e-9:
            break
    return found


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
