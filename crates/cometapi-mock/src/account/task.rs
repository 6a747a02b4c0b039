//! The account's list of tasks: which, and in which form.

use serde_json::{Value, json};

use crate::wire::{TaskRecord, task_status};

/// The form of a list of tasks. The vendor's client reads all three (observed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TaskForm {
    /// `data` is the list.
    #[default]
    List,
    /// `data.items` is the list, beside `page`, `page_size` and `total`.
    Items,
    /// `data.data` is the list, beside `total`.
    Data,
}

/// The platform of every prediction (observed in the vendor's client).
const PLATFORM: &str = "replicate";
/// What the gateway's newer code says of a prediction (observed).
const ACTION: &str = "generate";

/// The rows of a page unless the request says how many (inferred).
const PAGE_SIZE: u64 = 20;
const MAX_PAGE_SIZE: u64 = 100;

/// Which tasks to list. Made from a query that has been checked: what cannot be read is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskQuery {
    /// From 1.
    page: u64,
    page_size: u64,
    platform: Option<String>,
    pub(crate) task_id: Option<String>,
    status: Option<String>,
    action: Option<String>,
    /// Unix seconds, both included.
    start: Option<u64>,
    end: Option<u64>,
}

/// A prediction as the list of tasks has it.
#[derive(Debug, Clone)]
pub(crate) struct TaskRow<'p> {
    pub(crate) id: &'p str,
    pub(crate) model: &'p str,
    /// The prediction's status word.
    pub(crate) word: String,
    pub(crate) record: TaskRecord,
}

impl TaskQuery {
    pub(crate) fn of(pairs: &[(String, String)]) -> Self {
        let text = |name: &str| {
            let pair = pairs.iter().find(|(known, _)| known == name);
            pair.map(|(_, value)| value.clone())
        };
        let number = |name: &str| text(name).and_then(|value| value.parse().ok());
        let size = number("page_size").filter(|size| *size > 0);
        Self {
            page: number("p").unwrap_or(1).max(1),
            page_size: size.unwrap_or(PAGE_SIZE).min(MAX_PAGE_SIZE),
            platform: text("platform"),
            task_id: text("task_id"),
            status: text("status"),
            action: text("action"),
            start: number("start_timestamp"),
            end: number("end_timestamp"),
        }
    }

    /// Whether no task is listed, whatever there is.
    pub(crate) fn excludes_all(&self) -> bool {
        let is_other = |wanted: &Option<String>, is: &str| {
            wanted.as_deref().is_some_and(|wanted| wanted != is)
        };
        is_other(&self.platform, PLATFORM) || is_other(&self.action, ACTION)
    }

    pub(crate) fn fits(&self, row: &TaskRow<'_>) -> bool {
        let is =
            |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        is(&self.task_id, row.id)
            && is(&self.status, task_status(&row.word).0)
            && self.start.is_none_or(|start| row.record.submitted >= start)
            && self.end.is_none_or(|end| row.record.submitted <= end)
    }

    /// The page that was asked for of rows that come newest first, and how many rows there are.
    pub(crate) fn page<T>(&self, rows: impl Iterator<Item = T>) -> (Vec<T>, u64) {
        let first = (self.page - 1).saturating_mul(self.page_size);
        let mut total = 0;
        let mut page = Vec::new();
        for row in rows {
            if (first..first.saturating_add(self.page_size)).contains(&total) {
                page.push(row);
            }
            total += 1;
        }
        (page, total)
    }

    /// `data` of the response.
    pub(crate) fn data(&self, form: TaskForm, rows: Vec<Value>, total: u64) -> Value {
        match form {
            TaskForm::List => rows.into(),
            TaskForm::Items => json!({
                "page": self.page,
                "page_size": self.page_size,
                "total": total,
                "items": rows,
            }),
            TaskForm::Data => json!({"total": total, "data": rows}),
        }
    }
}

impl TaskRow<'_> {
    pub(crate) fn json(&self) -> Value {
        let (status, progress) = task_status(&self.word);
        json!({
            "created_at": self.record.submitted,
            "task_id": self.id,
            "platform": PLATFORM,
            "action": ACTION,
            "status": status,
            "model_name": self.model,
            "progress": progress,
            "quota": self.record.quota,
            "submit_time": self.record.submitted,
            "finish_time": self.record.finished,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> TaskQuery {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        TaskQuery::of(&pairs.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn pages_are_counted_from_one_and_capped() {
        let page = |pairs: &[(&str, &str)]| query(pairs).page(0..250_u32);
        assert_eq!(page(&[]).0, (0..20).collect::<Vec<_>>());
        assert_eq!(page(&[("p", "0"), ("page_size", "0")]), page(&[]));
        let third = page(&[("p", "3"), ("page_size", "1000")]);
        assert_eq!(third, ((200..250).collect(), 250));
        assert_eq!(page(&[("p", "4"), ("page_size", "100")]), (vec![], 250));
        assert_eq!(page(&[("p", &u64::MAX.to_string())]), (vec![], 250));
    }

    #[test]
    fn each_filter_excludes_what_does_not_fit() {
        let row = TaskRow {
            id: "id",
            model: "a/b",
            word: "processing".to_owned(),
            record: TaskRecord {
                submitted: 100,
                ..TaskRecord::default()
            },
        };
        let fits = |name: &str, value: &str| {
            let query = query(&[(name, value)]);
            !query.excludes_all() && query.fits(&row)
        };
        for (name, good, bad) in [
            ("task_id", "id", "other"),
            ("status", "IN_PROGRESS", "SUCCESS"),
            ("platform", "replicate", "suno"),
            ("action", "generate", "edit"),
            ("start_timestamp", "100", "101"),
            ("end_timestamp", "100", "99"),
        ] {
            assert!(fits(name, good), "{name}");
            assert!(!fits(name, bad), "{name}");
        }
    }
}
