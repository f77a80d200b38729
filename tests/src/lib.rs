//! The system from outside: the World that tests live in, and what `make
//! bench` measures with.

pub mod bench;
pub mod data;
pub mod emulator;
pub mod fake_github;
pub mod grids;
pub mod logs;
pub mod world;
