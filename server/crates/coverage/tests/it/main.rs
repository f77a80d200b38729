//! What profiles become, from the outside.

mod combined;
mod formats;
mod properties;
mod shown;
