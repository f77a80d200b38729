//! The embedded cluster from outside: real rows, real processes, real signals.

#![allow(clippy::print_stdout, reason = "a skipped part says so")]

mod adoption;
mod faults;
mod objects;
mod pods;
mod reflection;
mod scale;
mod world;
