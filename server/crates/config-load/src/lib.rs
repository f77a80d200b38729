//! config-load
