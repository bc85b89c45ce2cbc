//! temporary
pub const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;
pub fn exp(x: f64) -> f64 {
    x.exp()
}
pub fn expm1(x: f64) -> f64 {
    x.exp_m1()
}
pub fn log(x: f64) -> f64 {
    x.ln()
}
pub fn log1p(x: f64) -> f64 {
    x.ln_1p()
}
pub fn log1m_exp(x: f64) -> f64 {
    if x > -0.69 {
        (-x.exp_m1()).ln()
    } else {
        (-x.exp()).ln_1p()
    }
}
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
pub fn tanh(x: f64) -> f64 {
    x.tanh()
}
pub fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}
pub fn digamma(x: f64) -> f64 {
    let mut x = x;
    let mut r = 0.0;
    while x < 10.0 {
        r -= 1.0 / x;
        x += 1.0;
    }
    let f = 1.0 / (x * x);
    r + x.ln()
        - 0.5 / x
        - f * (1.0 / 12.0
            - f * (1.0 / 120.0 - f * (1.0 / 252.0 - f * (1.0 / 240.0 - f * (1.0 / 132.0)))))
}
pub fn trigamma(x: f64) -> f64 {
    polygamma(1, x)
}
pub fn polygamma(n: u32, x: f64) -> f64 {
    let mut s = 0.0;
    let mut x = x;
    let m = n as i32 + 1;
    while x < 20.0 {
        s += x.powi(-m);
        x += 1.0;
    }
    let nf = n as f64;
    let a = x.powi(-(n as i32)) / nf + 0.5 * x.powi(-m) + (nf + 1.0) / 12.0 * x.powi(-m - 1)
        - (nf + 1.0) * (nf + 2.0) * (nf + 3.0) / 720.0 * x.powi(-m - 3)
        + (nf + 1.0) * (nf + 2.0) * (nf + 3.0) * (nf + 4.0) * (nf + 5.0) / 30240.0 * x.powi(-m - 5);
    let fact: f64 = (1..=n).map(f64::from).product();
    (if n % 2 == 1 { 1.0 } else { -1.0 }) * fact * (s + a)
}
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}
pub fn phi(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}
pub fn log_phi(x: f64) -> f64 {
    if x > -30.0 {
        phi(x).ln()
    } else {
        -0.5 * x * x - (-x).ln() - 0.9189385332046727 + (-1.0 / (x * x)).ln_1p()
    }
}
pub fn inv_phi(p: f64) -> f64 {
    let mut x = 0.0;
    for _ in 0..50 {
        x -= (phi(x) - p) / ((-0.5 * x * x).exp() * FRAC_1_SQRT_2PI);
    }
    x
}
pub fn log_bessel_i0(x: f64) -> f64 {
    let mut s = 0.0;
    let mut t = 1.0;
    let mut k = 0.0;
    while t > 1e-18 * (s + 1e-300) {
        s += t;
        k += 1.0;
        t *= x * x / (4.0 * k * k);
    }
    f64::ln(s)
}
pub fn bessel_i1_over_i0(x: f64) -> f64 {
    let mut s = 0.0;
    let mut t = x / 2.0;
    let mut k = 1.0;
    let mut n = 0.0;
    while n < 200.0 {
        s += t;
        t *= x * x / (4.0 * k * (k + 1.0));
        k += 1.0;
        n += 1.0;
    }
    s / log_bessel_i0(x).exp()
}
