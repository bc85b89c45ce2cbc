//! Numbers, slices, vectors, rows and matrices of Rust programs turned into values.

use super::values::Values;
use nalgebra::{Dim, Matrix, RawStorage, Scalar};
use std::iter::once;

/// What an array can consist of: numbers, truth values, texts; an `Option` of these, where `None` is a missing value.
///
/// Wherever [`Values`] are wanted, such as by [`Data::insert`](super::Data::insert), these do: an element; a `Vec`, a slice or an array
/// of elements; rows of numbers as `Vec<Vec<_>>`; references to matrices and vectors of nalgebra. A `Vec<f64>`
/// is taken as it is, of everything else a copy is made.
///
/// ```
/// use elbo::data::Values;
/// let speeds: Vec<f32> = vec![1.5, 2.5];
/// assert_eq!(Values::from(&speeds), Values::from([1.5, 2.5]));
/// assert_eq!(Values::from(7_usize), Values::from(7.0));
/// assert_eq!(Values::from(["Ulm", "Bern"]).shape(), [2]);
/// let Values::Numbers { missing, .. } = Values::from([Some(true), None]) else { panic!() };
/// assert_eq!(missing, [1]);
/// ```
pub trait Element: Sized {
    /// The array of a shape, from its elements in row-major order.
    fn array(shape: Vec<usize>, elements: impl Iterator<Item = Self>) -> Values;
}

/// An element that is a number.
///
/// Whole numbers of 2⁵³ or more are rounded, as `as f64` does.
pub trait Number: Copy {
    fn real(self) -> f64;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Number for $number {
            fn real(self) -> f64 {
                self as f64
            }
        }
    )*};
}

numbers!(f64, f32, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl<T: Number> Element for T {
    fn array(shape: Vec<usize>, elements: impl Iterator<Item = T>) -> Values {
        Values::numbers(shape, elements.map(T::real).collect())
    }
}

impl Element for bool {
    fn array(shape: Vec<usize>, elements: impl Iterator<Item = bool>) -> Values {
        let data: Vec<f64> = elements.map(f64::from).collect();
        Values::Numbers {
            boolean: !data.is_empty(),
            shape,
            data,
            missing: Vec::new(),
            integer: true,
        }
    }
}

impl Element for String {
    fn array(shape: Vec<usize>, elements: impl Iterator<Item = String>) -> Values {
        let data = elements.map(Some).collect();
        Values::Text { shape, data }
    }
}

impl Element for &str {
    fn array(shape: Vec<usize>, elements: impl Iterator<Item = Self>) -> Values {
        String::array(shape, elements.map(str::to_owned))
    }
}

impl<T: Element + Default> Element for Option<T> {
    fn array(shape: Vec<usize>, elements: impl Iterator<Item = Option<T>>) -> Values {
        let mut absent = Vec::new();
        let mut present = |(i, element): (usize, Option<T>)| {
            if element.is_none() {
                absent.push(i);
            }
            element.unwrap_or_default()
        };
        let mut values = T::array(shape, elements.enumerate().map(&mut present));
        match &mut values {
            Values::Numbers {
                data,
                missing,
                boolean,
                ..
            } => {
                absent.iter().for_each(|&i| data[i] = f64::NAN);
                *boolean &= absent.len() < data.len();
                *missing = absent;
            }
            Values::Text { data, .. } => absent.iter().for_each(|&i| data[i] = None),
            Values::Ragged { .. } | Values::Stored(_) => {}
        }
        values
    }
}

impl<T: Element> From<T> for Values {
    fn from(x: T) -> Values {
        T::array(Vec::new(), once(x))
    }
}

impl<T: Element> From<Vec<T>> for Values {
    fn from(elements: Vec<T>) -> Values {
        T::array(vec![elements.len()], elements.into_iter())
    }
}

impl<T: Element + Clone> From<&[T]> for Values {
    fn from(elements: &[T]) -> Values {
        T::array(vec![elements.len()], elements.iter().cloned())
    }
}

impl<T: Element + Clone> From<&Vec<T>> for Values {
    fn from(elements: &Vec<T>) -> Values {
        Values::from(elements.as_slice())
    }
}

impl<T: Element, const N: usize> From<[T; N]> for Values {
    fn from(elements: [T; N]) -> Values {
        T::array(vec![N], elements.into_iter())
    }
}

/// A matrix by rows; [`Values::Ragged`] if they differ in length.
impl<T: Number> From<Vec<Vec<T>>> for Values {
    fn from(rows: Vec<Vec<T>>) -> Values {
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        let expected = lengths.first().copied().unwrap_or(0);
        let data: Vec<f64> = rows.into_iter().flatten().map(T::real).collect();
        match lengths.iter().position(|&n| n != expected) {
            None => Values::numbers(vec![lengths.len(), expected], data),
            Some(row) => {
                let (index, length) = (vec![row + 1], lengths[row]);
                Values::Ragged {
                    index,
                    length,
                    expected,
                    lengths,
                    data,
                }
            }
        }
    }
}

/// A matrix, or an array with one axis where the type says that there is one row or one column: a `DVector`, not a
/// `DMatrix` that happens to be narrow. Elements are copied from columns into rows.
///
/// ```
/// use elbo::data::Values;
/// use elbo::nalgebra::{DMatrix, DVector};
/// let design = DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(Values::from(&design), Values::from(vec![vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]]));
/// assert_eq!(Values::from(&DVector::from_element(3, 1.0)), Values::from([1.0; 3]));
/// ```
impl<T, R, C, S> From<&Matrix<T, R, C, S>> for Values
where
    T: Element + Scalar,
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C>,
{
    fn from(matrix: &Matrix<T, R, C, S>) -> Values {
        let is_vector = R::try_to_usize() == Some(1) || C::try_to_usize() == Some(1);
        let (rows, columns) = matrix.shape();
        let shape = match is_vector {
            true => vec![rows * columns],
            false => vec![rows, columns],
        };
        let places = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
        T::array(shape, places.map(|place| matrix[place].clone()))
    }
}
