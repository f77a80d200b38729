//! fake-github
fn main() {}
