//! Everything the two origins share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use serde_json::Value;

use crate::account::charges::{Charge, Charges};
use crate::account::endpoint::AccountEndpoint;
use crate::account::models;
use crate::account::price::{Price, PriceTable};
use crate::account::task::{TaskQuery, TaskRow};
use crate::builder::Settings;
use crate::clock::Clock;
use crate::drawing::{Cache, Drawing};
use crate::fault::Fault;
use crate::ids;
use crate::input::ImageRequest;
use crate::listen::Read;
use crate::pace::{Ending, Script};
use crate::plan::Queue;
use crate::prediction::{ClockView, Prediction, Timeline};
use crate::request_log::{Received, RequestLog, hide_credentials};
use crate::spec::{Spec, Violation};
use crate::wire::View;

/// A prediction in its current state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The id in the response to the create request.
    pub id: String,
    /// `owner/name`.
    pub model: String,
    /// The input as it is echoed, its keys sorted.
    pub input: Value,
    /// The status word as of now, or as of the last poll where polls set the pace.
    pub status: String,
    /// The seed of the request, or the one chosen.
    pub seed: u64,
    /// How many polls have been carried out.
    pub polls: u32,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) spec: Arc<Spec>,
    pub(crate) clock: Clock,
    pub(crate) files_origin: String,
    pub(crate) requests: RequestLog,
    pub(crate) file_requests: RequestLog,
    /// Violations that belong to no request.
    pub(crate) protocol: Mutex<Vec<Violation>>,
    pub(crate) on_create: Queue<Fault>,
    pub(crate) on_poll: Queue<Fault>,
    pub(crate) on_file: Queue<Fault>,
    /// In the order of [`AccountEndpoint::ALL`].
    pub(crate) on_account: [Queue<Fault>; AccountEndpoint::ALL.len()],
    pub(crate) endings: Queue<Ending>,
    pub(crate) scripts: Queue<Script>,
    pub(crate) images: Cache,
    predictions: Mutex<Predictions>,
    request_counter: AtomicU64,
}

#[derive(Debug)]
struct Predictions {
    by_id: HashMap<String, Prediction>,
    /// Ids in the order of their create requests.
    order: Vec<String>,
    seeds: fastrand::Rng,
    prices: PriceTable,
    charges: Charges,
}

/// What the account has been charged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charged {
    /// Now, in units of quota.
    pub(crate) sum: u64,
    /// At most.
    pub(crate) max: u64,
    /// How many predictions there are.
    pub(crate) predictions: usize,
}

/// A create request that costs more than what is left.
#[derive(Debug)]
pub(crate) struct OutOfQuota;

impl State {
    pub(crate) fn new(settings: Settings, spec: Arc<Spec>, files_origin: String) -> Self {
        let seeds = fastrand::Rng::with_seed(settings.seed);
        let prices = PriceTable::new(spec.models(), &settings.account.prices);
        Self {
            spec,
            clock: Clock::start(),
            files_origin,
            requests: RequestLog::default(),
            file_requests: RequestLog::default(),
            protocol: Mutex::default(),
            on_create: Queue::new(settings.seed.wrapping_add(0)),
            on_poll: Queue::new(settings.seed.wrapping_add(1)),
            on_file: Queue::new(settings.seed.wrapping_add(2)),
            on_account: AccountEndpoint::ALL
                .map(|one| Queue::new(settings.seed.wrapping_add(5 + one as u64))),
            endings: Queue::new(settings.seed.wrapping_add(3)),
            scripts: Queue::new(settings.seed.wrapping_add(4)),
            images: Cache::default(),
            predictions: Mutex::new(Predictions {
                by_id: HashMap::new(),
                order: Vec::new(),
                seeds,
                prices,
                charges: Charges::default(),
            }),
            request_counter: AtomicU64::new(0),
            settings,
        }
    }

    /// A request as it is logged, with its credentials marked.
    pub(crate) fn receive(&self, mut parts: Parts, read: &Read) -> Received {
        hide_credentials(&mut parts.headers);
        let body = match read {
            Read::Whole(body) | Read::Broken(body) => body.clone(),
            Read::TooLarge => Bytes::new(),
        };
        let counter = self.request_counter.fetch_add(1, Ordering::Relaxed);
        let since_start = self.clock.elapsed();
        let now = self.clock.calendar(since_start);
        let request_id = ids::request_id(self.settings.seed, counter, now);
        Received::new(parts, body, (since_start, now), request_id)
    }

    /// Creates a prediction, charges for it, and returns it as the response has it.
    pub(crate) fn create(
        &self,
        model: &str,
        input: Value,
        image: ImageRequest,
    ) -> Result<View, OutOfQuota> {
        let account = &self.settings.account;
        let mut predictions = self.predictions();
        let predictions = &mut *predictions;
        let created = self.clock.elapsed();
        predictions.charges.settle(created);
        let quota = predictions.prices.get(model).map_or(0, Price::quota);
        let left = account.balance.checked_sub(predictions.charges.sum());
        if account.enforces_balance && left.is_none_or(|left| left < quota) {
            return Err(OutOfQuota);
        }
        let script = self
            .scripts
            .take(Some(model), None)
            .map(|scheduled| scheduled.what);
        let timeline = if let Some(script) = script.or_else(|| self.settings.script.clone()) {
            Timeline::Scripted(script)
        } else {
            let ending = self.endings.take(Some(model), None);
            let ending = ending.map_or(Ending::Succeeded, |scheduled| scheduled.what);
            Timeline::Paced(self.settings.pace.clone(), ending)
        };

        let counter = predictions.order.len() as u64;
        let id = ids::prediction_id(self.settings.seed, counter);
        let seed = image
            .seed
            .unwrap_or_else(|| u64::from(predictions.seeds.u32(..)));
        let charge = predictions.charges.charge(&id, model, quota, created);
        let prediction = Prediction {
            id: id.clone(),
            model: model.to_owned(),
            input,
            image,
            seed,
            timeline,
            created,
            polls: 0,
            seen_running: None,
            seen_ended: None,
            seen_success: None,
            seen_failure: None,
            quota,
            charge,
            is_refundable: account.refunds,
            removed: false,
        };
        if let Some(failure) = prediction.fails_at().filter(|_| account.refunds) {
            predictions.charges.refund_at(charge, failure);
        }
        let view = prediction.at_create(self.clock_view());
        predictions.order.push(id.clone());
        predictions.by_id.insert(id, prediction);
        Ok(view)
    }

    /// Carries out a poll; `None` for an id that was never created.
    pub(crate) fn poll(&self, id: &str) -> Option<(View, Option<Fault>)> {
        let mut predictions = self.predictions();
        let Predictions { by_id, charges, .. } = &mut *predictions;
        let prediction = by_id.get_mut(id)?;
        let had_failed = prediction.seen_failure.is_some();
        let response = prediction.poll(self.clock_view());
        if let Some(failure) = prediction.seen_failure
            && !had_failed
            && prediction.is_refundable
        {
            charges.refund(prediction.charge, failure);
        }
        Some(response)
    }

    pub(crate) fn model_of(&self, id: &str) -> Option<String> {
        Some(self.predictions().by_id.get(id)?.model.clone())
    }

    /// The image behind `/xezq/<id>/<name>`, while it is kept.
    pub(crate) fn file(&self, id: &str, name: &str) -> Option<Drawing> {
        let predictions = self.predictions();
        let prediction = predictions.by_id.get(id)?;
        let image = &prediction.image;
        let index = (0..image.count).find(|index| prediction.file_name(*index) == name)?;
        prediction.has_files(self.clock_view()).then(|| Drawing {
            prompt: image.prompt.clone(),
            model: prediction.model.clone(),
            seed: prediction.seed.wrapping_add(u64::from(index)),
            format: image.format,
            quality: image.quality,
            size: image.size,
        })
    }

    pub(crate) fn remove_data(&self, id: &str) -> bool {
        let mut predictions = self.predictions();
        let found = predictions.by_id.get_mut(id);
        found.map(|one| one.removed = true).is_some()
    }

    pub(crate) fn snapshots(&self) -> Vec<Snapshot> {
        let predictions = self.predictions();
        let clock_view = self.clock_view();
        predictions
            .order
            .iter()
            .filter_map(|id| predictions.by_id.get(id))
            .map(|one| Snapshot {
                id: one.id.clone(),
                model: one.model.clone(),
                input: one.input.clone(),
                status: one.status(clock_view),
                seed: one.seed,
                polls: one.polls,
            })
            .collect()
    }

    /// The tasks of a page, newest first, and how many fit the query.
    pub(crate) fn tasks(&self, query: &TaskQuery) -> (Vec<Value>, u64) {
        if query.excludes_all() {
            return (Vec::new(), 0);
        }
        let predictions = self.predictions();
        let clock_view = self.clock_view();
        let newest_first = predictions.order.iter().rev();
        let fitting = newest_first
            .filter_map(|id| predictions.by_id.get(id))
            .map(|one| one.task(clock_view))
            .filter(|row| query.fits(row));
        let (page, total) = query.page(fitting);
        let rows = page.iter().map(TaskRow::json).collect();
        (rows, total)
    }

    /// Every charge and refund up to now.
    pub(crate) fn charges(&self) -> Vec<Charge> {
        let mut predictions = self.predictions();
        predictions.charges.settle(self.clock.elapsed());
        predictions.charges.movements().to_vec()
    }

    pub(crate) fn charged(&self) -> Charged {
        let mut predictions = self.predictions();
        predictions.charges.settle(self.clock.elapsed());
        Charged {
            sum: predictions.charges.sum(),
            max: predictions.charges.max(),
            predictions: predictions.order.len(),
        }
    }

    pub(crate) fn set_price(&self, model: String, price: Price) {
        self.predictions().prices.set(model, Some(price));
    }

    /// The prices that the service shows, by the name of the model.
    pub(crate) fn listed_prices(&self) -> Vec<(String, Price)> {
        self.predictions().prices.listed()
    }

    /// The model with this code, and its price, if it is listed.
    pub(crate) fn listed_by_code(&self, code: &str) -> Option<(String, Price)> {
        let mut listed = self.listed_prices().into_iter();
        listed.find(|(model, _)| models::code(model) == code)
    }

    pub(crate) fn note_protocol(&self, violation: Violation) {
        self.protocol
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(violation);
    }

    fn clock_view(&self) -> ClockView<'_> {
        ClockView {
            clock: &self.clock,
            now: self.clock.elapsed(),
            retention: self.settings.retention,
            files_origin: &self.files_origin,
        }
    }

    fn predictions(&self) -> MutexGuard<'_, Predictions> {
        // A prediction is changed in one go, so a panic elsewhere leaves it whole.
        self.predictions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
