//! The plugin `trigger`: starts presubmits and postsubmits and decides who may.

pub mod code_block;
pub mod help_answer;
