//! What is wrong is said where the person or program looks for it, and the rest goes on.

mod config;
mod disk;
mod jobs;
mod paths;
