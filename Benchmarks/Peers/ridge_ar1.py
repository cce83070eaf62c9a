"""Ridge regression on correlated columns, dense float32, alpha = 1, intercept not penalised: 1,000,000 x 100 and 100,000 x 1000 with
columns x_j = 0.95 x_(j-1) + sqrt(1 - 0.95^2) z_j (condition number about 1.5e3 of the covariance, 38 of X).

In the form of the other peers' scripts, whose common.py and datasets.py it uses: run it with PYTHONPATH set to their folder.
max_coef_err_vs_exact is against the solution in float64.
"""
from common import *
import datasets

SIZES = {"1000000x100": (1_000_000, 100), "100000x1000": (100_000, 1000)}
RHO = 0.95


def data(n, d):
    ds = datasets.Dataset(f"ridge_ar1_{n}x{d}")
    if not ds.ready():
        X = np.empty((n, d), np.float32)
        for s in range(0, n, 50_000):
            e = min(n, s + 50_000)
            z = datasets.normal(111, s * d, (e - s) * d).reshape(e - s, d)
            for j in range(1, d):
                z[:, j] = RHO * z[:, j - 1] + np.sqrt(1 - RHO * RHO) * z[:, j]
            X[s:e] = z
        w = datasets.normal(112, 0, d) / np.sqrt(d)
        y = X.astype(np.float64) @ w + 0.5 * datasets.normal(113, 0, n) + 3.0
        ds.write({"X": (X, "f32"), "y": (y, "f32"), "w_true": (w, "f64")}, intercept=3.0, noise_sd=0.5)
    return ds


def exact(n, d, X, y):
    g = DATA / f"ridge_ar1_{n}x{d}" / "coef_exact.f64"
    if not g.exists():
        mx, my = X.mean(0, dtype=np.float64), y.mean(dtype=np.float64)
        G, b = np.zeros((d, d)), np.zeros(d)
        for s in range(0, n, 50_000):
            Xc = X[s:s + 50_000].astype(np.float64) - mx
            G += Xc.T @ Xc
            b += Xc.T @ (y[s:s + 50_000].astype(np.float64) - my)
        np.linalg.solve(G + np.eye(d), b).tofile(g)
    return np.fromfile(g)


def fit_case(size, peer):
    def go(args):
        n, d = SIZES[size]
        X, y = data(n, d).load("X", "y")
        truth = exact(n, d, X, y)
        r = {}
        if peer.startswith("sklearn"):
            from sklearn.linear_model import Ridge
            solver = peer.split("-")[1]

            def fit():
                r["m"] = Ridge(alpha=1.0, solver=solver, **({} if solver == "cholesky" else {"tol": 1e-6})).fit(X, y)
            get = lambda: (r["m"].coef_, float(r["m"].intercept_))
        else:
            def fit():
                mx, my = X.mean(0, dtype=np.float64), float(y.mean(dtype=np.float64))
                G = (X.T @ X).astype(np.float64) - len(X) * np.outer(mx, mx)
                b = (X.T @ y).astype(np.float64) - len(X) * mx * my
                w = np.linalg.solve(G + np.eye(d), b)
                r["m"] = (w, my - mx @ w)
            get = lambda: r["m"]
        base = rss_mb()
        runs = timeit(fit, repeats=args.repeats, warmup=1, budget_s=60)
        w, b0 = get()
        peak = peak_rss_mb()
        q = {"intercept": b0, "max_coef_err_vs_exact": float(np.abs(w - truth).max())}
        emit(f"ridge_ar1/{size}", peer, runs, {"rows_per_s": round(n / med(runs))}, q,
             rss_before_mb=base, work_mb=round(peak - base, 1), peak_at_fit_mb=peak)
    return go


cases = {f"{s}-{p}": fit_case(s, p) for s in SIZES
         for p in ("sklearn-cholesky", "sklearn-lsqr", "sklearn-sparse_cg", "numpy-normal-equations")}
main(cases, __doc__)
