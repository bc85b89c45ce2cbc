//! A dense row-major tensor of `f64`, cheap to share.

use super::{Shape, numel};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Values with their shape. Integers and truth values (0 and 1) are held as `f64` too.
///
/// Equality and hashing are by shape and bit pattern, so that tensors can be compared inside
/// operations; the hash of the data is computed once.
#[derive(Clone)]
pub struct Tensor {
    shape: Shape,
    data: Arc<Vec<f64>>,
    digest: u64,
}

impl Tensor {
    /// # Panics
    /// If the number of values is not the product of the extents.
    pub fn new(shape: Shape, data: Vec<f64>) -> Tensor {
        assert_eq!(
            numel(&shape),
            data.len(),
            "a tensor of shape {shape:?} has that many values"
        );
        let digest = digest(&data);
        Tensor {
            shape,
            data: Arc::new(data),
            digest,
        }
    }

    pub fn scalar(value: f64) -> Tensor {
        Tensor::new(Shape::new(), vec![value])
    }

    /// A vector.
    pub fn vector(values: impl Into<Vec<f64>>) -> Tensor {
        let values = values.into();
        Tensor::new(Shape::from_slice(&[values.len()]), values)
    }

    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    pub fn data(&self) -> &[f64] {
        &self.data
    }

    pub fn numel(&self) -> usize {
        self.data.len()
    }

    /// The same values under another shape of equal size.
    pub fn reshape(&self, shape: Shape) -> Tensor {
        assert_eq!(
            numel(&shape),
            self.data.len(),
            "reshaping keeps the number of values"
        );
        Tensor {
            shape,
            data: self.data.clone(),
            digest: self.digest,
        }
    }

    /// The one number that all elements equal.
    pub fn uniform(&self) -> Option<f64> {
        let first = *self.data.first()?;
        let same = |x: &f64| x.to_bits() == first.to_bits();
        self.data.iter().all(same).then_some(first)
    }

    /// Repeats along axes of extent 1 and new leading axes.
    pub fn broadcast(&self, shape: &Shape) -> Tensor {
        if *shape == self.shape {
            return self.clone();
        }
        let mut out = vec![0.0; numel(shape)];
        let lead = shape.len() - self.shape.len();
        let own = super::flat_strides(&self.shape);
        let strides: Vec<usize> = (0..shape.len())
            .map(|i| {
                if i < lead || self.shape[i - lead] == 1 {
                    0
                } else {
                    own[i - lead]
                }
            })
            .collect();
        let mut index = vec![0usize; shape.len()];
        let mut at = 0usize;
        for value in out.iter_mut() {
            *value = self.data[at];
            for axis in (0..shape.len()).rev() {
                index[axis] += 1;
                at += strides[axis];
                if index[axis] < shape[axis] {
                    break;
                }
                at -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }
        Tensor::new(shape.clone(), out)
    }
}

fn digest(data: &[f64]) -> u64 {
    data.iter()
        .fold(0xcbf2_9ce4_8422_2325 ^ data.len() as u64, |h, x| {
            (h ^ x.to_bits())
                .wrapping_mul(0x0000_0100_0000_01b3)
                .rotate_left(23)
        })
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &self.data[..self.data.len().min(8)];
        write!(f, "{:?}{shown:?}", self.shape.as_slice())?;
        if self.data.len() > 8 {
            write!(f, "…")
        } else {
            Ok(())
        }
    }
}

impl PartialEq for Tensor {
    fn eq(&self, other: &Tensor) -> bool {
        self.shape == other.shape
            && self.digest == other.digest
            && (Arc::ptr_eq(&self.data, &other.data)
                || self
                    .data
                    .iter()
                    .zip(other.data.iter())
                    .all(|(a, b)| a.to_bits() == b.to_bits()))
    }
}

impl Eq for Tensor {}

impl Hash for Tensor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shape.hash(state);
        self.digest.hash(state);
    }
}
