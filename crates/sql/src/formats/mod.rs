//! Files.
use crate::source::Registry;

pub(crate) fn register(_registry: &Registry) {}

/// True if `path` is `folder` or below it.
pub(crate) fn is_inside(path: &str, folder: &str) -> bool {
    std::path::Path::new(path).starts_with(folder)
}
