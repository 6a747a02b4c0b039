//! The output of a prediction: its files and its text, and how they are downloaded.

pub(crate) mod contents;
pub(crate) mod data_uri;
#[cfg(feature = "download")]
pub(crate) mod download;
pub(crate) mod output;
pub(crate) mod output_file;
pub(crate) mod returns;
#[cfg(feature = "download")]
pub(crate) mod save;
