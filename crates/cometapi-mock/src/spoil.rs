//! Faults that spoil a good answer on its way.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::answer::{Answer, Delivery};
use crate::fault::Fault;

/// Spoils an answer whose body is already in the right shape.
pub(crate) fn answer(fault: &Fault, mut good: Answer) -> Answer {
    match fault {
        Fault::BrokenJson => {
            good.status = StatusCode::OK;
            good.body = good.half();
            good
        }
        Fault::ShortBody => {
            good.body = good.half();
            good
        }
        Fault::ContentType(value) => {
            if let Ok(value) = HeaderValue::from_str(value) {
                good.headers.insert(CONTENT_TYPE, value);
            }
            good
        }
        Fault::Delay(delay) => good.delivered(Delivery::Delayed(*delay)),
        Fault::SlowBody(pause) => good.delivered(Delivery::Slow(*pause)),
        Fault::StallBody => good.delivered(Delivery::Stalled),
        Fault::CutBody => good.delivered(Delivery::Cut { reset: false }),
        Fault::ResetBody => good.delivered(Delivery::Cut { reset: true }),
        // Its shape is all that differs, or it means something elsewhere only.
        _ => good,
    }
}
