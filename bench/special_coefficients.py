#!/usr/bin/env python3
"""Fits the polynomials of `src/special/` and prints them as Rust arrays.

Each fit interpolates the function at Chebyshev nodes in 80-digit arithmetic (within a small factor
of the minimax polynomial), rewrites it in powers of its variable and rounds each coefficient to
the nearest f64. The error printed is that of the rounded polynomial, in units of 2^-53 of the
weight given. Needs mpmath: `pip install mpmath`. Run: `python3 bench/special_coefficients.py`.
"""
import struct

from mpmath import mp, mpf

mp.dps = 80


def fit(f, lo, hi, degree):
    """Monomial coefficients, lowest first, of the Chebyshev interpolant of f on [lo, hi]."""
    n = degree + 1
    lo, hi = mpf(lo), mpf(hi)
    mid, half = (hi + lo) / 2, (hi - lo) / 2
    nodes = [mp.cos(mp.pi * (mpf(j) + mpf(1) / 2) / n) for j in range(n)]
    values = [f(mid + half * t) for t in nodes]
    cheb = []
    for k in range(n):
        s = sum(values[j] * mp.cos(k * mp.pi * (mpf(j) + mpf(1) / 2) / n) for j in range(n))
        cheb.append(s * 2 / n)
    cheb[0] /= 2
    # Chebyshev series to powers of t, then t = (x - mid) / half.
    prev, cur = [mpf(1)], [mpf(0), mpf(1)]
    powers = [mpf(0)] * n
    powers[0] += cheb[0]
    for k in range(1, n):
        for i, c in enumerate(cur):
            powers[i] += cheb[k] * c
        nxt = [mpf(0)] + [2 * c for c in cur]
        for i, c in enumerate(prev):
            nxt[i] -= c
        prev, cur = cur, nxt
    out = [mpf(0)] * n
    for c in reversed(powers):  # Horner in the linear map
        shifted = [mpf(0)] * n
        for i in range(n):
            shifted[i] -= out[i] * mid / half
            if i + 1 < n:
                shifted[i + 1] += out[i] / half
        shifted[0] += c
        out = shifted
    return out


def weighted_fit(f, lo, hi, degree, weight):
    """Coefficients of the least-squares fit of f on [lo, hi] with a weight that varies strongly."""
    m = 6 * degree
    lo, hi = mpf(lo), mpf(hi)
    nodes = [lo + (hi - lo) * (1 - mp.cos(mp.pi * (mpf(j) + mpf(1) / 2) / m)) / 2 for j in range(m)]
    a = mp.matrix(m, degree + 1)
    b = mp.matrix(m, 1)
    for i, x in enumerate(nodes):
        w = weight(x)
        b[i] = w * f(x)
        for j in range(degree + 1):
            a[i, j] = w * x**j
    return list(mp.lu_solve(a.T * a, a.T * b))


def show(name, doc, f, lo, hi, degree, weight=lambda x: mpf(1), weigh=False):
    exact = weighted_fit(f, lo, hi, degree, weight) if weigh else fit(f, lo, hi, degree)
    rounded = [mpf(float(c)) for c in exact]
    lo, hi = mpf(lo), mpf(hi)
    worst = mpf(0)
    for i in range(400):
        x = lo + (hi - lo) * (mpf(i) + mpf("0.37")) / 400
        worst = max(worst, abs(mp.polyval(rounded[::-1], x) - f(x)) * weight(x))
    print(f"/// {doc}, degree {degree} on [{mp.nstr(lo, 6)}, {mp.nstr(hi, 6)}]; "
          f"error {mp.nstr(worst * 2**53, 2)}e-53b")
    print(f"const {name}: [f64; {degree + 1}] = [")
    for c in rounded:
        print(f"    {float(c)!r},")
    print("];\n", flush=True)


def show_f32(name, doc, f, lo, hi, degree, weight):
    """As show, with coefficients rounded to f32 and errors in units of 2^-24."""
    single = lambda c: struct.unpack("f", struct.pack("f", float(c)))[0]
    rounded = [mpf(single(c)) for c in fit(f, lo, hi, degree)]
    lo, hi = mpf(lo), mpf(hi)
    points = [lo + (hi - lo) * (mpf(i) + mpf("0.37")) / 400 for i in range(400)]
    worst = max(abs(mp.polyval(rounded[::-1], x) - f(x)) * weight(x) for x in points)
    print(f"/// {doc}, degree {degree} on [{mp.nstr(lo, 6)}, {mp.nstr(hi, 6)}]; error {mp.nstr(worst * 2**24, 2)}e-24b")
    print(f"const {name}: [f32; {degree + 1}] = {[float(mp.nstr(c, 8)) for c in rounded]};\n", flush=True)


def split(name, value, bits=None):
    """A constant as an unevaluated sum of two f64, the first with `bits` significant bits."""
    hi = mpf(float(value))
    if bits:
        e = mp.floor(mp.log(abs(value), 2)) - bits + 1
        hi = mp.floor(value / mpf(2) ** e) * mpf(2) ** e
    print(f"const {name}_HI: f64 = {float(hi)!r};\nconst {name}_LO: f64 = {float(value - hi)!r};\n")


def series(f, terms):
    """Removes a removable singularity: a Taylor series near zero, the formula away from it."""
    return lambda x: mp.fsum(c * x**i for i, c in enumerate(terms)) if abs(x) < mpf("1e-12") else f(x)


def main():
    ln2 = mp.log(2)
    split("LN_2", ln2, 42)
    split("LN_2_FULL", ln2)
    split("HALF_PI", mp.pi / 2)
    split("HALF_LN_TWO_PI", mp.log(2 * mp.pi) / 2)
    split("FRAC_2_SQRT_PI", 2 / mp.sqrt(mp.pi))
    split("DIGAMMA_ROOT", mp.findroot(mp.digamma, 1.4616))
    split("TWO_THIRDS", mpf(2) / 3)

    h = ln2 / 2 * mpf("1.0005")
    show("EXP", "(e^r - 1 - r) / r^2", lambda r: mp.fsum(r**k / mp.factorial(k + 2) for k in range(60)), -h, h, 9,
         lambda r: r * r)
    show("EXPM1", "(e^r - 1 - r) / r^2", lambda r: mp.fsum(r**k / mp.factorial(k + 2) for k in range(60)),
         "-0.2915", "0.4025", 10, lambda r: r * r)
    zmax = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mpf("1.001")
    atanh = lambda z: mp.fsum(2 * z**k / (2 * k + 3) for k in range(60))
    show("LOG", "(log((1+s)/(1-s)) - 2s) / s^3 in s^2", atanh, 0, zmax, 7, lambda z: z)
    series32 = lambda r: mp.fsum(r**k / mp.factorial(k + 2) for k in range(60))
    show_f32("EXP_SERIES", "(e^r - 1 - r) / r^2", series32, -h, h, 4, lambda r: r * r)
    show_f32("SHIFTED_SERIES", "(e^r - 1 - r) / r^2", series32, "-0.2915", "0.4025", 5, lambda r: r * r)
    show_f32("LOG_SERIES", "(log((1+s)/(1-s)) - 2s) / s^3 in s^2", atanh, 0, zmax, 3, lambda z: z)
    split("LN_2_F32", ln2, 15)
    atanh5 = lambda z: mp.fsum(2 * z**k / (2 * k + 5) for k in range(60))
    show("LOG_TAIL", "(log((1+s)/(1-s)) - 2s - 2s^3/3) / s^5 in s^2", atanh5, 0, zmax, 8, lambda z: z**2 * 1000)



    erf_tail = lambda z: mp.fsum(2 / mp.sqrt(mp.pi) * (-1)**k * z**(k - 1) / mp.factorial(k) / (2 * k + 1) for k in range(1, 80))
    show("ERF", "(erf(x)/x - 2/sqrt(pi)) / x^2 in x^2", erf_tail, 0, 1, 13, lambda z: z)
    show("ERF_FAR", "log(erfc(x)) in x - 1, weighted by erfc(x)", lambda v: mp.log(mp.erfc(v + 1)), 0, 5, 16,
         lambda v: mp.erfc(v + 1), weigh=True)
    K = 4

    def erfcx_map(t):
        if t >= 1:
            return 2 / mp.sqrt(mp.pi)
        x = K * (1 + t) / (1 - t)
        if x > 60:
            s = mp.fsum((-1)**k * mp.fac2(2 * k - 1) / (2 * x * x)**k for k in range(25))
            return (1 + 2 * x) * s / (x * mp.sqrt(mp.pi))
        return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)

    show("ERFCX", "(1 + 2x) erfcx(x) in t = (x - 4)/(x + 4)", erfcx_map, -1, 1, 24)

    lg2 = lambda f: mp.loggamma(2 + f) / f
    show("LGAMMA_TWO", "lgamma(2 + f) / f", lg2, "-0.65", "0.35", 22)

    def stirling(w):
        if w < mpf("1e-4"):
            return mp.fsum(mp.bernoulli(2 * k) / (2 * k * (2 * k - 1)) * w**(k - 1) for k in range(1, 25))
        x = 1 / mp.sqrt(w)
        return (mp.loggamma(x) - (x - mpf(1) / 2) * mp.log(x) + x - mp.log(2 * mp.pi) / 2) * x

    show("STIRLING", "x (lgamma(x) - (x - 1/2) log x + x - log(2 pi)/2) in 1/x^2", stirling, 0, 1 / mpf("4.35")**2, 8)

    def psi_far(w):
        if w < mpf("1e-4"):
            return mp.fsum(mp.bernoulli(2 * k) / (2 * k) * w**(k - 1) for k in range(1, 25))
        x = 1 / mp.sqrt(w)
        return -(mp.digamma(x) - mp.log(x) + 1 / (2 * x)) / w

    show("DIGAMMA_FAR", "x^2 (log x - 1/(2x) - digamma(x)) in 1/x^2", psi_far, 0, mpf(1) / 16, 8, lambda w: w)
    root = mp.findroot(mp.digamma, 1.4616)
    show("DIGAMMA_NEAR", "digamma(x) / (x - root) in x - 1.5",
         lambda v: mp.digamma(v + mpf("1.5")) / (v + mpf("1.5") - root), -0.5, 0.5, 22)

    def tri_far(w):
        if w < mpf("1e-4"):
            return mp.fsum(mp.bernoulli(2 * k) * w**(k - 1) for k in range(1, 25))
        x = 1 / mp.sqrt(w)
        return (mp.polygamma(1, x) - 1 / x - w / 2) * x**3

    show("TRIGAMMA_FAR", "x^3 (trigamma(x) - 1/x - 1/(2x^2)) in 1/x^2", tri_far, 0, mpf(1) / 16, 9, lambda w: w)
    show("TRIGAMMA_NEAR", "trigamma(x) in x - 2.5", lambda v: mp.polygamma(1, v + mpf("2.5")), -0.5, 0.5, 18)

    i0 = lambda a: mp.fsum(a**(k - 1) / mp.factorial(k)**2 for k in range(1, 70))
    i1 = lambda a: mp.fsum(a**k / mp.factorial(k) / mp.factorial(k + 1) for k in range(0, 70))
    show("I0_NEAR", "(I0(x) - 1) / a in a = x^2/4", i0, 0, 16, 18, lambda a: 1 / i0(a))
    show("I1_NEAR", "I1(x) / (x/2) in a = x^2/4", i1, 0, 16, 18, lambda a: 1 / i1(a))

    def far(order):
        def g(v):
            w = (v + 1) / 16
            if w < mpf("0.008"):
                mu, term, total = 4 * order * order, mpf(1), mpf(1)
                for k in range(1, 60):
                    term *= -(mu - (2 * k - 1)**2) * w / (8 * k)
                    total += term
                return total / mp.sqrt(2 * mp.pi)
            return mp.besseli(order, 1 / w) * mp.exp(-1 / w) / mp.sqrt(w)
        return g

    show("I0_FAR", "sqrt(x) e^-x I0(x) in 16/x - 1", far(0), -1, 1, 25)
    show("I1_FAR", "sqrt(x) e^-x I1(x) in 16/x - 1", far(1), -1, 1, 25)

    q = (mp.pi / 4 * mpf("1.0005"))**2
    sin = lambda z: mp.fsum((-1)**k * z**(k - 1) / mp.factorial(2 * k + 1) for k in range(1, 40))
    cos = lambda z: mp.fsum((-1)**k * z**(k - 2) / mp.factorial(2 * k) for k in range(2, 40))
    show("SIN", "(sin(r)/r - 1) / r^2 in r^2", sin, 0, q, 6, lambda z: z)
    show("COS", "(cos(r) - 1 + r^2/2) / r^4 in r^2", cos, 0, q, 5, lambda z: z * z)


if __name__ == "__main__":
    main()
