//! The Python module `wirespan._core`.
