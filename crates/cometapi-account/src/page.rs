//! The pages of a list of tasks, put together.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::error::Error;
use crate::generated::types;
use crate::json;
use crate::money::Usd;
use crate::task::{Task, TaskFilter, Tasks};

/// Rows that are asked for at a time.
pub(crate) const SIZE: i64 = 100;

/// Pages that are read at most: ten thousand tasks.
const MAX_PAGES: i64 = 100;

/// One page, read.
#[derive(Debug)]
pub(crate) struct Page {
    tasks: Vec<Task>,
    rows: u64,
    unreadable: u64,
    /// Rows of a full page, if the service says how many.
    size: Option<u64>,
    /// Tasks on all pages, if the service says how many.
    total: Option<u64>,
}

impl Page {
    /// Reads `data` of a page; `None` if there is no list in it.
    pub(crate) fn read(data: Option<Value>) -> Option<Self> {
        let data = json::unwrapped(&data?).into_owned();
        let size = json::count(data.get("page_size")).filter(|size| *size > 0);
        let total = json::count(data.get("total"));
        let rows = json::rows(data, &["items", "data"])?;
        let mut page = Self {
            tasks: Vec::with_capacity(rows.len()),
            rows: rows.len() as u64,
            unreadable: 0,
            size,
            total,
        };
        for row in rows {
            match task(row) {
                Some(task) => page.tasks.push(task),
                None => page.unreadable += 1,
            }
        }
        Some(page)
    }
}

/// Reads a row; `None` without an id.
fn task(row: Value) -> Option<Task> {
    let row: types::ListedTask = serde_json::from_value(row).ok()?;
    let mut task = Task::new(json::text(row.task_id.as_ref())?);
    task.model = json::text(row.model_name.as_ref());
    task.status = json::text(row.status.as_ref());
    task.platform = json::text(row.platform.as_ref());
    // A task that succeeded and cost nothing is more likely one that is not charged yet.
    let may_cost_nothing = !task.has_succeeded();
    task.charge = json::decimal(row.quota.as_ref())
        .and_then(Usd::from_decimal_quota)
        .filter(|charge| *charge > Usd::ZERO || may_cost_nothing && *charge == Usd::ZERO);
    task.submitted_at =
        json::time(row.submit_time.as_ref()).or_else(|| json::time(row.created_at.as_ref()));
    task.finished_at = json::time(row.finish_time.as_ref());
    Some(task)
}

/// Pages put together, from the first, until the service has no more.
///
/// A page that has fewer rows than the service puts on one is the last. If it does not say how many
/// those are, it may put fewer on a page than were asked for: then only an empty page is the last.
pub(crate) struct Listing<'f> {
    filter: &'f TaskFilter,
    tasks: Tasks,
    /// The ids of all tasks, also of those that the filter leaves out.
    seen: HashSet<String>,
    rows: u64,
    unreadable: u64,
    /// The number of the page to fetch.
    next: Option<i64>,
}

impl<'f> Listing<'f> {
    pub(crate) fn new(filter: &'f TaskFilter) -> Self {
        Self {
            filter,
            tasks: Tasks::default(),
            seen: HashSet::new(),
            rows: 0,
            unreadable: 0,
            next: Some(1),
        }
    }

    /// The number of the page to fetch and [add](Self::add), if there is one more.
    pub(crate) fn next(&self) -> Option<i64> {
        self.next
    }

    /// Adds the page, or why it could not be read: an error if it is the first.
    pub(crate) fn add(&mut self, page: Result<Page, Error>) -> Result<(), Error> {
        let Some(number) = self.next.take() else {
            return Ok(());
        };
        let page = match page {
            Ok(page) => page,
            Err(error) if number == 1 => return Err(error),
            // What was read is of use.
            Err(_) => return Ok(()),
        };
        self.rows += page.rows;
        self.unreadable += page.unreadable;
        let known = self.seen.len();
        for task in page.tasks {
            if self.seen.insert(task.id.clone()) && may_match(self.filter, &task) {
                self.tasks.tasks.push(task);
            }
        }
        let has_all = page.total.is_none_or(|total| self.rows >= total);
        let is_last = match (page.size, page.total) {
            (Some(size), _) => page.rows < size,
            (None, Some(_)) => page.rows == 0 || has_all,
            (None, None) => page.rows == 0,
        };
        // Without anything new, the service ignores the number of the page.
        let has_new = self.seen.len() > known;
        if is_last {
            self.tasks.is_complete = self.unreadable == 0 && has_all;
        } else if has_new && number < MAX_PAGES {
            self.next = Some(number + 1);
        }
        Ok(())
    }

    pub(crate) fn into_tasks(self) -> Tasks {
        self.tasks
    }
}

/// Whether a task may be one that the filter asks for; what is not known of it may be so.
fn may_match(filter: &TaskFilter, task: &Task) -> bool {
    let at = task.submitted_at;
    // A task's time has no fraction, so that one of the same second may be later.
    let since = filter.since.map(|it| seconds(it).0);
    let is_early = |since: i64| at.is_some_and(|at| seconds(at).0 < since);
    let is_late = |until| at.is_some_and(|at| at > until);
    !(since.is_some_and(is_early)
        || filter.until.is_some_and(is_late)
        || filter.id.as_ref().is_some_and(|id| *id != task.id))
}

/// The Unix time in whole seconds, rounded down and rounded up. A time before 1970 is 1970.
pub(crate) fn seconds(time: SystemTime) -> (i64, i64) {
    let age = time.duration_since(SystemTime::UNIX_EPOCH);
    let age = age.unwrap_or(Duration::ZERO);
    let down = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    let up = down.saturating_add(i64::from(age.subsec_nanos() > 0));
    (down, up)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn row(number: u64) -> Value {
        json!({"task_id": format!("t{number}"), "submit_time": 1_774_000_000 + number})
    }

    fn list(
        filter: &TaskFilter,
        mut fetch: impl FnMut(i64) -> Result<Page, Error>,
    ) -> Result<Tasks, Error> {
        let mut listing = Listing::new(filter);
        while let Some(number) = listing.next() {
            listing.add(fetch(number))?;
        }
        Ok(listing.into_tasks())
    }

    /// Lists the pages of a service, and returns how many were asked for.
    fn listed(filter: &TaskFilter, pages: Vec<Option<Value>>) -> (Tasks, usize) {
        let mut asked = 0;
        let mut pages = pages.into_iter();
        let tasks = list(filter, |number| {
            asked += 1;
            assert_eq!(usize::try_from(number), Ok(asked));
            let page = pages.next().expect("a page too many was asked for");
            Page::read(page).ok_or_else(|| Error::new(ErrorKind::Unreachable, "no page"))
        });
        (tasks.unwrap(), asked)
    }

    fn ids(tasks: &Tasks) -> Vec<&str> {
        tasks.tasks.iter().map(|it| it.id.as_str()).collect()
    }

    fn rows(numbers: std::ops::Range<u64>) -> Value {
        numbers.map(row).collect()
    }

    #[test]
    fn a_task_is_read_from_numbers_and_strings() {
        let full = json!({
            "task_id": "t", "platform": "replicate", "status": "SUCCESS", "model_name": "acme/fox",
            "quota": "96000", "submit_time": "1774000001", "finish_time": 1_774_000_009_123_i64,
            "created_at": 1, "progress": "100%", "new": {"a": [1]},
        });
        let mut expected = Task::new("t");
        expected.platform = Some("replicate".into());
        expected.status = Some("SUCCESS".into());
        expected.model = Some("acme/fox".into());
        expected.charge = Some("0.192".parse().unwrap());
        expected.submitted_at = Some(at(1_774_000_001));
        expected.finished_at = Some(at(1_774_000_009));
        assert_eq!(task(full), Some(expected));

        for (status, quota, charge) in [
            ("SUCCESS", 0, None),
            ("succeeded", 0, None),
            ("FAILURE", 0, Some("0")),
            ("FAILURE", 500_000, Some("1")),
            ("success", 500_000, Some("1")),
            ("SUCCESS", -1, None),
        ] {
            let row = json!({"task_id": "t", "status": status, "quota": quota});
            let expected = charge.map(|charge| charge.parse().unwrap());
            assert_eq!(task(row).unwrap().charge, expected, "{status} {quota}");
        }

        let odd = json!({
            "task_id": 7, "platform": null, "status": {}, "model_name": "", "quota": "a lot",
            "submit_time": 0, "created_at": 1_774_000_002, "finish_time": "soon",
        });
        let mut expected = Task::new("7");
        expected.submitted_at = Some(at(1_774_000_002));
        assert_eq!(task(odd), Some(expected));

        for bad in [
            json!(null),
            json!([]),
            json!("t"),
            json!({}),
            json!({"task_id": ""}),
        ] {
            assert_eq!(task(bad), None);
        }
    }

    #[test]
    fn pages_are_read_until_one_is_short_or_empty() {
        let page = |items: Value, more: Value| {
            let mut data = json!({"items": items});
            let fields = data.as_object_mut().unwrap();
            fields.extend(more.as_object().unwrap().clone());
            Some(data)
        };
        let size = json!({"page_size": 100});
        let total = json!({"total": "130"});
        for (pages, wanted) in [
            // The service says how many rows it puts on a page.
            (
                vec![
                    page(rows(0..100), size.clone()),
                    page(rows(100..130), size.clone()),
                ],
                130,
            ),
            (
                vec![
                    page(rows(0..100), size.clone()),
                    page(rows(0..0), size.clone()),
                ],
                100,
            ),
            (
                vec![
                    page(rows(0..10), json!({"page_size": 10})),
                    page(rows(10..13), json!({"page_size": 10})),
                ],
                13,
            ),
            (vec![page(rows(0..0), json!({}))], 0),
            // Or how many tasks there are.
            (
                vec![
                    page(rows(0..100), total.clone()),
                    page(rows(100..130), total.clone()),
                ],
                130,
            ),
            // Or nothing: a short page may be as long as its pages get.
            (
                vec![Some(rows(0..20)), Some(rows(20..30)), Some(json!([]))],
                30,
            ),
            (vec![Some(json!("[]"))], 0),
        ] {
            let expected = pages.len();
            let (tasks, asked) = listed(&TaskFilter::default(), pages);
            assert_eq!((asked, tasks.tasks.len()), (expected, wanted));
            assert!(tasks.is_complete);
        }
    }

    #[test]
    fn a_list_with_a_gap_is_not_complete() {
        let full = || json!({"page_size": 2, "items": rows(0..2)});
        let short = |items: Value| json!({"page_size": 2, "items": items});
        for (pages, wanted) in [
            // A page that cannot be read.
            (vec![Some(full()), None], 2),
            // A row that cannot be read, on the last page and before it.
            (vec![Some(full()), Some(short(json!([{"id": 1}])))], 2),
            (
                vec![Some(short(json!([null, row(0)]))), Some(short(json!([])))],
                1,
            ),
            // The same page again and again.
            (vec![Some(full()), Some(full())], 2),
            (vec![Some(rows(0..20)), Some(rows(0..20))], 20),
            // More tasks than came.
            (
                vec![Some(
                    json!({"page_size": 100, "total": 9, "items": rows(0..3)}),
                )],
                3,
            ),
        ] {
            let (tasks, _) = listed(&TaskFilter::default(), pages);
            assert_eq!(tasks.tasks.len(), wanted);
            assert!(!tasks.is_complete);
        }
        let endless: Vec<_> = (0..100)
            .map(|page| Some(rows(page * 100..page * 100 + 100)))
            .collect();
        let (tasks, asked) = listed(&TaskFilter::default(), endless);
        assert_eq!(
            (tasks.tasks.len(), asked, tasks.is_complete),
            (10_000, 100, false)
        );
    }

    #[test]
    fn a_task_that_moved_to_the_next_page_is_listed_once() {
        let page = |items| Some(json!({"page_size": 3, "items": items}));
        let pages = vec![page(rows(0..3)), page(rows(2..5)), page(rows(4..5))];
        let (tasks, _) = listed(&TaskFilter::default(), pages);
        assert_eq!(ids(&tasks), ["t0", "t1", "t2", "t3", "t4"]);
        assert!(tasks.is_complete);
    }

    #[test]
    fn a_first_page_that_fails_is_an_error() {
        let failed = list(&TaskFilter::default(), |_| {
            Err(Error::new(ErrorKind::Refused, "no"))
        });
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Refused);
        for data in [json!(null), json!("<html>"), json!({"items": 3}), json!(7)] {
            assert!(Page::read(Some(data)).is_none());
        }
        assert!(Page::read(None).is_none());
    }

    #[test]
    fn the_filter_is_checked_again() {
        let all = json!({"page_size": 100, "items": [
            {"task_id": "early", "submit_time": 1_774_000_009},
            {"task_id": "first", "submit_time": 1_774_000_010},
            {"task_id": "last", "submit_time": 1_774_000_020},
            {"task_id": "late", "submit_time": 1_774_000_021},
            {"task_id": "any-time"},
            {"task_id": "elsewhere", "platform": "suno", "submit_time": 1_774_000_015},
        ]});
        let half = Duration::from_millis(500);
        let filter = TaskFilter::between(at(1_774_000_010) + half, at(1_774_000_020) + half);
        let (tasks, _) = listed(&filter, vec![Some(all.clone())]);
        assert_eq!(ids(&tasks), ["first", "last", "any-time", "elsewhere"]);
        let filter = TaskFilter {
            id: Some("late".into()),
            ..TaskFilter::default()
        };
        let (tasks, _) = listed(&filter, vec![Some(all)]);
        assert_eq!(ids(&tasks), ["late"]);
        assert_eq!(seconds(at(5) + half), (5, 6));
        assert_eq!(seconds(at(5)), (5, 5));
        assert_eq!(seconds(SystemTime::UNIX_EPOCH - half), (0, 0));
    }

    proptest! {
        /// However a service pages, each task is listed once, in order, and the list is complete.
        #[test]
        fn every_task_is_listed_once(count in 0_u64..60, size in 1_u64..20, says_size: bool, says_total: bool) {
            let page = |start: u64| {
                let mut data = json!({"items": rows(start.min(count)..(start + size).min(count))});
                if says_size { data["page_size"] = json!(size); }
                if says_total { data["total"] = json!(count); }
                data
            };
            let tasks = list(&TaskFilter::default(), |number| {
                let start = (number.unsigned_abs() - 1) * size;
                Ok(Page::read(Some(page(start))).unwrap())
            });
            let tasks = tasks.unwrap();
            let expected: Vec<_> = (0..count).map(|number| format!("t{number}")).collect();
            prop_assert_eq!(ids(&tasks), expected);
            prop_assert!(tasks.is_complete);
        }

        /// What is not JSON, as any field of a row: the other rows are read.
        #[test]
        fn what_is_not_json_concerns_one_row(
            field in prop::sample::select(vec![
                "task_id", "model_name", "status", "platform", "quota", "submit_time", "new",
            ]),
            odd in prop::sample::select(vec![r#""\ud83d""#, r#""x\udc00""#, "1e400", "-1e999", "NaN", "Infinity"]),
        ) {
            let first = json!({"task_id": "t0", "quota": "1"});
            let body = format!(r#"{{"data": [{first}, {{"task_id": "t1", "{field}": {odd}}}, {first}]}}"#);
            let list: types::TaskList = json::read(body.as_bytes()).unwrap();
            let page = Page::read(list.data).unwrap();
            prop_assert_eq!((page.rows, page.tasks.len() as u64 + page.unreadable), (3, 3));
            prop_assert_eq!(page.tasks[0].id.as_str(), "t0");
            prop_assert!(page.unreadable == 0 || field == "task_id");
        }

        /// Any JSON as any field of a row, and as any field beside the rows.
        #[test]
        fn any_page_is_read_or_refused(
            field in prop::sample::select(vec![
                "task_id", "model_name", "status", "platform", "quota", "submit_time", "created_at",
                "finish_time",
            ]),
            beside in prop::sample::select(vec!["items", "data", "total", "page_size"]),
            values in prop::collection::vec(prop::sample::select(vec![
                json!(null), json!(true), json!(-1), json!(0), json!(1e300), json!(u64::MAX), json!(""),
                json!("x"), json!("-1"), json!("1e28"), json!({}), json!([]), json!([null]), json!("[]"),
            ]), 2),
        ) {
            let mut odd = row(1);
            odd[field] = values[0].clone();
            let rows = json!([row(0), odd]);
            let page = Page::read(Some(rows.clone())).unwrap();
            prop_assert_eq!(page.tasks.len() as u64 + page.unreadable, 2);
            prop_assert_eq!(page.tasks[0].id.as_str(), "t0");
            let mut data = json!({"items": rows});
            data[beside] = values[1].clone();
            let _ = Page::read(Some(data));
        }
    }
}
