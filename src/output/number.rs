//! Numbers as text that other programs read back to the same bits.

/// The shortest decimal that reads back exactly; `nan`, `inf` and `-inf` as NumPy and Stan's readers
/// spell them.
pub(super) fn exact(x: f64) -> String {
    let size = x.abs();
    if x.is_nan() {
        "nan".into()
    } else if x.is_infinite() {
        if x > 0.0 { "inf".into() } else { "-inf".into() }
    } else if size == 0.0 || (1e-5..1e16).contains(&size) {
        x.to_string()
    } else {
        format!("{x:e}")
    }
}

/// Seconds as a reader wants them: `250 ms`, `1.5 s`.
#[cfg(feature = "report")]
pub fn duration(seconds: f64) -> String {
    match seconds < 1.0 {
        true => format!("{:.0} ms", seconds * 1e3),
        false => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_far_from_one_are_written_with_an_exponent() {
        let written: Vec<String> = [1e300, -2.5e-9, 3.0, 0.0, -0.1].map(exact).to_vec();
        assert_eq!(written, ["1e300", "-2.5e-9", "3", "0", "-0.1"]);
        assert_eq!([f64::NAN, f64::NEG_INFINITY].map(exact), ["nan", "-inf"]);
    }

    proptest! {
        #[test]
        fn numbers_read_back_exactly(bits in any::<u64>()) {
            let x = f64::from_bits(bits);
            prop_assume!(!x.is_nan());
            prop_assert_eq!(exact(x).parse::<f64>().unwrap().to_bits(), bits);
        }
    }
}
