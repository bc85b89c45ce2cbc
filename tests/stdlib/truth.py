"""What the standard library's functions give, by NumPy and SciPy: writes truth.json, which tests/stdlib.rs reads.

Joint covariances stand in for filters, complex numbers for waves, library densities for regressions. Learned and drawn
numbers are those of `num`, by name.
"""
import json
from pathlib import Path

import numpy as np
from scipy import stats as st
from scipy.interpolate import BSpline
from scipy.linalg import solve_discrete_lyapunov
from scipy.signal import convolve, correlate, lfilter
from scipy.special import expit, softmax

here = Path(__file__).parent
data = {k: np.array(v) for k, v in json.loads((here / "data.json").read_text()).items()}
truth = {}


def num(name, *shape):
    return (0.5 + 0.4 * np.sin(sum(name.encode()) + 1.3 * np.arange(np.prod(shape)))).reshape(shape)


def time():
    y, Y = data["y"], data["Y"]
    F, Q = np.array([[1, 1], [0, 0.9]]), np.array([[0.3, 0.1], [0.1, 0.2]])
    H, R = np.array([[1, 0.5], [0, 1]]), np.array([[0.5, 0.1], [0.1, 0.4]])
    n, means, covs = len(Y), [np.array([0.2, -0.1])], [np.array([[2, 0.3], [0.3, 1]])]
    for _ in range(1, n):
        means.append(F @ means[-1])
        covs.append(F @ covs[-1] @ F.T + Q)
    C = np.zeros((n, 2, n, 2))
    for i in range(n):
        for j in range(i, n):
            C[j, :, i] = np.linalg.matrix_power(F, j - i) @ covs[i]
            C[i, :, j] = C[j, :, i].T
    C, mean, HH = C.reshape(2 * n, 2 * n), np.concatenate(means), np.kron(np.eye(n), H)
    S, seen = HH @ C @ HH.T + np.kron(np.eye(n), R), Y.ravel()

    def given(k):
        gain = C @ HH[:k].T @ np.linalg.inv(S[:k, :k])
        return mean + gain @ (seen - HH @ mean)[:k], C - gain @ HH[:k] @ C

    second, cov = given(2)
    z, w, waves = num("waves.z", 4, 2, 2), [0.5 + 0.2j, 0.1 + 0.3j], []
    for t in range(5):
        if t > 0:
            w = [w[j] * np.exp(-2j * np.pi * (j + 1) / 4) + 0.3 * complex(*z[t - 1, j]) for j in range(2)]
        waves.append(sum(w).real)
    dummies = [0.5, 0.2]
    for e in num("dummies.z", 3):
        dummies.append(0.3 * e - dummies[-1] - dummies[-2])
    past = np.r_[1.5, 1.5, y**2]
    h = [1.5, 1.5]
    for t in range(5):
        h.append(0.1 + 0.2 * past[t + 1] + 0.1 * past[t] + 0.5 * h[-1] + 0.1 * h[-2])
    # The reflection coefficients of a by Levinson's step down are 0.4, 0.2, −0.3.
    t = 2 * np.pi * np.array([[0.5], [1], [2]]) * [1, 2] / 7
    return {
        "moving_average": y - lfilter([1], [1, 0.5, 0.2], y - 0.1),
        "arma": y - lfilter([1, -0.3, 0.1], [1, 0.5, 0.2], y - 0.1),
        "stationary": [0.38, 0.296, -0.3],
        "one": [0.4],
        "garch_variances": h[2:],
        "dummies": dummies,
        "waves": waves,
        "fourier": np.hstack([np.sin(t), np.cos(t)]),
        "stationary_covariance": solve_discrete_lyapunov(np.array([[0.5, 0.1], [0, 0.2]]), np.array([[1, 0.2], [0.2, 0.5]])),
        "kalman": st.multivariate_normal(HH @ mean, S).logpdf(seen),
        "kalman_filter": [given(2 * t + 2)[0][2 * t : 2 * t + 2] for t in range(n)],
        "kalman_smoother": given(2 * n)[0],
        "kalman_predictions": [np.c_[means[0], covs[0]], np.c_[second[2:4], cov[2:4, 2:4]]],
    }


def glm():
    x, y, c, d = data["x"], data["outcome"], data["c"], data["d"] - 1
    line = x @ [0.3, -0.2]
    eta, rate = line + 0.5, np.exp(line + 0.5) * [1, 2, 3]
    ends = np.array([0 * line, expit(1 - line), expit(2 - line), 0 * line + 1])
    each = softmax(x @ np.array([[0.3, -0.2, 0], [0.1, 0.4, 0]]) + [0.5, 1, 0], axis=1)
    return {
        "linear": line + 3,
        "normal": st.norm(eta, 1.2).logpdf(y),
        "student_t": st.t(3, eta, 1.2).logpdf(y),
        "bernoulli": st.bernoulli(expit(eta)).logpmf(c),
        "binomial": st.binom(3, expit(eta)).logpmf(c),
        "cauchit": st.binom(3, st.cauchy.cdf(eta)).logpmf(c),
        "probit": st.binom(3, st.norm.cdf(eta)).logpmf(c),
        "poisson": st.poisson(rate).logpmf(c),
        "neg_binomial": st.nbinom(3, 3 / (3 + rate)).logpmf(c),
        "gamma": st.gamma(3, scale=np.exp(eta) / 3).logpdf(y),
        "log_normal": st.lognorm(3, scale=np.exp(eta)).logpdf(y),
        "beta": st.beta(3 * expit(eta), 3 - 3 * expit(eta)).logpdf(y),
        "ordered": [np.log(ends[k + 1, i] - ends[k, i]) for i, k in enumerate(d)],
        "categorical": [np.log(each[i, k]) for i, k in enumerate(d)],
    }


def mixture():
    y, c = data["outcome"], data["c"]
    one, two = st.norm(-1, 0.5).pdf(y), st.norm(1, 2).pdf(y)
    whole = 0.3 * one + 0.7 * two
    A, B = np.array([[1, 0], [0.5, 2]]), np.diag([2, 1])
    many = [st.multivariate_normal([0, 1], A @ A.T), st.multivariate_normal([1, 0], B @ B.T)]
    return {
        "normal": np.log(whole),
        "poisson": np.log(0.3 * st.poisson(1).pmf(c) + 0.7 * st.poisson(3).pmf(c)),
        "density": np.log(np.c_[one, two]),
        "log_likelihood": np.log(whole).sum(),
        "responsibilities": np.c_[0.3 * one, 0.7 * two] / whole[:, None],
        "stick_breaking": [0.5, 0.1, 0.4],
        "mv_normal": [[m.logpdf(p) for m in many] for p in ([0.1, 0.2], [1, -1])],
    }


def topics():
    # By hand: 0.3 · 0.2 + 0.7 · 0.6 and so on.
    p = np.array([[0.48, 0.3, 0.22], [0.28, 0.3, 0.42]])
    first = 2 * np.log(0.48) + np.log(0.22)
    whole = first + 4 * np.log(0.3) + np.log(0.42)
    return {
        "word_probabilities": p,
        "log_likelihood": whole,
        "sparse": whole - np.log(0.42),
        "document": first,
        "word_topics": [0.3, 0.7],
        "perplexity": np.exp(-whole / 8),
    }


def splines():
    def basis(x, knots, degree):
        t = np.r_[[knots[0]] * degree, knots, [knots[-1]] * degree]
        columns = [BSpline(t, e, degree, extrapolate=False)(x) for e in np.eye(len(t) - degree - 1)]
        return np.nan_to_num(np.array(columns).T)

    def natural(x, knots):
        def d(j):
            return (np.maximum(x - knots[j], 0) ** 3 - np.maximum(x - knots[-1], 0) ** 3) / (knots[-1] - knots[j])

        return np.array([x] + [d(j) - d(len(knots) - 2) for j in range(len(knots) - 2)]).T

    knots = np.array([0, 0.3, 1, 2])
    r = np.hypot(*(np.array([[[0.5, 1]], [[1, 2]]]) - [[0, 1], [3, 3]]).transpose(2, 0, 1))
    two, one = np.diff(np.eye(5), 2, axis=0), np.diff(np.eye(3), axis=0)
    line = [0.5, 0.7]
    for e in num("coefficients.z", 2):
        line.append(2 * line[-1] - line[-2] + 0.3 * e)
    return {
        "quadratic": basis([0, 0.1, 0.5, 1.2, 2, 2.5, -1, 0.3], knots, 2),
        "cubic": basis([0, 0.1, 0.5, 1.2, 2], knots, 3),
        "steps": [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "natural": natural(np.array([-1, 0.1, 0.5, 1.2, 3]), knots),
        "thin_line": [[0.125, 15.625], [1, 8]],
        "thin_plate": r**2 * np.log(r),
        "second": two.T @ two,
        "first": one.T @ one,
        "penalty": st.norm(0, 0.5).logpdf([1, -3]).sum(),
        "coefficients": line,
    }


def nn():
    image, sequence, rows, v = (data[k] for k in ("image", "sequence", "rows", "v"))
    w, b = num("conv1d.w", 3, 2, 2), num("conv1d.b", 3)
    one = [sum(np.correlate(sequence[c], w[m, c], "valid") for c in range(2)) + b[m] for m in range(3)]
    w, b = num("conv2d.w", 3, 2, 2, 3), num("conv2d.b", 3)
    two = [sum(correlate(image[c], w[m, c], "valid", "direct") for c in range(2)) + b[m] for m in range(3)]

    def attend(q, k, u, causal=False):
        mask = np.tril(np.ones((len(q), len(k)))) if causal else 1
        e = np.exp(q @ k.T / np.sqrt(q.shape[1])) * mask
        return e / e.sum(1, keepdims=True) @ u

    def heads(name, causal):
        q, k, u = (num(f"{name}.{p}", 2, 3, 3) for p in ("query", "key", "value"))
        side = [attend(rows @ q[h].T, rows @ k[h].T, rows @ u[h].T, causal) for h in range(2)]
        return np.hstack(side) @ num(f"{name}.output", 3, 6).T

    def of(part, *shape):
        return num(f"gru.{part}", *shape)

    h, states = np.zeros(2), []
    for x in rows:
        z = expit(of("update_w", 2, 3) @ x + of("update_u", 2, 2) @ h + of("update_b", 2))
        r = expit(of("reset_w", 2, 3) @ x + of("reset_u", 2, 2) @ h + of("reset_b", 2))
        h = (1 - z) * h + z * np.tanh(of("w", 2, 3) @ x + of("u", 2, 2) @ (r * h) + of("b", 2))
        states.append(h)
    return {
        "conv1d": one,
        "conv2d": two,
        "mean_pool": image[:, :, :4].reshape(2, 2, 2, 2, 2).mean(axis=(2, 4)),
        "embedding": num("embedding.w", 5, 4)[data["token"] - 1],
        "layer_norm": (v - v.mean()) / np.sqrt(v.var() + 1e-5) * num("layer_norm.scale", 4) + num("layer_norm.shift", 4),
        "batch_norm": (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5) * num("batch_norm.scale", 3) + num("batch_norm.shift", 3),
        "attention": attend(rows, rows[:2], image[0, :2]),
        "causal_attention": attend(rows, rows, image[0], causal=True),
        "heads": heads("heads", False),
        "causal_heads": heads("causal_heads", True),
        "gru": states,
        "dropout": v * num("dropout.noise", 4),
        "activations": [
            [x * st.norm.cdf(x), x / (1 + np.exp(-x))] + [max(x, 0) + s * min(np.exp(x) - 1, 0) for s in (1, 0.5)]
            + [max(x, s * x) for s in (0.01, 0.2)]
            for x in (-1.0, 0.0, 1.0)
        ],
    }


def gp():
    y, x, z = data["y"], np.array([0, 0.4, 1.1, 1.5, 2.3]), np.array([0.2, 1.2, 2])

    def k(a, b):
        return 2.25 * np.exp(-((a[:, None] - b) ** 2) / 0.98)

    K, cross = k(x, x) + 0.09 * np.eye(5), k(z, x)
    Q = cross.T @ np.linalg.inv(k(z, z)) @ cross
    d = np.hypot(0.5, 1.5)
    # Spectral density of a Matérn 3/2: the Fourier transform of its covariance, 4 alpha² l³ / (l² + w²)² for l = √3 / rho.
    freq, scale = np.pi * np.arange(1, 5) / 6, np.sqrt(3) / 0.7
    weights = np.sqrt(2.25 * 4 * scale**3 / (scale**2 + freq**2) ** 2)
    waves = np.sin(freq * (np.array([[0.1], [0.6]]) + 3)) / np.sqrt(3)

    def density(cov, y=y):
        return st.multivariate_normal(np.zeros(len(y)), cov).logpdf(y)

    return {
        "kernels": [2.25 * np.exp(-d / 2), 2.25 * (1 + d**2 / 6.4) ** -0.8, 2.25 * 3 + 4],
        "cross_covariance": cross,
        "log_likelihood": density(K),
        "predict": cross @ np.linalg.solve(K, y),
        "predict_covariance": k(z, z) - cross @ np.linalg.solve(K, cross.T),
        "fitc": density(Q + np.diag(2.34 - np.diag(Q))),
        "dtc": density(Q + 0.09 * np.eye(5)),
        "low_rank": density(np.array([[1.3, 0.5], [0.5, 0.65]]), [0.5, -0.2]),
        "nystrom": Q,
        "sparse": cross.T @ np.linalg.inv(np.linalg.cholesky(k(z, z))).T @ num("sparse.v", 3),
        "matern32": waves @ (weights * num("matern32.z", 4)),
        "weights": weights[:3],
    }


def neuro():
    s, f, v, q = 0.1, np.exp(0.2), np.exp(0.15), np.exp(-0.1)
    out = v ** (1 / 0.32)
    rates = [
        0.7 - 0.65 * s - 0.41 * (f - 1),
        s / f,
        (f - out) / 0.98 / v,
        (f * (1 - 0.66 ** (1 / f)) / 0.34 - out * q / v) / 0.98 / q,
    ]

    def steps(heun):
        y = [np.array([1.0, 0.0])]
        A, b = np.array([[0, 1], [-1, 0]]), np.array([0, 1])
        for k in range(3):
            one = A @ y[-1] + b * 0.1 * k
            two = A @ (y[-1] + 0.1 * one) + b * 0.1 * (k + 1)
            y.append(y[-1] + 0.1 * ((one + two) / 2 if heun else one))
        return y

    return {
        "double_gamma": [
            st.gamma(6).pdf(5) - st.gamma(16).pdf(5) / 6,
            st.gamma(5 / 0.9, scale=0.9).pdf(7) - 0.35 * st.gamma(14 / 1.1, scale=1.1).pdf(7),
        ],
        "bilinear": np.array([[-1, 0.23], [0.7, -0.74]]) @ [0.5, -0.2] + [0.5, 0.03],
        "rest": [0, 0, 0, 0],
        "balloon": rates,
        "bold": [0, 0.02 * (2.38 * (1 - q) + 2 * (1 - q / v) + 0.48 * (1 - v))],
        "euler": steps(False),
        "heun": steps(True),
    }


def others():
    y = data["y"]
    steps = np.exp([0, 1.5 * 0.8, 1.5 * 0.8 - 1.5 * 0.3])
    covs = np.linalg.pinv(np.array([[2, -1, -1, 0], [-1, 2, -1, 0], [-1, -1, 3, -1], [0, 0, -1, 1]]))
    scaling = np.exp(np.log(np.diag(covs)).mean())
    B = np.array([[1, -0.4, 0], [-0.2, 1, -0.2], [0, -0.4, 1]])
    cov = 0.49 * np.linalg.inv(B.T @ B)
    cox = y[0] - np.log(np.exp(y[:4]).sum()) + y[1] - np.log(np.exp(y[1:4]).sum()) + y[4] - np.log(np.exp(y).sum())
    loglog, gompertz = st.fisk(1.4, scale=2.2), st.gompertz(0.3 / 0.5, scale=2)
    return {
        "three_parameters": 0.2 + 0.8 / (1 + np.exp(-1.5)),
        "partial_credit": np.log(steps / steps.sum()),
        "correlated": num("correlated.z", 2, 2) @ np.array([[0.5, 0], [1.2, 1.6]]).T,
        "horseshoe_scale": 3 / 17 * 0.15,
        "car_precision": 4 * np.array([[1, -0.9, 0], [-0.9, 2, -0.9], [0, -0.9, 1]]),
        "icar_scaling": scaling,
        "bym2": st.multivariate_normal(np.zeros(4), 0.49 * (0.6 / scaling * covs + 0.4 * np.eye(4))).logpdf([0.5, 1, -0.3, 0.2]),
        "sar": st.multivariate_normal([0.2] * 3, cov).logpdf([0.5, 1, -0.3]),
        "hazards": [
            st.expon(scale=1 / 0.6).logpdf(1.7) - st.expon(scale=1 / 0.6).logsf(1.7),
            gompertz.logpdf(1.7) - gompertz.logsf(1.7),
            -gompertz.logsf(1.7),
            loglog.logpdf(1.7) - loglog.logsf(1.7),
            -loglog.logsf(1.7),
        ],
        "cox": cox,
    }


for module in (gp, glm, mixture, neuro, nn, others, splines, time, topics):
    truth[module.__name__] = {k: np.asarray(v, dtype=float).ravel().tolist() for k, v in module().items()}
lines = [f'"{m}": {{\n' + ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in t.items()) + "\n}" for m, t in truth.items()]
(here / "truth.json").write_text("{" + ",\n".join(lines) + "}\n")
