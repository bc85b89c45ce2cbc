#!/usr/bin/env python3
"""Writes the reference tables of `tests/special.rs` into `tests/data/special/`.

A row is the arguments, the true value rounded to f64 and what the rounding left out, so that errors
can be told in fractions of an ulp. Arguments are seeded, values 60-digit. Needs mpmath:
`pip install mpmath`. Run: `python3 bench/special_reference.py [points [folder]]`.
"""
import pathlib
import random
import sys

from mpmath import mp, mpf

mp.dps = 60
POINTS = int(sys.argv[1]) if len(sys.argv) > 1 else 160
FOLDER = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "tests/data/special")


def even(lo, hi):
    """Evenly spread over [lo, hi]."""
    return lambda r: r.uniform(lo, hi)


def sizes(lo, hi, sign=1.0):
    """Evenly spread in the power of ten, from 10^lo to 10^hi."""
    return lambda r: sign * 10.0 ** r.uniform(lo, hi)


def both(lo, hi):
    return lambda r: r.choice([-1.0, 1.0]) * 10.0 ** r.uniform(lo, hi)


def near(points, lo=-15, hi=-1):
    """Close to one of the points, on either side."""
    return lambda r: r.choice(points) + r.choice([-1.0, 1.0]) * 10.0 ** r.uniform(lo, hi)


def softplus(x):
    return mp.log1p(mp.exp(x))


def phi(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def erfcx(x):
    if x > 40:
        s = mp.fsum((-1) ** k * mp.fac2(2 * k - 1) / (2 * x * x) ** k for k in range(30))
        return s / (x * mp.sqrt(mp.pi))
    return mp.exp(x * x) * mp.erfc(x)


def log_phi(x):
    if x <= 0:
        return -x * x / 2 + mp.log(erfcx(-x / mp.sqrt(2)) / 2)
    return mp.log1p(-phi(-x))


def inv_phi(p):
    """Newton's steps on log Phi from the f64 quantile."""
    from statistics import NormalDist
    if p == mpf(1) / 2:
        return mpf(0)
    flip = p > mpf(1) / 2
    q = 1 - p if flip else p
    x = mpf(NormalDist().inv_cdf(float(q))) if q > 1e-300 else -mp.sqrt(-2 * mp.log(q))
    for _ in range(12):
        slope = mp.sqrt(2 / mp.pi) / erfcx(-x / mp.sqrt(2))
        step = (log_phi(x) - mp.log(q)) / slope
        x -= step
        if abs(step) < mpf(10) ** -45 * abs(x):
            break
    return -x if flip else x


def log_i0(x):
    return mp.log(mp.besseli(0, x)) if x < 5000 else x + mp.log(bessel_scaled(0, x))


def bessel_scaled(order, x):
    mu, term, total = 4 * order * order, mpf(1), mpf(1)
    for k in range(1, 40):
        term *= -(mu - (2 * k - 1) ** 2) / (8 * k * x)
        total += term
    return total / mp.sqrt(2 * mp.pi * x)


def i1_i0(x):
    return mp.besseli(1, x) / mp.besseli(0, x) if x < 5000 else bessel_scaled(1, x) / bessel_scaled(0, x)


def log_gamma(x):
    return mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x)))


def log_beta(a, b):
    """Subtracting logs costs digits in proportion to the larger argument."""
    with mp.workdps(400):
        return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


UNARY = {
    "exp": (mp.exp, [even(-1, 1), even(-708, 709.7), even(-745, -708), both(-18, 2)]),
    "expm1": (mp.expm1, [even(-1, 1), even(-40, 709.7), both(-18, 1), even(-0.5, 0.8)]),
    "log": (mp.log, [even(0.5, 2), sizes(-307, 308), near([1.0]), sizes(-323, -308)]),
    "log1p": (mp.log1p, [even(-0.999, 2), sizes(-18, 308), near([0.0], -300), sizes(-16, 0, -1.0)]),
    "log1m_exp": (lambda x: mp.log(-mp.expm1(x)) if x > -1 else mp.log1p(-mp.exp(x)), [even(-3, -0.001), even(-745, -1), sizes(-300, 1.5, -1.0), near([-0.6931471805599453])]),
    "tanh": (mp.tanh, [even(-2, 2), even(-20, 20), both(-18, 1)]),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), [even(-5, 5), even(-700, 40), both(-10, 1)]),
    "softplus": (softplus, [even(-5, 5), even(-700, 60), both(-10, 2), sizes(2, 300)]),
    "log_sigmoid": (lambda x: -softplus(-x), [even(-5, 5), even(-60, 700), both(-10, 2), sizes(2, 300, -1.0)]),
    "lgamma": (log_gamma, [even(0.01, 5), sizes(-300, 0), sizes(0, 305), near([1.0, 2.0]), near([0.35, 1.35, 2.35, 3.35, 4.35], -15, -3)]),
    "lgamma_negative": (log_gamma, [even(-5, 0), even(-200, 0), sizes(-20, 0, -1.0)]),
    "digamma": (mp.digamma, [even(0.01, 5), sizes(-300, 0), sizes(0, 300), near([1.4616321449683622]), near([1.0, 2.0, 3.0, 4.0], -15, -3)]),
    "digamma_negative": (mp.digamma, [even(-5, 0), even(-50, 0), sizes(-20, 0, -1.0)]),
    "trigamma": (lambda x: mp.polygamma(1, x) if x < 1e15 else 1 / x + 1 / (2 * x * x), [even(0.01, 5), sizes(-150, 0), sizes(0, 300), near([1.0, 2.0, 3.0, 4.0], -15, -3)]),
    "trigamma_negative": (lambda x: mp.polygamma(1, x), [even(-5, 0), even(-50, 0), sizes(-20, 0, -1.0)]),
    "erf": (mp.erf, [even(-1, 1), even(-6, 6), both(-300, 0), near([1.0, -1.0])]),
    "erfc": (mp.erfc, [even(-1, 1), even(-6, 26.5), even(0.4, 3), both(-20, 0)]),
    "erfcx": (erfcx, [even(0, 3), even(-26, 0), sizes(-10, 300), even(0, 30)]),
    "phi": (phi, [even(-3, 3), even(-37.4, 8), both(-20, 0)]),
    "log_phi": (log_phi, [even(-3, 3), even(-40, 37), sizes(0, 150, -1.0), both(-20, 0), even(3, 37)]),
    "inv_phi": (inv_phi, [even(0.001, 0.999), sizes(-300, -1), near([0.5, 0.075, 0.925], -15, -1.2), lambda r: 1 - 10.0 ** r.uniform(-15, -1)]),
    "log_bessel_i0": (log_i0, [even(0, 9), sizes(-8, 6), sizes(1, 100), near([8.0])]),
    "bessel_i1_i0": (i1_i0, [even(0, 9), sizes(-8, 6), sizes(1, 100), near([8.0])]),
    "sin": (mp.sin, [even(-4, 4), even(-1e3, 1e3), both(-18, 6), lambda r: r.randrange(1, 400000) * 1.5707963267948966]),
    "cos": (mp.cos, [even(-4, 4), even(-1e3, 1e3), both(-18, 6), lambda r: r.randrange(1, 400000) * 1.5707963267948966]),
}


def power_pair(r):
    x = 10.0 ** r.uniform(-300, 300)
    return x, r.uniform(-700, 700) / float(mp.log(x))


BINARY = {
    "pow": (lambda x, y: x**y, [power_pair, lambda r: (r.uniform(0.1, 10), r.uniform(-20, 20)), lambda r: (1 + r.uniform(-1e-3, 1e-3), r.uniform(-5e5, 5e5))]),
    "lbeta": (log_beta, [lambda r: (10.0 ** r.uniform(-2, 2), 10.0 ** r.uniform(-2, 2)), lambda r: (10.0 ** r.uniform(-5, 8), 10.0 ** r.uniform(-5, 8)), lambda r: (r.uniform(0.1, 9), r.uniform(0.1, 9))]),
    "polygamma": (lambda n, x: mp.polygamma(int(n), x), [lambda r: (float(r.randrange(2, 12)), 10.0 ** r.uniform(-3, 4))]),
}


def row(arguments, value):
    head = float(value)
    return ",".join(repr(v) for v in (*arguments, head, float(value - mpf(head))))


def write(name, f, makers, tupled):
    r = random.Random(name)
    with open(FOLDER / f"{name}.csv", "w", encoding="ascii", newline="\n") as out:
        print("x,y,value,rest" if tupled else "x,value,rest", file=out)
        for i in range(POINTS):
            arguments = makers[i % len(makers)](r)
            arguments = arguments if tupled else (arguments,)
            value = f(*map(mpf, arguments))
            if abs(value) < mpf("1.7e308"):
                print(row(arguments, value), file=out)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (f, makers) in UNARY.items():
        write(name, f, makers, False)
    for name, (f, makers) in BINARY.items():
        write(name, f, makers, True)


if __name__ == "__main__":
    main()
