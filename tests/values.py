"""Log joint densities of the programs in tests/cases/bind, computed apart from elbo.

Each function below writes one program again with NumPy and SciPy, from the page of mathematics that
the program is. Latents are those of the unconstrained vector u[k] = cos(k) / 2, k = 1, 2, …, of every
block of latents (one block for each drawing statement), mapped onto their supports.

    python3 tests/values.py > tests/values.txt
"""

import json
import pathlib

import numpy as np
from numpy import exp, log
from scipy import special as sp
from scipy import stats as st

FOLDER = pathlib.Path(__file__).parent / "cases" / "bind"
PROGRAMS = {}


def program(f):
    PROGRAMS[f.__name__.rstrip("_")] = f
    return f


# Supports --------------------------------------------------------------------------------------


def real(*shape):
    u = np.cos(np.arange(1, int(np.prod(shape)) + 1)) / 2
    return u.reshape(shape) if shape else u[0]


def positive(*shape):
    return exp(real(*shape))


def between(low, high, *shape):
    return low + (high - low) * sp.expit(real(*shape))


def simplex(k, *batch):
    u = real(*batch, k - 1)
    x, rest = [], np.ones(batch)
    for j in range(k - 1):
        part = rest * sp.expit(u[..., j] - log(k - 1 - j))
        x.append(part)
        rest = rest - part
    return np.stack(x + [rest], -1)


def increasing(k):
    u = real(k)
    return np.cumsum(np.concatenate([u[:1], exp(u[1:])]))


# Densities -------------------------------------------------------------------------------------


def normal(x, m, s):
    return np.sum(st.norm.logpdf(x, m, s))


def half_normal(x, s):
    return np.sum(st.halfnorm.logpdf(x, scale=s))


def exponential(x, rate):
    return np.sum(st.expon.logpdf(x, scale=1 / rate))


def gamma(x, shape, rate):
    return np.sum(st.gamma.logpdf(x, shape, scale=1 / rate))


def uniform(x, a, b):
    return np.sum(st.uniform.logpdf(x, a, b - a))


def bernoulli(y, eta):
    return np.sum(y * log(sp.expit(eta)) + (1 - y) * log(sp.expit(-eta)))


# Programs --------------------------------------------------------------------------------------


@program
def eight_schools(y, sigma):
    mu, tau, z = real(), positive(), real(4)
    return (
        normal(mu, 0, 5)
        + st.halfcauchy.logpdf(tau, scale=5)
        + normal(z, 0, 1)
        + normal(y, mu + tau * z, sigma)
    )


@program
def whole_arrays(y, sigma):
    mu, tau, theta = real(), positive(), real(4)
    return (
        normal(mu, 0, 5)
        + st.halfcauchy.logpdf(tau, scale=5)
        + normal(theta, mu, tau)
        + normal(y, theta, sigma)
    )


@program
def logistic_regression(x, y):
    alpha, beta = real(), real(2)
    return normal(alpha, 0, 10) + normal(beta, 0, 2.5) + bernoulli(y, alpha + x @ beta)


@program
def data_defaults(N, y):
    mu = real(3)
    return normal(mu, 0, 2.5) + normal(y, mu.sum(), 1)


@program
def dimensions_by_expression(N, knots, lower):
    w = real(3)
    return normal(w, 0, 1) + w @ knots + lower.sum()


@program
def labels(county, y):
    mu, a = real(), real(3)
    return normal(mu, 0, 1) + normal(a, mu, 2) + normal(y, a[[2, 0, 1, 2]], 0.5)


@program
def labels_in_loops(county, y):
    a = real(2)
    return normal(a, [1, 2], 1) + normal(y, a[[1, 0, 1]], 1)


@program
def labels_compared(city, home, y):
    a = real()
    rome = np.array([1.0, -1.0, 1.0])
    return normal(a, 0, 1) + normal(y, rome * a, 1)


@program
def note_unobserved(y, z, w, lagged, whole):
    mu = real()
    drawn = normal(y[:1], mu, 1) + normal(z[1:], mu, 1) + normal(whole, mu, 1)
    return normal(mu, 0, 1) + drawn + normal(lagged[1:], lagged[:-1], 1)


@program
def nested_loops(y):
    a, b = real(2), real(3)
    m = a[:, None] - b[None, :] * np.array([1, 2])[:, None]
    return normal(a, 0, 2) + normal(b, 0, 3) + normal(y, m, 1)


@program
def loop_over_second_axis(y):
    # The loop over columns is the outer one: the vector runs down the columns.
    e = real(3, 2).T
    return normal(e, 0, [[1, 2, 3]]) + normal(y, e, [[1], [2]])


@program
def dependent_bounds(y, x):
    a = real(3)
    total = normal(a, 0, 1)
    for i in range(3):
        for j in range(i + 1):
            total += normal(y[i, j], a[j] * x[i], 1 + (i + 1) + 2 * (j + 1))
    return total


@program
def ragged_bounds(n, y):
    a = real(3)
    total = normal(a, 0, 2)
    for i in range(3):
        for t in range(n[i]):
            total += normal(y[i, t], a[i] + t + 1, 1)
    return total


@program
def ragged_slices(x, start, end, y):
    b, w = real(), real(6)
    total = normal(b, 0, 1) + normal(w, 0, 1)
    for i in range(3):
        rows = slice(start[i] - 1, end[i])
        m = b * x[rows].mean() + (exp(w[rows]) * x[rows]).sum() + x[rows].max()
        total += normal(y[i], m, 2)
    return total


@program
def ragged_categories(ncat, a, b, c, cut, w):
    theta, step, q = real(2), positive(), real(4)
    total = normal(theta, 0, 1) - step + normal(q, 0, 1)
    for j, n in enumerate(ncat):
        for i in range(2):
            ends = sp.expit(np.append(cut[j][: n - 1] * step, np.inf) - theta[i])
            total += log(np.diff(ends, prepend=0)[a[i][j] - 1])
            total += sp.log_softmax(np.array(w[j][:n]) * theta[i])[b[i][j] - 1]
        total += sp.log_softmax(q[:n])[c[j] - 1]
    return total


@program
def equal_slices(x, start, y):
    w = real(2)
    total = normal(w, 0, 1)
    for i in range(3):
        total += normal(y[i], x[start[i] - 1 : start[i] + 1] @ w, 1)
    return total


@program
def filter_statements(y, seen, limit):
    mu, s, b = real(), positive(), real()
    total = normal(mu, 0, 1) + half_normal(s, 1) + normal(b, 0, 1)
    total += normal(y[[0, 2]], mu, s)
    return total + st.norm.logsf(limit + 2, mu, s)


@program
def filter_nested(y):
    m = real(3)
    total = normal(m, 0, 1)
    for i in range(3):
        for j in range(3):
            if i != j and y[i, j] > 0:
                total += normal(y[i, j], m[i] - m[j], 1)
    return total


@program
def filter_comprehension(x):
    b = real(3)
    positive_part = sum(x[i] * b[i] for i in range(3) if x[i] > 0)
    pairs = sum(b[i] * b[j] for i in range(3) for j in range(3) if i < j)
    return normal(b, 0, 1) + positive_part + 2 * pairs + 3 * (x[1:] @ b[1:])


@program
def functions(x, y, z):
    w = real(2)

    def line(v, offset, scale):
        return offset + scale * (v @ w) / 2

    total = normal(w, 0, 1) + sp.expit(w[1] ** 2 + w[0])
    for i in range(3):
        total += normal(y[i], line(x[i], 0.5, 2), 1)
        total += normal(z[i], sp.expit(line(x[i], i + 1, 3)), 1)
    return total


@program
def functions_of_distributions(y):
    mu, nu = real(), real()
    total = normal(mu, 1, 20) + normal(nu, 3, 10)
    return total + st.t.logpdf(y, 4, mu - nu, 2).sum()


@program
def lambdas(x):
    a = real()
    powers = sum(x[i] * a ** (i + 1) for i in range(3))
    return normal(a, 0, 1) + a**4 + (x + 2 * a).sum() + powers


@program
def comprehensions(x, y):
    a = real(3)
    table = a[:, None] * y[None, :] + [[1, 2]]
    flat = (a[:, None] * y[None, :]).ravel()
    return normal(a, 0, 1) + table[1, 0] + flat[1] * 10 + x[::-1] @ a + table[2].sum()


@program
def indexing(x, idx):
    b = real(3, 2)
    k = idx - 1
    return (
        normal(b, 0, 1)
        + b[1] @ [1, 2]
        + b[:, 0] @ x[:, 1]
        + 3 * b[2, 1]
        + 5 * (b[0, 1] + b[1, 1])
        + b[k[0]].sum()
        + 7 * b[k[2], 1]
        + 11 * b[2, 0]
        + 13 * b[k[1], 0]
    )


@program
def index_arrays(g, h, t):
    a, b = real(4), real(3, 4)
    total = normal(a, 0, 1) + normal(b, 0, 1)
    for i in range(2):
        row, p, q = g[i] - 1, h[i, 0] - 1, h[i, 1] - 1
        total += b[row, p] * t[row, q] + b[row, p] - 3 * b[row, q]
    pairs = a[h - 1]
    cross = b[np.ix_(g - 1, h[:, 0] - 1)]
    return total + 2 * pairs[1, 0] + pairs.sum() + 5 * cross[0, 1]


@program
def array_literals(x):
    a = real(2)
    m = np.array([[1, a[0]], [a[1], x]])
    return normal(a, 0, 1) + (m @ [1, 2]).sum() + np.dot([2, 3, 5], [a[0], a[1], 1]) + 3


@program
def elementwise(x, m):
    a, k = real(3), real(2)
    u = np.where(x > 0, exp(a), log(1 + x**2) * a)
    w = abs(a) + np.maximum(a, 0) + np.fmod(sp.expit(a), 2) + np.floor(x / 2)
    b = m * k + 1
    logic = np.where(((x > 0) & ~(x > 2)) | (x == -1), a, 2 * a)
    total = normal(a, 0, 1) + normal(k, 0, 1)
    return total + u.sum() + w.sum() + (b * m).sum() + logic.sum() - m.sum() / 2


@program
def linear_algebra(S, x):
    a, b = real(2), real(2, 2)
    L = np.linalg.cholesky(S)
    A = S + np.outer(a, a)
    total = normal(a, 0, 1) + normal(b, 0, 1)
    total += np.linalg.slogdet(A)[1] + a @ A @ a + np.trace(A) + a @ np.linalg.solve(L, a)
    total += np.linalg.solve(A, a).sum() + (x @ b).sum() + (x.T @ x @ a).sum()
    total += (np.diag(a) @ b).sum() + (np.diag(S) * a).sum() + (a @ b)[1]
    total += np.linalg.inv(A).sum() + (b.T @ b).sum() + np.linalg.solve(L.T, a).sum()
    for i in range(3):
        total += x[i] @ A @ x[i] + (x[i] @ b).sum() + a @ (S * (i + 1)) @ a
    return total


@program
def reductions(x):
    a, b = real(3), real(2, 3)
    p, c = sp.softmax(a), np.cumsum(a)
    total = normal(a, 0, 1) + normal(b, 0, 1)
    total += b.sum() + b.mean() + (x + a).prod() + a.std(ddof=1) + b.var(ddof=1)
    total += a.max() + b.min() + sp.logsumexp(a)
    total += p @ x + c @ x + sp.log_softmax(a).sum() + np.logaddexp(a[0], a[1]) + 2 * a[0]
    total += (a[::-1] * x).sum() + 2 * (a * x).sum()
    return total + (np.stack([a, a]) * b).sum() + a.sum() + b.sum() + x.mean()


@program
def random_walk(y):
    s, first, rest = positive(), real(), real(2)
    x = np.array([first, *rest])
    total = half_normal(s, 1) + normal(x[0], 0, 3) + normal(x[1:], x[:-1], s)
    return total + normal(y, x, 0.5)


@program
def autoregression(y):
    a, b, s = real(), between(-1, 1), positive()
    total = normal(a, 0, 1) + uniform(b, -1, 1) + exponential(s, 2)
    return total + normal(y[2:], a + b * y[1:-1] + b**2 * y[:-2], s)


@program
def latent_grid(N):
    g = np.zeros((3, 3))
    g[1:, 1:] = real(2, 2)
    g[:, 0] = real(3)
    g[0, 1:] = real(2)
    total = normal(g[:, 0], [1, 2, 3], 2) + normal(g[0, 1:], [-2, -3], 3)
    total += normal(g[1:, 1:], (g[:-1, 1:] + g[1:, :-1]) / 2, 1)
    return total + normal(real(), g[2, 2], 1)


@program
def missing_values(y, x):
    a = real()
    x[[2, 3]], y[[1, 3]] = real(2), real(2)
    return normal(a, 0, 1) + normal(x, 1, 2) + normal(y, a + x, 1)


@program
def missing_parts_of_rows(y):
    mu, missing = real(), real(3)
    y = np.array(y, dtype=float)
    y[np.isnan(y)] = missing
    covariance = [[2, 0.5], [0.5, 1]]
    return normal(mu, 0, 1) + sum(
        st.multivariate_normal.logpdf(row, [mu, 2 * mu], covariance) for row in y
    )


@program
def missing_bounded(y, p, top, u):
    s = positive()
    y[1] = positive()
    p[[1, 2], [0, 1]] = between(0, 1, 2)
    u[1:] = between(-1, np.array([2, 3]), 2)
    total = half_normal(s, 1) + st.lognorm.logpdf(y, s).sum()
    return total + st.beta.logpdf(p, 2, 3).sum() + uniform(u, -1, top)


@program
def supports_of_latents(N):
    a = positive()
    b = between(a, a + 2)
    i = np.arange(1, 4)
    c = between(-b, b * i, 3)
    d = c + positive(3)
    total = exponential(a, 1) + uniform(b, a, a + 2) + uniform(c, -b, b * i)
    return total + (st.norm.logpdf(d) - st.norm.logsf(c)).sum()


@program
def ordered(y, x):
    b, c = real(), increasing(3)
    below = sp.expit(np.concatenate([[-np.inf], c, [np.inf]]) - (b * x)[:, None])
    total = normal(b, 0, 1) + normal(c, 0, 2) + log(6)
    return total + sum(log(below[i, y[i]] - below[i, y[i] - 1]) for i in range(4))


@program
def mixture_list(y):
    w, m = simplex(2), real()
    total = st.dirichlet.logpdf(w, [1, 2]) + normal(m, 0, 3)
    return total + log(w[0] * st.norm.pdf(y, m, 1) + w[1] * st.t.pdf(y, 3, 2 * m, 2)).sum()


@program
def mixture_array(y, K):
    w, m, s = simplex(3), increasing(3), positive(3)
    total = st.dirichlet.logpdf(w, [1, 1, 1]) + normal(m, 0, 3) + log(6) + half_normal(s, 1)
    return total + log((w * st.norm.pdf(y[:, None], m, s)).sum(1)).sum()


@program
def mixture_comprehension(y, K):
    w, m = simplex(3), real(3, 2)
    parts = st.norm.pdf(y[:, None, :], m[None]).prod(-1)
    total = st.dirichlet.logpdf(w, [1, 1, 1]) + normal(m, 0, 3)
    return total + log((w * parts).sum(1)).sum()


@program
def truncation(y, low, z):
    m = real()
    inside = st.norm.cdf(6, m, 2) - st.norm.cdf(low, m, 2)
    total = normal(m, 0, 1) + normal(y, m, 2) - log(inside).sum()
    return total + normal(z, m, 3) - 3 * st.norm.logsf(0, m, 3)


@program
def censoring(y, t):
    m = real()
    total = normal(m, 0, 1) + normal(y[:2], m, 2) + 2 * st.norm.logsf(4, m, 2)
    return total + exponential(t[[0, 2]], 0.5) + 2 * st.expon.logsf(4, scale=2)


@program
def powers(K, y):
    a, b, c = real(3, 2), positive(2, 2), simplex(3, 2)
    total = normal(a, 0, 1) + gamma(b, 2, 3)
    total += sum(st.dirichlet.logpdf(row, [1, 2, 3]) for row in c)
    return total + normal(y, 1, 2)


@program
def params_and_factors(y):
    w, s, q, a = real(2), positive(), simplex(3), real()
    return normal(a, w[0], s) - 0.5 * q[1] * ((y - a - w[1]) ** 2).sum()


@program
def methods(x):
    a = real(3)
    total = normal(a, 0, 1) + x.sum() + exp(a).sum()
    return total + 2 * a.sum() + 3 * a.mean() + (a * x).max()


@program
def properties(y):
    m, s = real(), positive()
    total = normal(m, 0, 1) + half_normal(s, 1) + m + 2 / s**2 + 1 / s
    total += st.norm.cdf(1, m, s) + st.norm.logcdf(y, m, s).sum() + 2 / s
    return total + normal(m, 0, s) + normal(m, y, s) + exp(-2 * s)


@program
def categorical(y, g, w, v):
    p = simplex(3, 2)
    total = sum(st.dirichlet.logpdf(row, [1, 1, 1]) for row in p)
    for i, row in enumerate([1, 0, 1]):
        total += log(p[row, y[i] - 1])
        total += sp.log_softmax([0, w[i], p[0, 0]])[v[i] - 1]
    return total


@program
def multivariate(y, z):
    m, s = real(2), positive(2)
    r = np.tanh(real())
    L = np.array([[1, 0], [r, np.sqrt(1 - r**2)]])
    # LKJ on factors, K = 2, eta = 2: L[2, 2]^2 over its integral with respect to r.
    lkj = 2 * log(L[1, 1]) - log(4 / 3)
    lkj += 0  # the measure on factors is dr
    S = np.diag(s) @ L @ L.T @ np.diag(s)
    total = normal(m, 0, 1) + lkj + half_normal(s, 1)
    return total + st.multivariate_normal.logpdf(np.concatenate([y, z]), m, S).sum()


@program
def counts(y, n, c, h, b, k):
    r, p, q = positive(), between(0, 1), simplex(3)
    pois = st.poisson(r)
    total = gamma(r, 2, 1) + st.beta.logpdf(p, 1, 1) + st.dirichlet.logpdf(q, [1, 1, 1])
    total += log(p * (y == 0) + (1 - p) * pois.pmf(y)).sum()
    total += np.where(h == 0, log(p), log(1 - p) + pois.logpmf(h) - log(1 - exp(-r))).sum()
    total += st.nbinom.logpmf(b, 2, 2 / (2 + r)).sum() + st.binom.logpmf(k, n, p).sum()
    return total + sum(st.multinomial.logpmf(c[i], n[i], q) for i in range(3))


@program
def pieces(N):
    a = real(3)
    s = np.array([10, 2 * a[0], 3 * a[1]])
    q = np.array([-a[0], 2 * a[1], -a[2]])
    return normal(a, 0, 1) + s.sum() + q @ s + (a[1] + 1) * a[2]


@program
def choices(x, k):
    a = real()
    w = [log(2) * a, a**2, 0, log(4) * a]
    total = normal(a, 0, 1) + exp(a) + 3 * (a if a > 0 else 2 * a)
    return total + sum(w[i] * (i + 1) for i in range(4)) + 5 * (a + a / 2 + a / 3)


@program
def marginalised(y, K):
    w, m = simplex(2), real(2)
    total = st.dirichlet.logpdf(w, [1, 1]) + normal(m, 0, 3)
    return total + log((w * st.norm.pdf(y[:, None], m, [1, 2])).sum(1)).sum()


@program
def gaussian_process(x, y):
    rho, alpha = positive(), positive()
    S = alpha**2 * exp(-0.5 * ((x[:, None] - x) / rho) ** 2) + 0.1 * np.eye(3)
    total = st.invgamma.logpdf(rho, 5, scale=5) + half_normal(alpha, 1)
    return total + st.multivariate_normal.logpdf(y, np.zeros(3), S)


@program
def random_effects_matrix(g, x, y, G):
    m, b = real(2), real(2, 2)
    return normal(m, 0, 1) + normal(b, m, 0.5) + normal(y, (x * b[g - 1]).sum(1), 1)


@program
def empty_data(y, x, z):
    return normal(real(), 0, 1)


@program
def refined_data(p, u, o, b, n, L):
    a = real(3)
    return normal(a, 0, 1) + p @ a + u * a[0] + o.sum() * a[1] + n.sum() + L.sum() + 7


@program
def hierarchical_vectors(y, g, x):
    mu, b = real(2), real(2, 2)
    S = [[1, 0.5], [0.5, 2]]
    total = normal(mu, 0, 1) + st.multivariate_normal.logpdf(b - mu, [0, 0], S).sum()
    rows = np.array([0, 1, 0])
    return total + normal(y, b[rows, 0] + b[rows, 1] * x, 1)


@program
def branches_by_data(N):
    a, s = real(), positive()
    return normal(a, 2, 3) + half_normal(s, 2) + 2 * a


@program
def distribution_names(y):
    a, b = real(), real(2)
    total = normal(a, 1, 2) + normal(b, 1, 2) + st.t.logpdf(y, 4, a, [1, 2]).sum()
    return total + normal(3, 1, 2) + b.sum()


@program
def observed_function_of_data(y):
    mu = real()
    log_y, centred = np.log(y), y - y.mean()
    return normal(mu, 0, 1) + normal(log_y, mu, 1) + st.cauchy.logpdf(centred, mu, 1).sum()


@program
def sizes(N, K, x):
    c = real(3)
    return normal(c, 0, 1) + x[:2].sum() + c.sum() + 3 + 2


@program
def comprehension_filter_by_outer(x):
    n = len(x)
    a = [x[: min(t, 2)].sum() for t in range(1, n + 1)]
    b = [max(x[k] * (t + 1) for k in range(n) if k != t) for t in range(n)]
    return normal(real(), a[0] + 2 * a[1] + 3 * a[2], b[0] + 2 * b[1] + 3 * b[2])


@program
def computed_extents(x):
    x = np.array(json.loads((FOLDER / "computed_extents.json").read_text())["x"], dtype=float)
    mu, flat = real(6), x.reshape(2, 6)
    w = np.outer([1, 2], [1, 2])
    return normal(mu, 0, 1) - ((flat - mu) ** 2).sum() + real(6).sum() + real(5).sum() + 2 + w.sum()


@program
def elements_computed_and_drawn(y, g, start, stop, z):
    alpha = np.concatenate([[0], real(2)])
    w = np.hstack([np.zeros((2, 1)), real(2, 2)])
    eta = alpha[g - 1] + w[0, g - 1] - w[1, g - 1]
    parts = sum(normal(z[a - 1 : b], alpha[j], 1) for j, (a, b) in enumerate(zip(start, stop)))
    return (normal(alpha[1:], 0, 3) + normal(w[:, 1:], alpha[1:], 1)
            + st.bernoulli.logpmf(y, sp.expit(eta)).sum() + parts)


def read(name):
    path = FOLDER / f"{name}.json"
    data = json.loads(path.read_text()) if path.exists() else {}
    return {k: array(v) for k, v in data.items()}


def array(value):
    if isinstance(value, list):
        x = np.array([[np.nan if v in (None, "NA") else v for v in row] if isinstance(row, list) else
                      (np.nan if row in (None, "NA") else row) for row in value])
        return x
    return value


if __name__ == "__main__":
    for name, f in sorted(PROGRAMS.items()):
        print(f"{name} {float(f(**read(name))):.15g}")
