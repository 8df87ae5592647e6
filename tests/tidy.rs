//! Keeps the house in order: layering, sizes, headers.
