//! bowsprit
fn main() {}
