//! Text to [`Ast`].

pub mod ast;
pub use ast::Ast;
