"""Logistic, Poisson, gamma, Tweedie and ordinal regression of scikit-learn and statsmodels on small seeded data.

Command:   python generalized_linear.py [--out DIR]
Versions:  scikit-learn 1.9.1, statsmodels 0.15.0, numpy 2.4.6

Produces generalized-linear.json:
  data: name -> {x [n][d] (float32 values), labels [n] (two classes), classes [n] (three), counts [n], amounts [n] (above 0),
    spend [n] (some 0), stars [n] (1 ... 4), weights [n], offset [n]}
  logistic, multinomial: fits by scikit-learn: {data, penalty: {kind, c, ratio}, intercept, weighted, balanced, coefficients [k][d],
    intercepts [k], objective}. The objective is ratio |w|_1 + (1 - ratio) |w|^2 / 2 + C sum s loss. scikit-learn's solution is
    polished by Newton steps in numpy where it is smooth; kkt is the largest violation of the optimality conditions that is left.
  firth: Firth's estimate as R's logistf computes it, in numpy: coefficients, standardErrors (intercept first), penalizedLogLikelihood.
  inference: statsmodels' Logit, MNLogit and GLM: estimates, standardErrors, pValues, hc0, hc1 (standard errors), logLikelihood,
    nullLogLikelihood, aic, bic, deviance, scale; the intercept comes first, classes one after the other.
  glm: scikit-learn's PoissonRegressor, GammaRegressor, TweedieRegressor: {data, family, power, alpha, weighted, coefficients, intercept}
  ordinal: statsmodels' OrderedModel (logit): coefficients, thresholds, standardErrors and hc0 of the coefficients, logLikelihood.
"""
import warnings

import numpy as np
import statsmodels.api as sm
from reference_common import options, save_json, versions
from scipy.optimize import minimize
from sklearn.linear_model import GammaRegressor, LogisticRegression, PoissonRegressor, TweedieRegressor
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.stats.sandwich_covariance import cov_white_simple

warnings.filterwarnings("ignore")


def make(seed, n, d, change=lambda x: x):
    rng = np.random.default_rng(seed)
    x = change(rng.normal(size=(n, d))).astype(np.float32).astype(np.float64)
    z = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
    eta = z @ (rng.normal(size=d) / np.sqrt(d)) * 1.2
    labels = (eta + rng.logistic(size=n) > 0.3).astype(int)
    classes = np.argmax(np.stack([eta, 0.7 * z[:, 0], -0.4 * eta + 0.2]).T + rng.gumbel(size=(n, 3)), axis=1)
    mu = np.exp(0.5 * eta + 0.4)
    spend = np.array([rng.gamma(2.0, m / 2, k).sum() for m, k in zip(mu, rng.poisson(1.2, n))])
    stars = 1 + np.searchsorted([-0.8, 0.2, 1.1], eta + rng.logistic(size=n))
    return {"x": x, "labels": labels, "classes": classes, "counts": rng.poisson(mu), "amounts": np.round(rng.gamma(2.0, mu / 2) + 0.01, 6),
            "spend": np.round(spend, 6), "stars": stars, "weights": np.round(rng.uniform(0, 3, n) * (rng.random(n) > 0.1), 3),
            "offset": np.round(rng.normal(size=n) * 0.5, 3)}


def repeated(x):
    x = x.copy()
    x[:, 2], x[:, 3] = x[:, 0], 2.0
    return x


def far(x):
    return x * np.array([1, 1e3, 1e-3]) + np.array([1e4, 0, 0])


DATA = {"plain": make(1, 60, 4), "wide": make(2, 12, 20), "repeated": make(3, 50, 5, repeated), "far": make(4, 70, 3, far), "long": make(5, 600, 7)}


def softmax(eta):
    e = np.exp(eta - eta.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def logistic_objective(x, y, s, w, b, k, c, l1, l2):
    """Objective and gradient (by w and b) without the absolute values' part of the gradient."""
    eta = x @ w.T + b
    if k == 2:
        eta, p = eta[:, 0], 1 / (1 + np.exp(-eta[:, 0]))
        loss = np.logaddexp(0, eta) - y * eta
        slope = (p - y)[:, None]
    else:
        p = softmax(eta)
        loss = -np.log(p[np.arange(len(y)), y])
        slope = p - np.eye(k)[y]
    g = c * (s[:, None] * slope)
    value = l1 * np.abs(w).sum() + l2 / 2 * (w ** 2).sum() + c * (s * loss).sum()
    return value, g.T @ x + l2 * w, g.sum(0)


def logistic(name, k, kind, c, ratio=0.0, intercept=True, weighted=False, balanced=False):
    data = DATA[name]
    x, y = data["x"], data["labels" if k == 2 else "classes"]
    s = data["weights"].copy() if weighted else np.ones(len(y))
    extra = {"solver": "saga", "tol": 1e-13, "max_iter": 2_000_000} if kind in ("l1", "elasticNet") else {"solver": "lbfgs", "tol": 1e-12, "max_iter": 20000}
    m = LogisticRegression(C=c, l1_ratio=ratio, fit_intercept=intercept, class_weight="balanced" if balanced else None, **extra)
    z = (x - x.mean(0)) if kind in ("l1", "elasticNet") and intercept else x  # the intercept absorbs it, and saga needs it
    m.fit(z, y, sample_weight=s if weighted else None)
    w, b = m.coef_.copy(), np.atleast_1d(m.intercept_).astype(float)
    if z is not x:
        b = b - w @ x.mean(0)
    if balanced:
        totals = np.array([s[y == j].sum() for j in range(k)])
        s = s * (totals.sum() / (k * totals))[y]
    l1, l2 = ratio, 1 - ratio
    if kind in ("l1", "elasticNet"):
        w, b = polish_l1(x, y, s, w, b, k, c, l1, l2, intercept)
    else:
        w, b = polish(x, y, s, w, b, k, c, l2, intercept)
    if k > 2:
        b = b - b.mean()
    value, gw, gb = logistic_objective(x, y, s, w, b, k, c, l1, l2)
    kkt = np.where(w > 0, np.abs(gw + l1), np.where(w < 0, np.abs(gw - l1), np.maximum(np.abs(gw) - l1, 0)))
    scale = c * s.sum() * np.maximum(x.std(0), 1e-12)
    print(f"{name} {k} {kind} C={c} ratio={ratio} objective {value:.10g} kkt {(kkt / scale).max():.2g} moved {np.abs(w - m.coef_).max():.2g}")
    return {"data": name, "penalty": {"kind": kind, "c": c, "ratio": ratio}, "intercept": intercept, "weighted": weighted, "balanced": balanced,
            "coefficients": w.tolist(), "intercepts": b.tolist(), "objective": value, "kkt": float((kkt / scale).max())}


def polish(x, y, s, w, b, k, c, l2, intercept):
    """Newton steps over (w, b), the intercept for centred columns."""
    mean = x.mean(0) if intercept else np.zeros(x.shape[1])
    z = x - mean
    d = x.shape[1]
    outputs = 1 if k == 2 else k
    t = np.hstack([w, (b + w @ mean)[:, None]])
    a = np.hstack([z, np.ones((len(y), 1))])
    for _ in range(20):
        eta = a @ t.T
        if k == 2:
            p = 1 / (1 + np.exp(-eta))
            slope, h = p - y[:, None], (p * (1 - p))[:, :, None]
        else:
            p = softmax(eta)
            slope, h = p - np.eye(k)[y], np.einsum("ik,kl->ikl", p, np.eye(k)) - np.einsum("ik,il->ikl", p, p)
        keep = np.r_[np.ones(d), 0.0]
        g = c * (s[:, None] * slope).T @ a + l2 * keep * t
        H = c * np.einsum("i,ikl,ip,iq->kplq", s, h, a, a).reshape(outputs * (d + 1), -1) + l2 * np.diag(np.tile(keep, outputs))
        if not intercept:
            g[:, d] = 0
        step = np.linalg.pinv(H if intercept else H * np.outer(np.tile(keep, outputs), np.tile(keep, outputs)), rcond=1e-14, hermitian=True) @ g.ravel()
        t = t - step.reshape(t.shape)
    return t[:, :d], (t[:, d] - t[:, :d] @ mean) if intercept else np.zeros(outputs)


def polish_l1(x, y, s, w, b, k, c, l1, l2, intercept):
    """Newton steps on the coefficients that are not 0, their signs fixed."""
    signs = np.sign(np.where(np.abs(w) < 1e-7, 0, w))
    active = signs != 0
    mean = x.mean(0) if intercept else np.zeros(x.shape[1])
    z = x - mean
    w, b = np.where(active, w, 0), b + w @ mean
    for _ in range(30):
        eta = z @ w.T + b
        p = 1 / (1 + np.exp(-eta)) if k == 2 else softmax(eta)
        onehot = y[:, None] if k == 2 else np.eye(k)[y]
        outputs = w.shape[0]
        h = (p * (1 - p))[:, :, None] if k == 2 else np.einsum("ik,kl->ikl", p, np.eye(k)) - np.einsum("ik,il->ikl", p, p)
        a = np.hstack([z, np.ones((len(y), 1))])
        g = np.hstack([c * (s[:, None] * (p - onehot)).T @ z + l2 * w + l1 * signs, (c * (s[:, None] * (p - onehot)).sum(0))[:, None]])
        H = c * np.einsum("i,ikl,ip,iq->kplq", s, h, a, a).reshape(outputs * a.shape[1], -1) + np.diag(np.tile(np.r_[np.full(x.shape[1], l2), 0.0], outputs))
        use = np.hstack([active, np.full((outputs, 1), intercept)]).ravel()
        step = np.zeros(use.size)
        step[use] = np.linalg.pinv(H[np.ix_(use, use)], rcond=1e-13, hermitian=True) @ g.ravel()[use]
        step = step.reshape(outputs, -1)
        w, b = w - step[:, :-1], b - step[:, -1]
    return w, (b - w @ mean) if intercept else np.zeros(w.shape[0])


def firth(name, columns=None, separated=False):
    data = DATA[name]
    x, y = data["x"][:, :columns], data["labels"]
    if separated:
        y = (x[:, 0] > 0.1).astype(int)
    a = np.hstack([np.ones((len(y), 1)), x])
    beta = np.zeros(a.shape[1])

    def penalized(beta):
        eta = a @ beta
        p = 1 / (1 + np.exp(-eta))
        info = a.T @ ((p * (1 - p))[:, None] * a)
        return (y * eta - np.logaddexp(0, eta)).sum() + 0.5 * np.linalg.slogdet(info)[1], info, p

    value, info, p = penalized(beta)
    for _ in range(2000):
        inverse = np.linalg.inv(info)
        h = p * (1 - p) * np.einsum("ip,pq,iq->i", a, inverse, a)
        step = inverse @ (a.T @ (y - p + h * (0.5 - p)))
        part = 1.0
        while part > 1e-9:
            new = penalized(beta + part * step)
            if new[0] >= value - 1e-13:
                break
            part /= 2
        beta, (value, info, p) = beta + part * step, new
        if np.abs(step).max() < 1e-13:
            break
    print("firth", name, "separated" if separated else "", beta, np.abs(step).max())
    return {"data": name, "columns": x.shape[1], "labels": y.tolist(), "coefficients": beta.tolist(),
            "standardErrors": np.sqrt(np.diag(np.linalg.inv(info))).tolist(), "penalizedLogLikelihood": value}


def table(fit, hc):
    out = {"estimates": fit.params, "standardErrors": fit.bse, "pValues": fit.pvalues}
    out = {k: np.asarray(v).T.ravel().tolist() for k, v in out.items()}
    out["hc0"] = np.asarray(hc("HC0").bse).T.ravel().tolist()
    # For models other than OLS, cov_type="HC1" gives statsmodels' HC0; its sandwich function has the factor n / (n - k).
    out["hc1"] = np.sqrt(np.diag(cov_white_simple(fit, use_correction=True))).tolist()
    return out


def inference():
    cases = []
    for name, what in [("plain", "logit"), ("far", "logit"), ("long", "logit"), ("plain", "mnlogit"), ("long", "mnlogit")]:
        data = DATA[name]
        a = sm.add_constant(data["x"], has_constant="add")
        if what == "logit":
            model = sm.Logit(data["labels"], a)
        else:
            model = sm.MNLogit(data["classes"], a)
        start = None
        if name == "far":  # fitted on standardised columns, then moved: the columns' sizes differ by 10^7
            mean, std = data["x"].mean(0), data["x"].std(0)
            inner = sm.Logit(data["labels"], sm.add_constant((data["x"] - mean) / std)).fit(method="newton", tol=1e-14, maxiter=100, disp=0).params
            w = inner[1:] / std
            start = np.r_[inner[0] - w @ mean, w]
        fit = model.fit(start_params=start, method="newton", tol=1e-13, maxiter=100, disp=0)
        case = table(fit, lambda kind: model.fit(start_params=start, method="newton", tol=1e-13, maxiter=100, disp=0, cov_type=kind))
        case |= {"data": name, "model": what, "weighted": False, "offset": False, "logLikelihood": fit.llf, "nullLogLikelihood": fit.llnull,
                 "aic": fit.aic, "bic": fit.bic, "deviance": -2 * fit.llf, "scale": 1.0, "power": 0.0}
        cases.append(case)
    families = [("binomial", sm.families.Binomial(), "labels", 0.0), ("poisson", sm.families.Poisson(), "counts", 1.0),
                ("gamma", sm.families.Gamma(sm.families.links.Log()), "amounts", 2.0),
                ("tweedie", sm.families.Tweedie(sm.families.links.Log(), var_power=1.5), "spend", 1.5)]
    for name in ("plain", "long"):
        for what, family, target, power in families:
            for offset in (False, True):
                data = DATA[name]
                a = sm.add_constant(data["x"], has_constant="add")
                model = sm.GLM(data[target], a, family=family, offset=data["offset"] if offset else None)
                # Newton steps after the reweighted least squares: those stop by the deviance.
                run = lambda kind: model.fit(start_params=model.fit(tol=1e-14, maxiter=300).params, tol=1e-15, maxiter=300, cov_type=kind)  # noqa: E731
                fit = run("nonrobust")
                case = table(fit, run)
                null = fit.null_deviance
                case |= {"data": name, "model": what, "weighted": False, "offset": offset, "power": power, "scale": float(fit.scale),
                         "deviance": fit.deviance, "nullDeviance": null, "logLikelihood": None if what == "tweedie" else fit.llf,
                         "aic": None if what == "tweedie" else fit.aic}
                cases.append(case)
    return cases


def glm():
    cases = []
    for name in ("plain", "wide", "repeated", "long"):
        for family, target, power in [("poisson", "counts", 1.0), ("gamma", "amounts", 2.0), ("tweedie", "spend", 1.5), ("tweedie", "spend", 1.2),
                                      ("tweedie", "amounts", 2.5)]:
            for alpha in (1.0, 0.05):
                for weighted in (False, True):
                    data = DATA[name]
                    kind = {"poisson": PoissonRegressor, "gamma": GammaRegressor}.get(family)
                    common = {"alpha": alpha, "tol": 1e-12, "max_iter": 10000, "solver": "newton-cholesky" if power <= 2 else "lbfgs"}
                    m = kind(**common) if kind else TweedieRegressor(power=power, link="log", **common)
                    m.fit(data["x"], data[target], sample_weight=data["weights"] if weighted else None)
                    s = data["weights"] if weighted else np.ones(len(data["x"]))
                    w, b = polish_glm(data["x"], data[target], s / s.sum(), m.coef_, m.intercept_, power, alpha)
                    print("glm", name, family, power, alpha, weighted, "moved", np.abs(w - m.coef_).max())
                    cases.append({"data": name, "family": family, "power": power, "alpha": alpha, "weighted": weighted, "target": target,
                                  "coefficients": w.tolist(), "intercept": float(b)})
    return cases


def polish_glm(x, y, s, w, b, p, alpha):
    a = np.hstack([x, np.ones((len(y), 1))])
    t = np.r_[w, b]
    keep = np.r_[np.full(x.shape[1], alpha), 0.0]
    for _ in range(20):
        eta = a @ t
        slope = np.exp((2 - p) * eta) - y * np.exp((1 - p) * eta)
        bend = (2 - p) * np.exp((2 - p) * eta) - (1 - p) * y * np.exp((1 - p) * eta)
        g = a.T @ (s * slope) + keep * t
        t = t - np.linalg.pinv(a.T @ ((s * bend)[:, None] * a) + np.diag(keep), rcond=1e-13, hermitian=True) @ g
    return t[:-1], t[-1]


def ordinal():
    cases = []
    for name in ("plain", "long"):
        data = DATA[name]
        model = OrderedModel(data["stars"], data["x"], distr="logit")
        fit = model.fit(method="bfgs", maxiter=2000, gtol=1e-10, disp=0)
        fit = model.fit(start_params=fit.params, method="newton", maxiter=100, disp=0)
        d = data["x"].shape[1]
        robust = model.fit(start_params=fit.params, method="newton", maxiter=100, disp=0, cov_type="HC0")
        thresholds = model.transform_threshold_params(fit.params)[1:-1]
        cases.append({"data": name, "coefficients": fit.params[:d].tolist(), "thresholds": thresholds.tolist(),
                      "standardErrors": fit.bse[:d].tolist(), "hc0": robust.bse[:d].tolist(), "pValues": fit.pvalues[:d].tolist(),
                      "logLikelihood": fit.llf, "nullLogLikelihood": fit.llnull})
        print("ordinal", name, np.abs(model.score(fit.params)).max())
    return cases


def main():
    out = options(__doc__).parse_args().out
    two = [logistic(n, 2, "l2", c, weighted=w) for n in ("plain", "wide", "repeated", "far") for c in (1.0, 0.03) for w in (False, True)]
    two += [logistic("plain", 2, "l2", 1.0, intercept=False), logistic("plain", 2, "l2", 10.0, balanced=True, weighted=True),
            logistic("wide", 2, "l2", 100.0, balanced=True), logistic("long", 2, "l2", 1.0)]
    two += [logistic(n, 2, "l1", c, ratio=1.0) for n in ("plain", "wide", "long") for c in (0.1, 1.0)]
    two += [logistic(n, 2, "elasticNet", 0.5, ratio=0.4, weighted=w) for n in ("plain", "wide", "repeated", "long") for w in (False, True)]
    three = [logistic(n, 3, "l2", c, weighted=w) for n in ("plain", "wide", "repeated", "far") for c in (1.0, 0.03) for w in (False, True)]
    three += [logistic("plain", 3, "l2", 1.0, intercept=False), logistic("plain", 3, "l2", 2.0, balanced=True)]
    three += [logistic(n, 3, "elasticNet", 0.3, ratio=0.5) for n in ("plain", "long")]
    data = {n: {k: v.tolist() for k, v in d.items()} for n, d in DATA.items()}
    save_json(out / "generalized-linear.json", {
        "versions": versions("scikit-learn", "statsmodels", "numpy"), "data": data, "logistic": two, "multinomial": three,
        "firth": [firth("plain"), firth("long"), firth("plain", 2, separated=True)], "inference": inference(), "glm": glm(), "ordinal": ordinal()},
        indent=None)


main()
