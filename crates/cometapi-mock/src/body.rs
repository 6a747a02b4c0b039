//! Bodies that go out in pieces, late, or not to their end.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::response::{Delivery, Response};

/// A body as a list of things to do.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    steps: VecDeque<Step>,
    pause: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
enum Step {
    Data(Bytes),
    Pause(Duration),
    /// Lets the connection write out what it has before the next step.
    Flush,
    /// Never continues.
    Stall,
    /// Breaks the connection off.
    Break,
}

impl Outgoing {
    pub(crate) fn of(answer: &Response) -> Self {
        let body = answer.body.clone();
        let steps = match &answer.delivery {
            Delivery::Slow(pause) => {
                let piece = body.len().div_ceil(16).max(1);
                (0..body.len())
                    .step_by(piece)
                    .flat_map(|at| {
                        let end = body.len().min(at + piece);
                        [Step::Pause(*pause), Step::Data(body.slice(at..end))]
                    })
                    .collect()
            }
            Delivery::Stalled => VecDeque::from([Step::Data(answer.half()), Step::Stall]),
            Delivery::Cut { .. } => {
                VecDeque::from([Step::Data(answer.half()), Step::Flush, Step::Break])
            }
            _ if body.is_empty() => VecDeque::new(),
            _ => VecDeque::from([Step::Data(body)]),
        };
        Self { steps, pause: None }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                std::task::ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                // An empty frame would look like an empty body.
                Some(Step::Data(data)) if data.is_empty() => {}
                Some(Step::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Step::Pause(pause)) => {
                    self.pause = Some(Box::pin(tokio::time::sleep(pause)));
                }
                Some(Step::Flush) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Stall) => {
                    self.steps.push_front(Step::Stall);
                    return Poll::Pending;
                }
                Some(Step::Break) => {
                    return Poll::Ready(Some(Err(io::Error::other("broken off as planned"))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.pause.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let whole: Option<u64> = self.steps.iter().try_fold(0, |sum, step| match step {
            Step::Data(data) => Some(sum + data.len() as u64),
            Step::Pause(_) => Some(sum),
            Step::Flush | Step::Stall | Step::Break => None,
        });
        whole.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
