"""Metrics of scores and regressions, calibration and DeLong's variance, on small seeded examples.

Command:   python scores.py [--out DIR]
Versions:  scikit-learn 1.9.1, numpy 2.4.6, scipy

Produces scores.json:
  binary: cases {name, truth [n] 0/1, scores [n] in 0...1, weights [n] or null, rocAUC, averagePrecision, logLoss, brier,
    kolmogorovSmirnov (null with weights), accuracy, balancedAccuracy, precision, recall, f1 (decisions: score >= 0.5),
    roc: {fpr, tpr} (every threshold), pr: {precision, recall, thresholds}, decreasing thresholds}
  calibrationCurves: {truth, scores, uniform: {predicted, observed}, quantile: {...}, ece} (10 bins, empty ones left out; ece from
    a numpy loop over the uniform bins)
  multiclass: {truth, probabilities [n][k], balancedAccuracy, logLoss, brier, averagePrecision and rocAUC (macro, one against the rest),
    precision, recall, f1 (macro), weighted: the same with sample weights}
  regression: cases {name, targets, predictions, weights or null, rSquared, rootMeanSquaredError, meanAbsoluteError}
  deLong: {truth, first, second, firstAUC, secondAUC, firstVariance, secondVariance, covariance, z, pValue}: a direct O(m n)
    computation from the placement values of DeLong, DeLong, Clarke-Pearson (1988), ties counting one half
  platt: cases {name, scores, truth, weights or null, slope, intercept}: sklearn.calibration._sigmoid_calibration, polished by
    Newton's method to a gradient of 1e-13; libraryProbabilities are those of _sigmoid_calibration itself
  isotonic: cases {name, x, y, weights or null, at, values}: IsotonicRegression(out_of_bounds="clip")
  temperature: cases {name, decisions [n] or [n][k], truth, probabilities [n][k]}: _TemperatureScaling
  calibrated: {decisions [n][k], truth, sigmoid, isotonic}: one against the rest, divided by the sum, as _CalibratedClassifier does
"""
import numpy as np
from reference_common import options, save_json, versions
from scipy.special import expit
from scipy.stats import ks_2samp, norm
from sklearn.calibration import _SigmoidCalibration, _TemperatureScaling, calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import (accuracy_score, average_precision_score, balanced_accuracy_score, brier_score_loss, f1_score, log_loss,
                             mean_absolute_error, mean_squared_error, precision_recall_curve, precision_score, r2_score, recall_score,
                             roc_auc_score, roc_curve)


def l(x):
    return None if x is None else np.asarray(x).tolist()


def binary(name, y, s, w=None):
    d = (s >= 0.5).astype(int)
    fpr, tpr, _ = roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    p, r, t = precision_recall_curve(y, s, sample_weight=w)
    k = dict(sample_weight=w)
    return {"name": name, "truth": l(y), "scores": l(s), "weights": l(w), "rocAUC": roc_auc_score(y, s, **k),
            "averagePrecision": average_precision_score(y, s, **k), "logLoss": log_loss(y, s, labels=[0, 1], **k),
            "brier": brier_score_loss(y, s, **k),
            "kolmogorovSmirnov": None if w is not None else float(ks_2samp(s[y == 1], s[y == 0]).statistic),
            "accuracy": accuracy_score(y, d, **k), "balancedAccuracy": balanced_accuracy_score(y, d, **k),
            "precision": precision_score(y, d, zero_division=0, **k), "recall": recall_score(y, d, **k), "f1": f1_score(y, d, **k),
            "roc": {"fpr": l(fpr), "tpr": l(tpr)},
            "pr": {"precision": l(p[:-1][::-1]), "recall": l(r[:-1][::-1]), "thresholds": l(t[::-1])}}


def curves(y, s):
    out = {"truth": l(y), "scores": l(s)}
    for strategy in ("uniform", "quantile"):
        observed, predicted = calibration_curve(y, s, n_bins=10, strategy=strategy)
        out[strategy] = {"predicted": l(predicted), "observed": l(observed)}
    ece, edges = 0.0, np.linspace(0, 1, 11)
    for i in range(10):
        inside = (s > edges[i]) & (s <= edges[i + 1]) if i else s <= edges[1]
        if inside.any():
            ece += inside.mean() * abs(s[inside].mean() - y[inside].mean())
    return out | {"ece": ece}


def multiclass(y, p, w):
    def figures(w):
        k, d = dict(sample_weight=w), p.argmax(1)
        onehot = np.eye(p.shape[1])[y]
        macro = dict(average="macro", zero_division=0)
        return {"balancedAccuracy": balanced_accuracy_score(y, d, **k), "logLoss": log_loss(y, p, **k),
                "brier": brier_score_loss(y, p, **k), "rocAUC": roc_auc_score(onehot, p, average="macro", **k),
                "averagePrecision": average_precision_score(onehot, p, average="macro", **k),
                "precision": precision_score(y, d, **macro, **k), "recall": recall_score(y, d, **macro, **k), "f1": f1_score(y, d, **macro, **k)}
    return {"truth": l(y), "probabilities": l(p), "weights": l(w), "plain": figures(None), "weighted": figures(w)}


def regression(name, y, p, w=None):
    return {"name": name, "targets": l(y), "predictions": l(p), "weights": l(w), "rSquared": r2_score(y, p, sample_weight=w),
            "rootMeanSquaredError": float(np.sqrt(mean_squared_error(y, p, sample_weight=w))),
            "meanAbsoluteError": mean_absolute_error(y, p, sample_weight=w)}


def placements(y, s):
    a, b = s[y == 1], s[y == 0]
    wins = (a[:, None] > b[None, :]) + 0.5 * (a[:, None] == b[None, :])
    return wins.mean(1), wins.mean(0)


def delong(y, first, second):
    (a10, a01), (b10, b01) = placements(y, first), placements(y, second)
    s = np.cov(a10, b10) / len(a10) + np.cov(a01, b01) / len(a01)
    z = (a10.mean() - b10.mean()) / np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    return {"truth": l(y), "first": l(first), "second": l(second), "firstAUC": a10.mean(), "secondAUC": b10.mean(),
            "firstVariance": s[0, 0], "secondVariance": s[1, 1], "covariance": s[0, 1], "z": z, "pValue": 2 * norm.sf(abs(z))}


def platt(name, s, y, w=None):
    model = _SigmoidCalibration().fit(s, y, w)
    ab = np.array([model.a_, model.b_])
    v = np.ones(len(s)) if w is None else w
    positives, negatives = v[y > 0].sum(), v[y <= 0].sum()
    t = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    for _ in range(50):
        p = expit(-(ab[0] * s + ab[1]))
        g = np.array([(v * (t - p) * s).sum(), (v * (t - p)).sum()])
        q = v * p * (1 - p)
        h = np.array([[(q * s * s).sum(), (q * s).sum()], [(q * s).sum(), q.sum()]])
        ab = ab - np.linalg.solve(h, g)
    return {"name": name, "scores": l(s), "truth": l(y), "weights": l(w), "slope": ab[0], "intercept": ab[1],
            "libraryProbabilities": l(model.predict(s))}


def isotonic(name, x, y, w=None):
    model = IsotonicRegression(out_of_bounds="clip").fit(x, y, sample_weight=w)
    at = np.concatenate([x, x + 0.013, [x.min() - 1, x.max() + 1]])
    return {"name": name, "x": l(x), "y": l(y), "weights": l(w), "at": l(at), "values": l(model.predict(at))}


def temperature(name, decisions, y):
    model = _TemperatureScaling().fit(decisions, y)
    return {"name": name, "decisions": l(decisions), "truth": l(y), "probabilities": l(model.predict(decisions))}


def calibrated(d, y):
    out = {"decisions": l(d), "truth": l(y)}
    for name, make in (("sigmoid", _SigmoidCalibration), ("isotonic", lambda: IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip"))):
        p = np.stack([make().fit(d[:, k], (y == k).astype(float)).predict(d[:, k]) for k in range(d.shape[1])], 1)
        total = p.sum(1, keepdims=True)
        out[name] = l(np.divide(p, total, out=np.full_like(p, 1 / d.shape[1]), where=total != 0))
    return out


def main():
    out = options(__doc__).parse_args().out
    rng = np.random.default_rng(32)

    def example(n, levels):
        s = np.round(rng.beta(1.2, 2, n) * levels) / levels
        y = (rng.random(n) < 0.2 + 0.6 * s).astype(int)
        return y, s, np.round(rng.gamma(2, 1, n), 3)

    y, s, w = example(120, 1 << 20)
    y2, s2, w2 = example(150, 8)
    binaries = [binary("distinct", y, s), binary("distinct, weighted", y, s, w), binary("ties", y2, s2), binary("ties, weighted", y2, s2, w2),
                binary("some weights 0", y2, s2, w2 * (rng.random(150) < 0.7))]
    y3, s3, _ = example(400, 1 << 20)
    p = np.round(rng.dirichlet([1, 1, 1, 1], 90) * 64)
    p[p.sum(1) == 0] = 1
    p /= p.sum(1, keepdims=True)
    ym = np.array([rng.choice(4, p=0.7 * r + 0.075) for r in p])
    t = rng.normal(3, 2, 60)
    f = t + rng.normal(0, 1, 60)
    noise = rng.normal(0, 0.3, 200)
    yd, sd, _ = example(200, 16)
    scores = np.concatenate([rng.normal(-1, 1, 80), rng.normal(0.7, 1, 40)])
    kinds = np.repeat([0, 1], [80, 40])
    weights = rng.gamma(2, 1, 120)
    x = np.round(rng.normal(0, 2, 90), 1)
    v = expit(x) + rng.normal(0, 0.3, 90)
    d = rng.normal(0, 2, (100, 3))
    yk = np.array([rng.choice(3, p=np.exp(r / 2) / np.exp(r / 2).sum()) for r in d])
    db = rng.normal(0, 3, 100)
    yb = (rng.random(100) < expit(db / 2)).astype(int)
    result = {
        "versions": versions("scikit-learn", "numpy", "scipy"), "binary": binaries, "calibrationCurves": curves(y3, s3),
        "multiclass": multiclass(ym, p, np.round(rng.gamma(2, 1, 90), 3)),
        "regression": [regression("plain", t, f), regression("weighted", t, f, np.round(rng.gamma(2, 1, 60), 3)),
                       regression("constant targets", np.full(5, 2.0), np.array([2, 2, 3, 2, 1.0])),
                       regression("constant targets that are met", np.full(5, 2.0), np.full(5, 2.0))],
        "deLong": delong(yd, sd, np.clip(sd + noise, 0, 1)),
        "platt": [platt("overlapping", scores, kinds), platt("weighted", scores, kinds, weights), platt("separated", np.abs(scores) * (2 * kinds - 1), kinds),
                  platt("large scores", scores * 1e4, kinds), platt("ties", np.round(scores), kinds)],
        "isotonic": [isotonic("distinct", rng.permutation(90) / 7.0, v), isotonic("ties", x, v), isotonic("weighted", x, v, rng.gamma(2, 1, 90)),
                     isotonic("labels", x, (v > 0.5).astype(float), np.round(rng.random(90))), isotonic("one point", np.array([1.5, 1.5]), np.array([0.0, 1.0]))],
        "temperature": [temperature("two classes", db, yb), temperature("three classes", d, yk)], "calibrated": calibrated(d, yk)}
    save_json(out / "scores.json", result, indent=None)


main()
