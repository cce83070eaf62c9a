#!/usr/bin/env python3
"""Fits the polynomials and rational functions of Sources/CTensorKernels/templates/math.inc (float versions).

Minimax fits by the Remez exchange algorithm in 50-digit arithmetic; rational functions take Newton's method inside
each exchange step. Prints the coefficients as C float literals, lowest order first, with the error before they were
rounded. Needs mpmath and numpy.

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


def floats(values):
    return ", ".join(f"{float(str(np.float32(float(v))))!r}f" for v in values)


def report(name, p, q, error):
    print(f"{name}: error {mp.nstr(error, 3)} = 2^{mp.nstr(mp.log(error, 2), 4)}")
    print("    p:", floats(p))
    if len(q) > 1:
        print("    q:", floats(q))


def high_low(name, x, bits):
    """x = high + low, high with `bits` significant bits."""
    scale = mp.mpf(2) ** (bits - mp.floor(mp.log(abs(x), 2)) - 1)
    high = mp.nint(x * scale) / scale
    print(f"{name}: high {mp.nstr(high, 20)}, low {floats([x - high])}")


TINY = mp.mpf("1e-12")


def exp_tail(r):
    """P of e^r = 1 + r + r^2 P(r)."""
    return (mp.exp(r) - 1 - r) / r**2 if abs(r) > TINY else mp.mpf(1) / 2 + r / 6


def log_tail(f):
    """P of log(1 + f) = f - f^2/2 + f^3 P(f)."""
    return (mp.log1p(f) - f + f**2 / 2) / f**3 if abs(f) > TINY else mp.mpf(1) / 3 - f / 4


def erf_tail(t):
    """P of erf(x) = x + x P(x^2)."""
    return mp.erf(mp.sqrt(t)) / mp.sqrt(t) - 1 if t > TINY else 2 / mp.sqrt(mp.pi) * (1 - t / 3) - 1


def tanh_tail(t):
    """P of tanh(x) = x + x^3 P(x^2)."""
    return (mp.tanh(mp.sqrt(t)) / mp.sqrt(t) - 1) / t if t > TINY else -mp.mpf(1) / 3 + 2 * t / 15


def odd_tanh(t):
    """tanh(x) / x for t = x^2."""
    return mp.tanh(mp.sqrt(t)) / mp.sqrt(t) if t > TINY else 1 - t / 3


def odd_cdf(t):
    """(Phi(x) - 1/2) / x for the standard normal distribution function Phi and t = x^2."""
    x = mp.sqrt(t)
    return mp.erf(x / mp.sqrt(2)) / 2 / x if t > TINY else 1 / mp.sqrt(2 * mp.pi)


def odd_slope(t):
    """(d/dx (x Phi(x)) - 1/2) / x."""
    return odd_cdf(t) + mp.exp(-t / 2) / mp.sqrt(2 * mp.pi)


if __name__ == "__main__":
    high_low("ln 2", mp.log(2), 14)
    print("log2 e:", floats([1 / mp.log(2)]))

    # Relative error of the whole function: the weights below are (what P is multiplied with) / function.
    edge = mp.log(2) / 2 * mp.mpf("1.0001")  # the rounding of x log2(e) may be off a little
    report("exp", *remez(exp_tail, lambda r: r**2 * mp.exp(-r) + TINY, -edge, edge, 4))
    low, high = mp.sqrt(mp.mpf(1) / 2) - 1, mp.sqrt(2) - 1
    log_weight = lambda f: abs(f**3 / mp.log1p(f)) + mp.mpf("1e-9") if abs(f) > TINY else mp.mpf("1e-9")
    report("log", *remez(log_tail, log_weight, low, high, 8))
    report("erf, below 1", *remez(erf_tail, lambda t: 1 / (1 + erf_tail(t)), 0, 1, 6))
    report("log erfc, 1 to 4", *remez(lambda x: mp.log(mp.erfc(x)), lambda x: mp.erfc(x) / mp.erf(x), 1, 4, 6))
    report("tanh, below 0.6",
           *remez(tanh_tail, lambda t: t / (1 + t * tanh_tail(t)) + TINY, 0, mp.mpf("0.6") ** 2, 4))
    report("tanh, below 9", *remez(odd_tanh, lambda t: 1 / odd_tanh(t), 0, 81, 4, 4, skew=mp.mpf("2.5")))
    # Absolute error.
    absolute = lambda t: mp.sqrt(t) + mp.mpf("1e-3")
    report("normal distribution", *remez(odd_cdf, absolute, 0, mp.mpf("5.5") ** 2, 5, 5))
    report("slope of x Phi(x)", *remez(odd_slope, absolute, 0, mp.mpf("6.2") ** 2, 7, 6, skew=mp.mpf("1.5")))
