"""Golden values of linear_svm.json: linear classification and regression by LIBLINEAR (liblinear-official) and, where LIBLINEAR
has no such option, by scikit-learn (sample weights; hinge losses with a free intercept, by LIBSVM).

Holds "matrix" (rows of [column, value], values exact in single precision, with rows without elements, a constant column and
two equal columns), "binary", "classes", "numbers" (targets) and "weights" of the examples; "fits": options, coefficients, intercept
and objective of each fit; "files": models as LIBLINEAR's train wrote them, with what its predict answers."""
import json
import os
import tempfile

import numpy as np
import scipy.sparse as sp
from liblinear.liblinear import parameter, problem
from liblinear.liblinearutil import predict, save_model, train
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from reference_common import FIXTURES

rng = np.random.default_rng(11)
N, D = 90, 14
X = rng.normal(size=(N, D)) * (rng.random((N, D)) < 0.4)
X[:, 5] = 0.5        # constant
X[:, 9] = X[:, 2]    # twice the same
X[[7, 40], :] = 0    # without elements
X = X.astype(np.float32).astype(np.float64)
w = rng.normal(size=D)
score = X @ w + 0.8 * rng.normal(size=N)
binary = np.where(score > 0.2, 1, -1)
classes = np.digitize(score, [-1.0, 0.0, 1.2])
numbers = np.round(score + 2, 3)
weights = np.round(rng.random(N) * 2, 2)
weights[[3, 17]] = 0
S = sp.csr_matrix(X)


def losses(loss, y, z, epsilon=0.0):
    hinge, over = np.maximum(0, 1 - y * z), np.maximum(0, np.abs(y - z) - epsilon)
    return {"logistic": np.logaddexp(0, -y * z), "hinge": hinge, "squaredHinge": hinge ** 2,
            "epsilonInsensitive": over, "squaredEpsilonInsensitive": over ** 2}[loss]


fits = []


def add(name, loss, intercept, coef, b, c, costs, y, epsilon=0.0, scale=1.0):
    z = X @ coef + b
    value = 0.5 * coef @ coef + (costs * losses(loss, y, z, epsilon)).sum()
    if intercept == "penalized":
        value += 0.5 * (b / scale) ** 2
    fits.append({"name": name, "loss": loss, "intercept": intercept, "scale": scale, "c": c, "epsilon": epsilon,
                 "weighted": not np.all(costs == c), "coefficients": coef.tolist(), "intercept_value": float(b),
                 "objective": float(value)})


def liblinear(s, loss, c=1.0, bias=-1.0, free=False, epsilon=0.0, y=binary):
    option = f"-s {s} -c {c} -B {bias} -e 1e-10 -p {epsilon} -q" + (" -R" if free else "")
    m = train(problem(y, S, bias=bias), parameter(option))
    sign = 1.0 if s >= 11 or m.get_labels()[0] == 1 else -1.0
    row = np.array(m.get_decfun()[0]) * sign
    b = m.get_decfun()[1] * sign if bias >= 0 else 0.0  # times the bias already
    intercept = "absent" if bias < 0 else "free" if free else "penalized"
    add(f"liblinear -s {s} -c {c} -B {bias}{' -R' if free else ''} -p {epsilon}", loss, intercept, row[:D], b, c,
        np.full(N, c), y, epsilon, max(bias, 1.0))


for c in [0.1, 1.0, 30.0]:
    liblinear(0, "logistic", c)
    liblinear(7, "logistic", c, bias=1.0)
    liblinear(1, "squaredHinge", c, bias=2.0)
    liblinear(2, "squaredHinge", c)
    liblinear(3, "hinge", c)
    liblinear(3, "hinge", c, bias=1.0)
    liblinear(0, "logistic", c, bias=1.0, free=True)
    liblinear(2, "squaredHinge", c, bias=1.0, free=True)
    liblinear(11, "squaredEpsilonInsensitive", c, epsilon=0.1, y=numbers)
    liblinear(11, "squaredEpsilonInsensitive", c, bias=1.0, free=True, epsilon=0.1, y=numbers)
    liblinear(12, "squaredEpsilonInsensitive", c, bias=1.0, epsilon=0.2, y=numbers)
    liblinear(13, "epsilonInsensitive", c, epsilon=0.1, y=numbers)
    liblinear(13, "epsilonInsensitive", c, bias=1.0, epsilon=0.3, y=numbers)

for c in [0.5, 4.0]:
    m = LinearSVC(C=c, fit_intercept=False, dual=False, tol=1e-12, max_iter=100000).fit(X, binary, sample_weight=weights)
    add(f"LinearSVC C={c} weighted", "squaredHinge", "absent", m.coef_[0], 0, c, c * weights, binary)
    m = LinearSVR(C=c, epsilon=0.1, fit_intercept=False, loss="squared_epsilon_insensitive", dual=False, tol=1e-12,
                  max_iter=100000).fit(X, numbers, sample_weight=weights)
    add(f"LinearSVR C={c} weighted", "squaredEpsilonInsensitive", "absent", m.coef_, 0, c, c * weights, numbers, 0.1)
    m = SVC(C=c, kernel="linear", tol=1e-10).fit(X, binary, sample_weight=weights)
    add(f"SVC C={c} weighted", "hinge", "free", m.coef_[0], m.intercept_[0], c, c * weights, binary)
    m = SVR(C=c, kernel="linear", epsilon=0.1, tol=1e-10).fit(X, numbers)
    add(f"SVR C={c}", "epsilonInsensitive", "free", m.coef_[0], m.intercept_[0], c, np.full(N, c), numbers, 0.1)

files = []
for s, y, bias, c in [(0, binary, 1.0, 1), (2, binary, -1.0, 1), (0, classes, 2.0, 1), (2, classes, -1.0, 1), (4, classes, 1.0, 1),
                      (4, classes, -1.0, 0.3), (4, binary, -1.0, 1), (11, numbers, 1.0, 1), (6, binary, -1.0, 1)]:
    m = train(problem(y, S, bias=bias), parameter(f"-s {s} -c {c} -B {bias} -e 1e-10 -q"))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        save_model(path, m)
        text = open(path).read()
    label, _, value = predict([], S, m, "-q")
    entry = {"s": s, "c": c, "bias": bias, "text": text, "predictions": label, "values": np.array(value).tolist(),
             "labels": m.get_labels() if s < 11 else []}
    if s in (0, 6):
        entry["probabilities"] = np.array(predict([], S, m, "-q -b 1")[2]).tolist()
    files.append(entry)

rows = [[[int(j), float(X[i, j])] for j in range(D) if X[i, j] != 0] for i in range(N)]
(FIXTURES / "linear_svm.json").write_text(json.dumps({
    "columns": D, "matrix": rows, "binary": binary.tolist(), "classes": classes.tolist(), "numbers": numbers.tolist(),
    "weights": weights.tolist(), "fits": fits, "files": files}))
print(len(fits), "fits,", len(files), "files")
