"""Kernel support vector machines by scikit-learn (its LIBSVM) at tol 1e-6: kernel_svm.json, and LIBSVM's own model files.

kernel_svm.json: `cases`, each with
  name, machine (svc, nu_svc, svr, nu_svr, one_class), kernel, gamma, degree, constant, c, nu, epsilon,
  x [N][D], y [N] (classes or targets), weights [N] or absent, classWeights [K] or absent, test [n][D] (kernel values if precomputed),
  support (sorted), coefficients (beta of every training example, one list a pair (i < j), positive for class j; one list in all for the
  other machines), intercepts (one a pair, the same sign), objective (one a pair; of LIBSVM's own scaling before nu's division),
  decision [n][pairs] (positive for class j), answers (with break_ties; absent for regression).
libsvm/NAME.model: written by libsvm-official for `libsvm` in the json: name, svm_type, x, values [n][...] as svm_predict gives them.

"""
import json

from reference_common import FIXTURES, np, options, save_json, versions


def kernel(case, a, b):
    g, d, c = case["gammaValue"], case.get("degree", 3), case.get("constant", 0.0)
    if case["kernel"] == "precomputed":
        return a
    p = a @ b.T
    if case["kernel"] == "rbf":
        return np.exp(-g * ((a[:, None] - b[None]) ** 2).sum(-1))
    return {"linear": p, "poly": (g * p + c) ** d, "sigmoid": np.tanh(g * p + c)}[case["kernel"]]


def fit(case):
    from sklearn import svm
    x, y = np.array(case["x"]), np.array(case["y"])
    w = np.array(case["weights"]) if "weights" in case else None
    args = dict(kernel=case["kernel"], gamma=case["gamma"], degree=case.get("degree", 3), coef0=case.get("constant", 0.0), tol=1e-6, cache_size=200)
    m = case["machine"]
    if m == "svc":
        cw = dict(enumerate(case["classWeights"])) if "classWeights" in case else None
        model = svm.SVC(C=case["c"], class_weight=cw, break_ties=False, decision_function_shape="ovo", **args).fit(x, y, w)
    elif m == "nu_svc":
        model = svm.NuSVC(nu=case["nu"], decision_function_shape="ovo", **args).fit(x, y, w)
    elif m == "svr":
        model = svm.SVR(C=case["c"], epsilon=case["epsilon"], **args).fit(x, y, w)
    elif m == "nu_svr":
        model = svm.NuSVR(C=case["c"], nu=case["nu"], **args).fit(x, y, w)
    else:
        model = svm.OneClassSVM(nu=case["nu"], **args).fit(x, None, w)
    return model


def add(case):
    model = fit(case)
    x, y, test = np.array(case["x"]), np.array(case["y"]), np.array(case["test"])
    n = len(x)
    case["gammaValue"] = float(model._gamma) if case["kernel"] != "precomputed" else 1.0
    K = kernel(case, x, x)
    w = np.array(case.get("weights", np.ones(n)))
    case["support"] = sorted(int(i) for i in model.support_)
    coefficients, intercepts, objective = [], [], []
    if case["machine"] in ("svc", "nu_svc"):
        k = len(model.classes_)
        bounds = np.concatenate([[0], np.cumsum(model.n_support_)])
        flip = 1.0 if k == 2 else -1.0  # scikit-learn's sign for two classes is already the second's
        pair = 0
        for i in range(k):
            for j in range(i + 1, k):
                b = np.zeros(n)
                for own, other in ((i, j - 1), (j, i)):
                    at = slice(bounds[own], bounds[own + 1])
                    b[model.support_[at]] = flip * model.dual_coef_[other, at]
                coefficients.append(b.tolist())
                intercepts.append(float(flip * model.intercept_[pair]))
                objective.append(float(0.5 * b @ K @ b - (np.abs(b).sum() if case["machine"] == "svc" else 0)))
                pair += 1
        values = model.decision_function(test).reshape(len(test), -1) * flip
        case["answers"] = [int(v) for v in model.predict(test)]
    else:
        b = np.zeros(n)
        b[model.support_] = model.dual_coef_[0]
        coefficients, intercepts = [b.tolist()], [float(model.intercept_[0])]
        if case["machine"] == "one_class":
            values = model.decision_function(test).reshape(-1, 1)
            linear = 0
        else:
            values = model.predict(test).reshape(-1, 1)
            linear = (case["epsilon"] * np.abs(b).sum() if case["machine"] == "svr" else 0) - float(y @ b)
        objective = [float(0.5 * b @ K @ b + linear)]
    case.update(coefficients=coefficients, intercepts=intercepts, objective=objective, decision=values.tolist())
    return case


def cases():
    rng = np.random.default_rng(11)

    def data(n, d, classes=2, test=12):
        x = np.round(rng.normal(size=(n + test, d)), 4)
        f = x[:, 0] * x[:, -1] + np.sin(2 * x[:, d // 2]) + 0.3 * rng.normal(size=n + test)
        y = np.digitize(f, np.quantile(f[:n], np.arange(1, classes) / classes))
        return x, f, y

    def case(name, machine, n, d, kernel="rbf", classes=2, change=None, shift=0.0, **more):
        x, f, y = data(n, d, classes)
        if change is not None:
            x = change(x)
        target = y if machine in ("svc", "nu_svc") else np.round(f, 4)
        c = dict(name=name, machine=machine, kernel=kernel, gamma=more.pop("gamma", "scale"), x=x[:n].tolist(),
                 y=[v.item() for v in target[:n]], test=x[n:].tolist(), **more)
        add(c)
        if shift:  # an RBF kernel does not see it, but products of such points have no digits left: fitted without it
            c["x"], c["test"] = ((np.array(c[key]) + shift).tolist() for key in ("x", "test"))
        return c

    def duplicates(x):
        x = x.copy()
        x[:, 1], x[:, 2] = x[:, 0], 3.5
        x[5], x[6] = x[4], x[4]
        return x
    out = [
        case("rbf", "svc", 90, 5, c=1.0),
        case("more columns than rows", "svc", 15, 40, c=1.0),
        case("linear", "svc", 70, 3, "linear", c=0.5),
        case("polynomial", "svc", 80, 4, "poly", c=1.0, degree=3, constant=1.0),
        case("even polynomial", "svc", 50, 4, "poly", c=1.0, degree=2, constant=0.0, gamma="auto"),
        case("sigmoid", "svc", 60, 3, "sigmoid", c=0.3, constant=-0.5, gamma=0.05),
        case("duplicates and a constant", "svc", 60, 5, c=2.0, change=duplicates),
        case("a mean of a million", "svc", 60, 4, c=1.0, gamma=0.2, shift=1e6),
        case("large c", "svc", 80, 4, c=1000.0),
        case("weights", "svc", 70, 4, c=1.0, weights=np.round(rng.uniform(0, 3, 70), 2).tolist()),
        case("class weights", "svc", 70, 4, c=1.0, classWeights=[1.0, 4.0]),
        case("three classes", "svc", 90, 4, c=1.0, classes=3),
        case("four classes, linear", "svc", 80, 3, "linear", c=1.0, classes=4),
        case("nu", "nu_svc", 80, 4, nu=0.4),
        case("nu, three classes", "nu_svc", 90, 4, classes=3, nu=0.3),
        case("nu, weights", "nu_svc", 60, 4, nu=0.3, weights=np.round(rng.uniform(0.5, 2, 60), 2).tolist()),
        case("svr", "svr", 80, 4, c=1.0, epsilon=0.1),
        case("svr linear", "svr", 60, 3, "linear", c=0.7, epsilon=0.2),
        case("svr without a tube", "svr", 40, 3, c=2.0, epsilon=0.0),
        case("svr weights", "svr", 50, 4, c=1.0, epsilon=0.1, weights=np.round(rng.uniform(0, 2, 50), 2).tolist()),
        case("nu svr", "nu_svr", 70, 4, c=1.0, nu=0.4),
        case("nu svr polynomial", "nu_svr", 50, 3, "poly", c=0.5, nu=0.5, degree=2, constant=1.0),
        case("one class", "one_class", 70, 3, nu=0.2),
        case("one class, nu 1/2, weights", "one_class", 50, 3, nu=0.5, weights=np.round(rng.uniform(0.2, 1, 50), 2).tolist()),
        case("more than one working set", "svc", 1300, 4, c=1.0),
        case("more than one working set, nu", "nu_svc", 700, 3, nu=0.5),
        case("more than one working set, svr", "svr", 700, 3, c=1.0, epsilon=0.05),
    ]
    # A class with one example, and one kernel matrix for two machines.
    x, f, y = data(40, 3)
    y[:40] = np.where(y[:40] == 1, 1, 0)
    y[7] = 2
    out.append(add(dict(name="a class of one", machine="svc", kernel="rbf", gamma="scale", c=1.0, x=x[:40].tolist(), y=y[:40].tolist(), test=x[40:].tolist())))
    K = np.exp(-0.3 * ((x[:, None] - x[None, :40]) ** 2).sum(-1))
    for machine, more in (("svc", dict(c=1.0)), ("svr", dict(c=1.0, epsilon=0.1)), ("one_class", dict(nu=0.3))):
        t = y[:40].tolist() if machine == "svc" else f[:40].tolist()
        out.append(add(dict(name=f"precomputed {machine}", machine=machine, kernel="precomputed", gamma="auto", x=K[:40].tolist(), y=t, test=K[40:].tolist(), **more)))
    return out


def libsvm_models(folder):
    from libsvm.svmutil import svm_predict, svm_problem, svm_parameter, svm_save_model, svm_train
    rng = np.random.default_rng(5)
    x = np.round(rng.normal(size=(40, 4)), 3)
    x[rng.uniform(size=x.shape) < 0.2] = 0
    f = x[:, 0] * x[:, 1] + x[:, 2]
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    two, three = np.where(f > 0, 1, -1), np.digitize(f, [-0.4, 0.4]) + 3
    K = x @ x.T + 1
    for name, y, args, data in [
            ("c_svc", two, "-s 0 -t 2 -c 1 -g 0.25", x), ("c_svc_three", three, "-s 0 -t 1 -d 3 -r 1 -g 0.25", x), ("c_svc_linear", two, "-s 0 -t 0", x),
            ("nu_svc", two, "-s 1 -t 3 -g 0.1 -r 0.2 -n 0.3", x), ("one_class", two, "-s 2 -t 2 -g 0.25 -n 0.3", x), ("epsilon_svr", f, "-s 3 -t 2 -g 0.25 -p 0.1", x),
            ("nu_svr", f, "-s 4 -t 0 -n 0.5", x), ("c_svc_precomputed", two, "-s 0 -t 4", np.hstack([np.arange(1, 41)[:, None], K])),
            ("c_svc_probability", two, "-s 0 -t 2 -g 0.25 -b 1", x)]:
        rows = [{i if "precomputed" in name else i + 1: float(v) for i, v in enumerate(r) if v != 0} for r in data]
        m = svm_train(svm_problem(y.tolist(), rows), svm_parameter(args + " -q"))
        svm_save_model(str(folder / f"{name}.model"), m)
        labels, _, values = svm_predict([0] * len(rows), rows, m, "-q")
        out.append(dict(name=name, x=(K if "precomputed" in name else x).tolist(), answers=labels, values=[list(v) for v in values], labels=m.get_labels() if m.get_nr_class() > 1 else []))
    return out


def main():
    ap = options(__doc__)
    a = ap.parse_args()
    save_json(a.out / "kernel_svm.json", dict(versions=versions("scikit-learn", "numpy", "libsvm-official"), cases=cases(), libsvm=libsvm_models(a.out / "libsvm")), indent=None)


main()
