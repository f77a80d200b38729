//! go-compat
