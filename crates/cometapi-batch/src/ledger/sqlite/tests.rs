//! What any ledger must keep, and what this one keeps beside.

mod conformance;
mod file;
mod identity;
