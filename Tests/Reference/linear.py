"""Least squares, ridge, lasso and elastic net on small seeded examples, in float64.

Command:   python linear.py [--out DIR]
Versions:  scikit-learn 1.9.1, statsmodels 0.15.0, numpy 2.4.6

Produces linear.json with
  sets: {name: {n, d, t, x [n*d], y [n*t], weights [n] or null}}: odd shapes, fewer examples than features, duplicate and constant
  columns, columns far from 0, several targets;
  ridge: [{set, lambda, intercept, coefficients [t*d], intercepts [t], objective, condition}]: normal equations of centred data in extended
  precision (longdouble), for lambda 0 numpy's lstsq (of least norm), objective 1/2 sum w (y - xc - b)^2 + lambda |c|^2, condition of
  X'X + 2 lambda I;
  scikitRidge: [{set, lambda, coefficients, intercepts}] of Ridge(alpha=2 lambda, solver="svd");
  elasticNet: [{set, lambda, ratio, intercept, nonnegative, coefficients, interceptValue, objective}] of Lasso and ElasticNet of scikit-learn at
  tolerance 1e-14, objective as the library defines it;
  leastSquares: [{set, covariance, estimates, standardErrors, statistics, pValues, low, high}] of statsmodels' OLS and WLS, the constant
  first, interval at 95 %;
  path: {set, lambdas, leaveOneOut [mean squared error of refits without one example]};
  variance: {set, factors}: variance inflation factors of statsmodels.
"""
import numpy as np
import statsmodels.api as sm
from reference_common import options, save_json, versions
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from statsmodels.stats.outliers_influence import variance_inflation_factor

rng = np.random.default_rng(11)


def make(n, d, t=1, weights=False, change=None):
    x = rng.standard_normal((n, d))
    if change is not None:
        x = change(x)
    x = np.asarray(x, np.float32).astype(float)  # the same numbers for Float and sparse features
    true = rng.standard_normal((d, t)) * (rng.random((d, t)) < 0.7)
    y = x @ true + 0.7 * rng.standard_normal((n, t)) + 2
    w = rng.random(n) * 2 if weights else None
    if weights:
        w[:: max(2, n // 3)] = 0
    return {"x": x, "y": y, "w": w}


def duplicate(x):
    x[:, 3] = x[:, 1]
    x[:, 2] = 4
    return x


def far(x):
    x[:, 0] += 1e4
    x[:, 1] *= 1e-3
    x[:, 2] *= 1e3
    return x


def correlated(x):
    for c in range(1, x.shape[1]):
        x[:, c] = 0.95 * x[:, c - 1] + 0.3 * x[:, c]
    return x


def holes(x):
    x[rng.random(x.shape) < 0.7] = 0
    return x


SETS = {
    "plain": make(60, 5),
    "weighted": make(41, 7, weights=True),
    "one feature": make(9, 1),
    "several targets": make(50, 6, t=3, weights=True),
    "wide": make(12, 30),
    "wide weighted": make(15, 23, t=2, weights=True),
    "duplicate": make(40, 6, change=duplicate),
    "far": make(80, 5, change=far),
    "correlated": make(120, 17, change=correlated),
    "sparse": make(70, 9, change=holes, weights=True),
}


def centred(s, intercept):
    x, y = s["x"].astype(np.longdouble), s["y"].astype(np.longdouble)
    w = np.ones(len(x)) if s["w"] is None else s["w"]
    w = w.astype(np.longdouble)
    mx = (w @ x) / w.sum() if intercept else 0 * x[0]
    my = (w @ y) / w.sum() if intercept else 0 * y[0]
    return x - mx, y - my, w, mx, my


def solve_long(a, b):
    """Gaussian elimination in long double."""
    a, b = a.copy(), b.copy()
    n = len(a)
    for k in range(n):
        p = k + int(np.argmax(np.abs(a[k:, k])))
        a[[k, p]], b[[k, p]] = a[[p, k]], b[[p, k]]
        for i in range(k + 1, n):
            f = a[i, k] / a[k, k]
            a[i, k:] -= f * a[k, k:]
            b[i] -= f * b[k]
    for k in range(n - 1, -1, -1):
        b[k] = (b[k] - a[k, k + 1:] @ b[k + 1:]) / a[k, k]
    return b


def ridge(name, lam, intercept):
    s = SETS[name]
    x, y, w, mx, my = centred(s, intercept)
    h = (x * w[:, None]).T @ x + 2 * lam * np.eye(x.shape[1])
    if lam == 0:
        r = np.sqrt(w)[:, None]
        c = np.linalg.lstsq((r * x).astype(float), (r * y).astype(float), rcond=None)[0]
    else:
        c = solve_long(h, (x * w[:, None]).T @ y)
    objective = 0.5 * (w[:, None] * (y - x @ c) ** 2).sum() + lam * (c**2).sum()
    return {"set": name, "lambda": lam, "intercept": intercept, "coefficients": c.T.astype(float).ravel().tolist(),
            "intercepts": (my - mx @ c).astype(float).tolist() if intercept else [0.0] * y.shape[1],
            "objective": float(objective), "condition": float(min(1e300, np.linalg.cond(h.astype(float))))}


def scikit_ridge(name, lam):
    s = SETS[name]
    m = Ridge(alpha=2 * lam, solver="svd").fit(s["x"], s["y"], sample_weight=s["w"])
    return {"set": name, "lambda": lam, "coefficients": np.atleast_2d(m.coef_).ravel().tolist(),
            "intercepts": np.atleast_1d(m.intercept_).tolist()}


def elastic(name, lam, ratio, intercept=True, nonnegative=False):
    s = SETS[name]
    x, y, w = s["x"], s["y"][:, 0], s["w"]
    # scikit-learn: 1/(2 n) sum w' (..)^2 + alpha l1 |c|_1 + alpha (1 - l1)/2 |c|^2, weights rescaled to sum to n.
    n = len(x)
    total = n if w is None else w.sum()
    one, two = lam * ratio / total, 2 * lam * (1 - ratio) / total
    alpha = one + two
    kind = dict(fit_intercept=intercept, positive=nonnegative, tol=1e-14, max_iter=1_000_000)
    m = Lasso(alpha=alpha, **kind) if ratio == 1 else ElasticNet(alpha=alpha, l1_ratio=one / alpha, **kind)
    m.fit(x, y, sample_weight=w)
    r = y - m.predict(x)
    c = m.coef_
    objective = 0.5 * ((1 if w is None else w) * r**2).sum() + lam * (ratio * abs(c).sum() + (1 - ratio) * (c**2).sum())
    return {"set": name, "lambda": lam, "ratio": ratio, "intercept": intercept, "nonnegative": nonnegative,
            "coefficients": c.tolist(), "interceptValue": float(m.intercept_), "objective": float(objective)}


def least_squares(name, covariance, intercept=True):
    s = SETS[name]
    x, y = s["x"], s["y"][:, 0]
    x = np.column_stack([np.ones(len(x)), x]) if intercept else x
    m = sm.OLS(y, x) if s["w"] is None else sm.WLS(y, x, weights=s["w"])
    r = m.fit() if covariance == "classical" else m.fit(cov_type=covariance.upper(), use_t=True)
    low, high = r.conf_int().T
    return {"set": name, "covariance": covariance, "intercept": intercept, "estimates": r.params.tolist(),
            "standardErrors": r.bse.tolist(), "statistics": r.tvalues.tolist(), "pValues": r.pvalues.tolist(),
            "low": low.tolist(), "high": high.tolist()}


def leave_one_out(name, lambdas):
    s = SETS[name]
    w = np.ones(len(s["x"])) if s["w"] is None else s["w"]
    means = []
    for lam in lambdas:
        total = 0.0
        for i in range(len(w)):
            keep = np.arange(len(w)) != i
            m = Ridge(alpha=2 * lam, solver="svd").fit(s["x"][keep], s["y"][keep, 0], sample_weight=w[keep])
            total += w[i] * (s["y"][i, 0] - m.predict(s["x"][i: i + 1])[0]) ** 2
        means.append(total / w.sum())
    return {"set": name, "lambdas": lambdas, "leaveOneOut": means}


def main():
    args = options(__doc__).parse_args()
    lambdas = [0.0, 1e-6, 0.5, 30.0]
    out = {"versions": versions("scikit-learn", "statsmodels", "numpy")}
    out["sets"] = {k: {"n": s["x"].shape[0], "d": s["x"].shape[1], "t": s["y"].shape[1], "x": s["x"].ravel().tolist(),
                       "y": s["y"].ravel().tolist(), "weights": None if s["w"] is None else s["w"].tolist()}
                   for k, s in SETS.items()}
    out["ridge"] = [ridge(k, lam, i) for k in SETS for lam in lambdas for i in (True, False)]
    out["scikitRidge"] = [scikit_ridge(k, lam) for k in SETS for lam in lambdas[1:]]
    single = [k for k, s in SETS.items() if s["y"].shape[1] == 1]
    out["elasticNet"] = [elastic(k, lam, r) for k in single for lam in (0.3, 5.0) for r in (1.0, 0.4)]
    out["elasticNet"] += [elastic(k, 2.0, r, i, p) for k in ("plain", "wide", "sparse") for r in (1.0, 0.7)
                          for i, p in ((False, False), (True, True))]
    kinds = ("classical", "hc0", "hc1", "hc2", "hc3")
    out["leastSquares"] = [least_squares(k, c, i) for k in ("plain", "weighted", "one feature", "far", "correlated", "sparse")
                           for c in kinds for i in (True, False)]
    out["paths"] = [leave_one_out(k, [20.0, 1.0, 0.01]) for k in ("plain", "weighted", "wide", "sparse")]
    out["variance"] = []
    for k in ("plain", "correlated", "far"):
        x = np.column_stack([np.ones(len(SETS[k]["x"])), SETS[k]["x"]])
        out["variance"].append({"set": k, "factors": [variance_inflation_factor(x, i) for i in range(1, x.shape[1])]})
    save_json(args.out / "linear.json", out, indent=None)


if __name__ == "__main__":
    main()
