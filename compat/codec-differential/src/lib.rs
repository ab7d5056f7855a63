//! Tests only: the same bytes through our codec and through others.
//!
//! It is a crate of its own because the other codec takes more than a minute to compile.
