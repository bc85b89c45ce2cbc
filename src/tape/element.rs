//! The numbers that a tape computes with: which of the loops compiled for each kind it takes.

use super::vector::{self, Vector};
use crate::ops::{BinaryBlocks, BinaryRow, UnaryRow};
use crate::special::{Level, Real, UnaryKernel};

/// `f64` or `f32`, with their loops. Graphs are of `f64`: their constants are rounded once, when a
/// tape is compiled.
pub trait Element: Real {
    /// Whether straight-line code on these numbers can become machine code.
    const MACHINE_CODE: bool;

    /// The functions of a row, for single numbers and for blocks.
    fn unary(row: &UnaryRow) -> fn(Self) -> Self;
    fn unary_block(row: &UnaryRow, level: Level) -> UnaryKernel<Self>;
    fn binary(row: &BinaryRow) -> fn(Self, Self) -> Self;
    fn binary_blocks(row: &BinaryRow, level: Level) -> BinaryBlocks<Self>;
    /// The loops that are no row.
    fn vector(level: Level) -> &'static Vector<Self>;
}

macro_rules! element {
    ($t:ident, $compiled:literal, $value:ident, $block:ident, $blocks:ident, $vector:ident) => {
        impl Element for $t {
            const MACHINE_CODE: bool = $compiled;

            fn unary(row: &UnaryRow) -> fn($t) -> $t {
                row.$value
            }

            fn unary_block(row: &UnaryRow, level: Level) -> UnaryKernel<$t> {
                (row.$block)(level)
            }

            fn binary(row: &BinaryRow) -> fn($t, $t) -> $t {
                row.$value
            }

            fn binary_blocks(row: &BinaryRow, level: Level) -> BinaryBlocks<$t> {
                (row.$blocks)(level)
            }

            fn vector(level: Level) -> &'static Vector<$t> {
                vector::$vector(level)
            }
        }
    };
}

element!(f64, true, value, block, blocks, of_f64);
element!(f32, false, value_f32, block_f32, blocks_f32, of_f32);
