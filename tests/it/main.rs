//! The one integration test binary: modules mirror components and URLs.

mod tidy;
