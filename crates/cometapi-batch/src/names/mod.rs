//! The names of files: by the row, or by a template.

mod folded;
mod row;
mod template;
mod value;

pub use self::folded::folded;
pub use self::template::{FileTemplate, NameValues, TemplateError};

pub(crate) use self::row::{check_id, row_name};
