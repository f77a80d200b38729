//! Small components that only present.

mod empty;
mod frame;
mod histogram;
mod load;
mod menu;
mod name;
mod problem;
mod prose;
mod refs;
mod state;
mod tabs;
mod time;

pub(crate) use crate::model::words::{bytes, count, plural};
pub(crate) use empty::Empty;
pub(crate) use frame::{Crumbs, Frame};
pub(crate) use histogram::HistogramChart;
pub(crate) use load::{answer_with, load};
pub(crate) use menu::{Choice, FormSelect};
pub(crate) use name::middle;
pub(crate) use problem::Problem;
pub(crate) use prose::prose;
pub(crate) use refs::{Repository, Revision, ShortRevision};
pub(crate) use state::{Icon, Shape, StateIcon};
pub(crate) use tabs::{Tab, Tabs};
pub(crate) use time::Ago;
