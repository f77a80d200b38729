//! Small components that only present.

mod frame;
mod load;
mod problem;

pub(crate) use frame::Frame;
pub(crate) use load::{answer_with, load};
pub(crate) use problem::Problem;
