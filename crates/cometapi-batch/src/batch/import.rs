//! Reading a file of rows into a load of the ledger, a few at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;

use cometapi::ModelRef;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::batch::event::{Event, Observer};
use crate::error::{Error, ErrorKind};
use crate::ledger::{Loader, NewRow};
use crate::names::{FileTemplate, check_id};
use crate::rows::check::{self, Meant};
use crate::rows::{self, MAX_PROBLEMS, Problem, Row, Rows};

/// How many rows go to the ledger at once.
const CHUNK: usize = 256;

/// How many bytes may wait between the reading thread and the ledger: rows may be large. A row
/// that is larger than this waits alone.
const BUFFER: u32 = 8 << 20;

/// What an item takes besides its text, in bytes.
const OVERHEAD: usize = 256;

/// How many different problems are kept; all are sent as events, and counted.
const KEPT: usize = 100;

/// What the reading thread sends, and its share of the buffer.
type Weighed = (Item, OwnedSemaphorePermit);

enum Item {
    Row(NewRow),
    Warning(Problem),
    Bad(Vec<Problem>),
    End(Result<(), Error>),
}

impl Item {
    /// How many bytes it takes, about.
    fn weight(&self) -> usize {
        let of = |problem: &Problem| {
            OVERHEAD + problem.what.len() + problem.field.as_ref().map_or(0, String::len)
        };
        match self {
            Self::Row(row) => {
                let texts = [row.id.as_ref(), row.labels.as_ref(), Some(&row.input)];
                OVERHEAD + texts.into_iter().flatten().map(String::len).sum::<usize>()
            }
            Self::Warning(problem) => of(problem),
            Self::Bad(problems) => problems.iter().map(of).sum(),
            Self::End(_) => 0,
        }
    }
}

/// Where the reading thread sends what it reads.
struct Outlet {
    items: Sender<Weighed>,
    buffer: Arc<Semaphore>,
    runtime: Handle,
}

impl Outlet {
    /// Waits until there is room. Returns whether anyone receives.
    fn send(&self, item: Item) -> bool {
        let weight = u32::try_from(item.weight()).unwrap_or(BUFFER).min(BUFFER);
        let share = Arc::clone(&self.buffer).acquire_many_owned(weight);
        // If the receiver is dropped, the items that hold the buffer are dropped with it.
        self.runtime
            .block_on(share)
            .is_ok_and(|share| self.items.blocking_send((item, share)).is_ok())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Import {
    pub(crate) rows: u64,
    pub(crate) bad: u64,
    /// The models of the good rows.
    pub(crate) models: BTreeSet<String>,
    problems: Vec<Problem>,
}

/// Reads and checks every row, and adds the good ones to the load. Nothing of it is in
/// the ledger yet, and no other process waits meanwhile: standard input may be slow.
pub(crate) async fn read(
    loader: &dyn Loader,
    rows: Rows,
    model: Option<ModelRef>,
    unchecked: bool,
    template: Option<&FileTemplate>,
    observer: &Observer,
) -> Result<Import, Error> {
    let mut items = start(rows, model, unchecked, template)?;
    let mut import = Import::default();
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut received = Vec::new();
    loop {
        if items.recv_many(&mut received, CHUNK).await == 0 {
            return Err(Error::new(
                ErrorKind::Read,
                "the reading of the rows broke off",
            ));
        }
        let mut end = None;
        // Rows hold their shares of the buffer until they are in the ledger.
        let mut shares = Vec::new();
        for (item, share) in received.drain(..) {
            match item {
                Item::Row(row) => {
                    if !import.models.contains(&row.model) {
                        import.models.insert(row.model.clone());
                    }
                    chunk.push(row);
                    shares.push(share);
                }
                Item::Warning(problem) => observer(&Event::Warning { problem: &problem }),
                Item::Bad(problems) => import.refuse(problems, observer),
                Item::End(result) => end = Some(result),
            }
        }
        if !chunk.is_empty() {
            import.rows += chunk.len() as u64;
            let repeated = loader.add(std::mem::take(&mut chunk)).await?;
            drop(shares);
            import.rows -= repeated.len() as u64;
            for row in repeated {
                let (id, first) = (&row.id, row.first);
                let what = if row.exact && row.line == first {
                    format!("{id:?} is also the id of another row on this line")
                } else if row.exact {
                    format!("{id:?} is also the id of line {first}")
                } else {
                    format!(
                        "{id:?} differs from the id of line {first} only in letter case or in how \
                         accents are encoded, and a file system may take their files for one: give \
                         it another"
                    )
                };
                let problem = Problem::new(row.line, "id".to_owned(), what);
                import.refuse(vec![problem], observer);
            }
        }
        match end {
            None => {}
            Some(Ok(())) => break,
            Some(Err(e)) => return Err(e),
        }
    }
    observer(&Event::Read {
        rows: import.rows,
        bad: import.bad,
    });
    Ok(import)
}

impl Import {
    fn refuse(&mut self, problems: Vec<Problem>, observer: &Observer) {
        self.bad += 1;
        for problem in problems {
            observer(&Event::BadRow { problem: &problem });
            if let Some(kept) = self.problems.iter_mut().find(|kept| kept.is_same(&problem)) {
                kept.repeated += 1;
            } else if self.problems.len() < KEPT {
                self.problems.push(problem);
            }
        }
    }

    /// Fails if there are no rows, or bad ones that may not be skipped.
    pub(crate) fn usable(mut self, skip_bad: bool) -> Result<Self, Error> {
        if self.bad > 0 && !skip_bad {
            self.problems.sort_by_key(|problem| problem.line);
            return Err(Error::rows(self.bad, self.problems));
        }
        if self.rows == 0 && self.bad == 0 {
            return Err(Error::new(ErrorKind::Rows, "there are no rows"));
        }
        Ok(self)
    }
}

/// A thread of its own: standard input may never end, and a runtime that shuts down would wait
/// for one of its own threads.
fn start(
    rows: Rows,
    model: Option<ModelRef>,
    unchecked: bool,
    template: Option<&FileTemplate>,
) -> Result<Receiver<Weighed>, Error> {
    let mut unseen = template.map(UnseenFields::of).unwrap_or_default();
    let (items, receive) = channel(CHUNK);
    let outlet = Outlet {
        items,
        buffer: Arc::new(Semaphore::new(BUFFER as usize)),
        runtime: Handle::current(),
    };
    thread::Builder::new()
        .name("cometapi-rows".to_owned())
        .spawn(move || {
            let mut names = Names::default();
            let rows = rows.unchecked(unchecked);
            let result = rows::read(rows, model.as_ref(), &mut |row| {
                if let Ok(row) = &row {
                    unseen.see(row);
                }
                pass_on(row, unchecked, &mut names, &outlet)
            });
            let cannot = "the rows cannot be read, and nothing was sent";
            let result = result.map_err(|e| Error::caused_by(ErrorKind::Read, cannot, e));
            // The receiver is gone if the run was dropped.
            let result = result.and_then(|notes| {
                // Sent in vain if the receiver is gone.
                _ = notes
                    .into_iter()
                    .all(|note| outlet.send(Item::Warning(note)));
                unseen.check()
            });
            outlet.send(Item::End(result));
        })
        .map_err(|e| Error::caused_by(ErrorKind::Read, "the rows cannot be read", e))?;
    Ok(receive)
}

/// The fields of a template that no row has had yet.
#[derive(Default)]
struct UnseenFields(Vec<String>);

impl UnseenFields {
    fn of(template: &FileTemplate) -> Self {
        Self(template.row_fields().map(str::to_owned).collect())
    }

    fn see(&mut self, row: &Row) {
        if self.0.is_empty() {
            return;
        }
        let model = cometapi::models::find(&row.model.to_string());
        self.0.retain(|field| {
            let is_of_model = model.is_some_and(|model| model.field(field).is_some());
            !is_of_model && !row.input.contains_key(field) && !row.labels.contains_key(field)
        });
    }

    /// # Errors
    ///
    /// A field that no row has is likely misspelled.
    fn check(self) -> Result<(), Error> {
        let Some(field) = self.0.first() else {
            return Ok(());
        };
        let what = format!(
            "no row has a column or a field {field:?}, which the file names need: nothing was sent"
        );
        Err(Error::new(ErrorKind::Rows, what))
    }
}

/// Whether somebody still listens.
fn pass_on(row: rows::RowResult, unchecked: bool, names: &mut Names, outlet: &Outlet) -> bool {
    let mut row = match row {
        Ok(row) => row,
        Err(problems) => return outlet.send(Item::Bad(problems)),
    };
    // Also of a bad row, which they may explain.
    for note in std::mem::take(&mut row.notes) {
        if !outlet.send(Item::Warning(note)) {
            return false;
        }
    }
    if let Some(Err(why)) = row.id.as_deref().map(check_id) {
        let problem = Problem::new(row.line, "id".to_owned(), why).in_list(row.item);
        return outlet.send(Item::Bad(vec![problem]));
    }
    if !unchecked {
        check::normalize(&row.model, &mut row.input);
    }
    let problem =
        |(field, what): check::Remark| Problem::of_field(row.line, field, what).in_list(row.item);
    let mut warnings = Vec::new();
    let (meant, is_new) = names.meant(&row.model);
    if let Some(meant) = meant {
        let what = format!(
            "{} is not a model known here; did you mean {}?",
            row.model, meant.name
        );
        let problem = problem(("model".to_owned(), what));
        if meant.is_misspelled && !unchecked {
            return outlet.send(Item::Bad(vec![problem]));
        }
        if is_new {
            warnings.push(problem);
        }
    }
    match check::check(&row.model, &row.input) {
        Ok(found) => warnings.extend(found.into_iter().take(MAX_PROBLEMS).map(problem)),
        Err(problems) if unchecked => {
            warnings.extend(problems.into_iter().take(MAX_PROBLEMS).map(problem));
        }
        Err(problems) => {
            let problems = problems.into_iter().take(MAX_PROBLEMS);
            return outlet.send(Item::Bad(problems.map(problem).collect()));
        }
    }
    for warning in warnings {
        if !outlet.send(Item::Warning(warning)) {
            return false;
        }
    }
    outlet.send(Item::Row(planned(&row)))
}

/// The row as the ledger takes it.
fn planned(row: &Row) -> NewRow {
    let mut new = NewRow::new(row.line, row.id.clone(), &row.model, &row.input);
    new.files = check::files(&row.model, &row.input);
    new.labels = (!row.labels.is_empty()).then(|| json!(row.labels).to_string());
    new
}

/// The names of models that have been compared with the known ones; once is enough, and costs more
/// than the rest of a row.
#[derive(Default)]
struct Names(BTreeMap<ModelRef, Option<Meant>>);

impl Names {
    /// What `model` may be meant for, and whether it is the first time that it is looked up.
    fn meant(&mut self, model: &ModelRef) -> (Option<Meant>, bool) {
        if let Some(meant) = self.0.get(model) {
            return (*meant, false);
        }
        let meant = check::meant(model);
        self.0.insert(model.clone(), meant);
        (meant, true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::rows::Format;

    #[test]
    fn labels_are_kept_and_are_no_part_of_what_identifies_a_row() {
        let model = "black-forest-labs/flux-schnell".parse().unwrap();
        let text = "prompt,Zone,Client\na,7,ACME\na,,\n";
        let mut rows = Vec::new();
        rows::read(
            Rows::reader(Cursor::new(text), Format::Csv),
            Some(&model),
            &mut |row| {
                rows.push(planned(&row.unwrap()));
                true
            },
        )
        .unwrap();
        let labels = Some(r#"{"Client":"ACME","Zone":"7"}"#);
        assert_eq!(rows[0].labels.as_deref(), labels);
        assert_eq!(rows[1].labels, None);
        assert_eq!(rows[0].hash, rows[1].hash);
    }
}
