//! pod-utils
