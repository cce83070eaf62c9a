"""Normal, t, chi-squared and F distributions of SciPy, from ordinary to extreme arguments and degrees of freedom.

Command:   python distributions.py [--out DIR]
Versions:  scipy 1.17.1

Produces distributions.json, {"cases": [...]}; each case has kind (normal, t, chiSquared, f), parameters (the degrees of
freedom), points, cdf and survival at the points, probabilities, quantiles at the probabilities. All float64.
"""
from reference_common import options, save_json, versions
from scipy import stats

PROBABILITIES = [1e-30, 1e-12, 1e-6, 0.001, 0.025, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.975, 0.999, 0.999999]


def case(kind, parameters, distribution, points):
    return {
        "kind": kind,
        "parameters": parameters,
        "points": points,
        "cdf": [float(distribution.cdf(x)) for x in points],
        "survival": [float(distribution.sf(x)) for x in points],
        "probabilities": PROBABILITIES,
        "quantiles": [float(distribution.ppf(p)) for p in PROBABILITIES],
    }


def main():
    args = options(__doc__)
    line = [-40.0, -8.0, -3.0, -1.96, -0.5, -1e-9, 0.0, 1e-3, 0.3, 1.0, 2.5, 6.0, 20.0, 38.0]
    half = [1e-8, 0.01, 0.3, 0.9, 1.0, 1.1, 2.0, 3.84, 10.0, 50.0, 200.0]
    cases = [case("normal", [], stats.norm, line)]
    for df in [0.5, 1, 2, 3, 7.5, 30, 200, 5000, 1e6]:
        cases.append(case("t", [df], stats.t(df), line))
    for df in [0.5, 1, 2, 5, 17.5, 100, 1000, 1e5]:
        points = half + [df * f for f in (0.5, 0.9, 0.99, 1.0, 1.01, 1.2, 2.0)]
        cases.append(case("chiSquared", [df], stats.chi2(df), points))
    for numerator, denominator in [(1, 1), (1, 10), (3, 7), (0.5, 20), (10, 3), (40, 200), (5, 1e5), (1000, 1000)]:
        cases.append(case("f", [numerator, denominator], stats.f(numerator, denominator), half))
    save_json(args.out / "distributions.json", {"versions": versions("scipy"), "cases": cases})


if __name__ == "__main__":
    main()
