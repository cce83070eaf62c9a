#!/usr/bin/env python3
"""Fits the polynomials and rational functions of Sources/CTensorKernels/templates/math.inc (float versions).

Minimax fits of the relative error by the Remez exchange algorithm in 50-digit arithmetic (mpmath). For a rational
function the linear system of each exchange step is solved repeatedly, with the levelled error E of the step before
in the term E Q(x). Prints the coefficients as C float literals, lowest order first, with the error before rounding.

    python3 fit_polynomials.py
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 50


def interpolate(f, low, high, p_degree, q_degree, skew):
    """The start: P - f Q = 0 on Chebyshev nodes, pulled towards `low` by the power `skew`."""
    count = p_degree + q_degree + 1
    a, b = mp.matrix(count, count), mp.matrix(count, 1)
    for row in range(count):
        x = low + (high - low) * ((1 - mp.cos(mp.pi * (row + mp.mpf(1) / 2) / count)) / 2) ** skew
        b[row] = f(x)
        for j in range(p_degree + 1):
            a[row, j] = x**j
        for j in range(1, q_degree + 1):
            a[row, p_degree + j] = -b[row] * x**j
    solution = mp.lu_solve(a, b)
    return list(solution[: p_degree + 1]), [mp.mpf(1)] + list(solution[p_degree + 1 :])


def remez(f, weight, low, high, p_degree, q_degree=0, skew=1, rounds=30):
    """Minimax P/Q (q0 = 1) for f on [low, high]: min max |weight (f - P/Q)|. Returns p, q, error."""
    low, high = mp.mpf(low), mp.mpf(high)
    count = p_degree + q_degree + 2
    grid = [low + (high - low) * ((1 - mp.cos(mp.pi * i / mp.mpf(2000))) / 2) ** skew for i in range(2001)]
    values = [(f(x), weight(x)) for x in grid]
    p, q = interpolate(f, low, high, p_degree, q_degree, skew)
    for step in range(rounds):
        errors = [w * (fx - mp.polyval(p[::-1], x) / mp.polyval(q[::-1], x)) for x, (fx, w) in zip(grid, values)]
        # The extremum of every run of equal sign; the exchange keeps `count` alternating ones around the largest.
        runs = []
        for i, e in enumerate(errors):
            if runs and (e > 0) == (errors[runs[-1]] > 0):
                if abs(e) > abs(errors[runs[-1]]):
                    runs[-1] = i
            else:
                runs.append(i)
        while len(runs) > count:
            runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
        if len(runs) < count:
            raise RuntimeError(f"only {len(runs)} alternations of {count}")
        sizes = [abs(errors[i]) for i in runs]
        if max(sizes) <= min(sizes) * mp.mpf("1.001") or step == rounds - 1:
            return p, q, max(sizes)
        # Newton's method from the present p and q for P = (f - s level) Q on the points, with alternating s.
        level = mp.fsum(sizes) / count * (1 if errors[runs[0]] > 0 else -1)
        for _ in range(20):
            a, b = mp.matrix(count, count), mp.matrix(count, 1)
            for row, i in enumerate(runs):
                x, (fx, w) = grid[i], values[i]
                sign = (-1) ** row / w
                px, qx = mp.polyval(p[::-1], x), mp.polyval(q[::-1], x)
                for j in range(p_degree + 1):
                    a[row, j] = x**j
                for j in range(1, q_degree + 1):
                    a[row, p_degree + j] = (sign * level - fx) * x**j
                a[row, count - 1] = sign * qx
                b[row] = (fx - sign * level) * qx - px
            change = mp.lu_solve(a, b)
            p = [p[j] + change[j] for j in range(p_degree + 1)]
            q = [mp.mpf(1)] + [q[j] + change[p_degree + j] for j in range(1, q_degree + 1)]
            level += change[count - 1]
            if abs(change[count - 1]) <= abs(level) * mp.mpf("1e-12"):
                break


def report(name, p, q, error):
    print(f"{name}: relative error {mp.nstr(error, 3)} = 2^{mp.nstr(mp.log(error, 2), 4)}")
    print("    P: " + ", ".join(f"{np.float32(float(c))!r}f".replace("np.float32(", "").replace(")", "") for c in p))
    if len(q) > 1:
        print("    Q: " + ", ".join(f"{np.float32(float(c))!r}f".replace("np.float32(", "").replace(")", "") for c in q))


def high_low(name, x, bits):
    """x = high + low, high with `bits` significant bits."""
    exponent = mp.floor(mp.log(abs(x), 2)) + 1
    high = mp.nint(x * mp.mpf(2) ** (bits - exponent)) / mp.mpf(2) ** (bits - exponent)
    print(f"{name}: high {mp.nstr(high, 20)}, low {np.float32(float(x - high))!r}, whole {np.float32(float(x))!r}")


if __name__ == "__main__":
    half = mp.log(2) / 2
    high_low("ln 2", mp.log(2), 14)
    print("log2 e:", repr(np.float32(float(1 / mp.log(2)))))

    # exp(r) = 1 + r + r^2 P(r), |r| <= ln(2)/2 (a little more: the rounding of x log2(e) may be off).
    wide = half * mp.mpf("1.0001")
    series = lambda x: (mp.exp(x) - 1 - x) / x**2 if abs(x) > mp.mpf("1e-15") else mp.mpf(1) / 2 + x / 6
    for degree in (3, 4):
        report(f"exp, degree {degree}", *remez(series, lambda x: x**2 * mp.exp(-x) + mp.mpf("1e-12"), -wide, wide, degree))

    # log(1 + f) = f - f^2/2 + f^3 P(f), 1 + f in [sqrt(1/2), sqrt 2]; error relative to log(1 + f).
    def tail(f):
        if abs(f) < mp.mpf("1e-12"):
            return mp.mpf(1) / 3 - f / 4
        return (mp.log1p(f) - f + f**2 / 2) / f**3

    def tail_weight(f):
        return abs(f**3 / mp.log1p(f)) if abs(f) > mp.mpf("1e-12") else mp.mpf("1e-24")

    low, high = mp.sqrt(mp.mpf(1) / 2) - 1, mp.sqrt(2) - 1
    for degree in (6, 7, 8):
        report(f"log, degree {degree}", *remez(tail, lambda f: tail_weight(f) + mp.mpf("1e-9"), low, high, degree))

    # erf(x) = x P(x^2) / Q(x^2) for |x| <= 3.925, 1 beyond.
    def erf_over_x(t):
        return mp.erf(mp.sqrt(t)) / mp.sqrt(t) if t > mp.mpf("1e-30") else 2 / mp.sqrt(mp.pi)

    for degrees in ((4,4),(5, 5),(6,4),(5,4)):
        try:
            report(f"erf, degrees {degrees}",
                   *remez(erf_over_x, lambda t: 1 / erf_over_x(t), mp.mpf(0), mp.mpf("3.925") ** 2, *degrees, skew=SK))
        except Exception as e: print(degrees, e)

    # tanh(x) = x P(x^2) / Q(x^2) for |x| <= 9.02, 1 beyond.
    def tanh_over_x(t):
        return mp.tanh(mp.sqrt(t)) / mp.sqrt(t) if t > mp.mpf("1e-30") else mp.mpf(1)

    for degrees in ((4, 4), (5,3),(5, 4)):
        try:
            report(f"tanh, degrees {degrees}",
                   *remez(tanh_over_x, lambda t: 1 / tanh_over_x(t), mp.mpf(0), mp.mpf("9.02") ** 2, *degrees, skew=SK))
        except Exception as e: print(degrees, e)
