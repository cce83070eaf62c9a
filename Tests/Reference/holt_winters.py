"""Exponential smoothing of Holt and Winters at given and at fitted parameters.

Command:   python holt_winters.py [--out DIR]
Versions:  statsmodels 0.15.0, numpy 2.4.6

Produces holt-winters.json:
  series: {weekly [130], quarterly [41], odd [37]}: seeded, above 0, with a trend and a season of 26, 4 and 5 steps
  cases: {series, trend, season (none, additive, multiplicative), isDamped, period, alpha, beta, gamma, phi,
    level, slope, seasonal [m]: the first states of initialization_method="heuristic",
    fitted [n], squaredError, forecast [12]: at the given parameters; statsmodels forecasts step m of the season, 2 m, … with the
    effect of one season before the last, which the tests leave out,
    bestSquaredError: with the smoothing parameters fitted by statsmodels from the same first states}
"""
import warnings

import numpy as np
from reference_common import options, save_json, versions
from statsmodels.tsa.holtwinters import ExponentialSmoothing

warnings.filterwarnings("ignore")
SHORT = {"none": None, "additive": "add", "multiplicative": "mul"}


def series(n, period, seed, slope):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    season = 1 + 0.3 * np.sin(2 * np.pi * t / period) + 0.1 * np.cos(4 * np.pi * t / period)
    return np.round((100 + slope * t) * season * np.exp(0.05 * rng.standard_normal(n)), 3)


def case(name, y, trend, season, damped, period):
    alpha, beta, gamma, phi = 0.37, 0.11, 0.23, 0.93 if damped else 1.0
    model = ExponentialSmoothing(y, trend=SHORT[trend], damped_trend=damped, seasonal=SHORT[season],
                                 seasonal_periods=period if season != "none" else None,
                                 initialization_method="heuristic")
    given = {"smoothing_level": alpha}
    if trend != "none":
        given["smoothing_trend"] = beta
    if season != "none":
        given["smoothing_seasonal"] = gamma
    if damped:
        given["damping_trend"] = phi
    fit = model.fit(**given, optimized=False)
    best = model.fit(optimized=True)
    p = fit.params
    if damped and trend == "multiplicative":
        # statsmodels reports b^phi / phi in place of b, and forecasts from that.
        p["initial_trend"] = (p["initial_trend"] * phi) ** (1 / phi)
    forecast = model.predict(p, start=len(y), end=len(y) + 11)
    return {
        "series": name, "trend": trend, "season": season, "isDamped": damped, "period": period,
        "alpha": alpha, "beta": beta, "gamma": gamma, "phi": phi,
        "level": float(p["initial_level"]), "slope": float(np.nan_to_num(p["initial_trend"])),
        "seasonal": [float(x) for x in p["initial_seasons"]] if season != "none" else [],
        "fitted": fit.fittedvalues.tolist(), "squaredError": float(fit.sse),
        "forecast": np.asarray(forecast).tolist(), "bestSquaredError": float(best.sse),
    }


def main():
    args = options(__doc__).parse_args()
    data = {"weekly": (series(130, 26, 1, 0.4), 26), "quarterly": (series(41, 4, 2, 1.5), 4),
            "odd": (series(37, 5, 3, -0.7), 5)}
    cases = []
    for name, (y, period) in data.items():
        for trend in SHORT:
            for season in SHORT:
                for damped in [False, True] if trend != "none" else [False]:
                    cases.append(case(name, y, trend, season, damped, period))
    save_json(args.out / "holt-winters.json", {
        "versions": versions("statsmodels", "numpy"),
        "series": {name: y.tolist() for name, (y, _) in data.items()}, "cases": cases})


if __name__ == "__main__":
    main()
