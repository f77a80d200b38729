//! Small components that only present.

mod empty;
mod format;
mod frame;
mod histogram;
mod load;
mod menu;
mod problem;
mod refs;
mod state;
mod tabs;
mod time;

pub(crate) use empty::Empty;
pub(crate) use format::{bytes, count, middle, plural};
pub(crate) use frame::{Crumbs, Frame};
pub(crate) use histogram::HistogramChart;
pub(crate) use load::{answer_with, load};
pub(crate) use menu::{Choice, FormSelect};
pub(crate) use problem::Problem;
pub(crate) use refs::{Repository, Revision};
pub(crate) use state::{Icon, StateIcon};
pub(crate) use tabs::{Tab, Tabs};
pub(crate) use time::{Ago, Length};
