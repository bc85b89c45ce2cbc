//! Names of the elements of an array: `theta[2, 1]`, or `theta[Ohio, 1]` where levels have names.

/// The index, from 1, of a flat row-major position.
pub fn index(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, &dim) in index.iter_mut().zip(shape).rev() {
        *i = flat % dim.max(1) + 1;
        flat /= dim.max(1);
    }
    index
}

/// An element with indices only; the bare name for a scalar.
pub fn name(name: &str, shape: &[usize], flat: usize) -> String {
    labelled(name, shape, &[], flat)
}

/// An element with the names of its levels wherever there are any.
///
/// ```
/// use elbo::graph::element::labelled;
/// let states = Some(vec!["Ohio".to_owned(), "Utah".to_owned()]);
/// assert_eq!(labelled("x", &[2, 3], &[states, None], 5), "x[Utah, 3]");
/// ```
pub fn labelled(
    name: &str,
    shape: &[usize],
    labels: &[Option<Vec<String>>],
    flat: usize,
) -> String {
    if shape.is_empty() {
        return name.to_owned();
    }
    let part = |(dim, i): (usize, usize)| {
        let level = labels
            .get(dim)
            .and_then(|levels| levels.as_ref()?.get(i - 1));
        level.cloned().unwrap_or_else(|| i.to_string())
    };
    let parts: Vec<String> = index(flat, shape)
        .into_iter()
        .enumerate()
        .map(part)
        .collect();
    format!("{name}[{}]", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_named_row_by_row_from_one() {
        let names: Vec<String> = (0..4).map(|i| name("x", &[2, 2], i)).collect();
        assert_eq!(names, ["x[1, 1]", "x[1, 2]", "x[2, 1]", "x[2, 2]"]);
        assert_eq!(name("s", &[], 0), "s");
    }

    #[test]
    fn levels_replace_indices_where_they_have_names() {
        let labels = [Some(vec!["Ohio".to_owned(), "Utah".to_owned()]), None];
        assert_eq!(labelled("x", &[2, 3], &labels, 5), "x[Utah, 3]");
    }
}
