//! Holds the fixtures.
