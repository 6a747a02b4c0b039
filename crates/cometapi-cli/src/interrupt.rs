//! Ctrl-C, heard without a gap from one moment on.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::signal::ctrl_c;

/// Ready once ctrl-c has been pressed.
pub(crate) type Interrupt = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes ctrl-c over from the system. One for the whole of a command: between two, it would
/// go unheard.
pub(crate) async fn listen() -> Interrupt {
    let mut pressed: Interrupt = Box::pin(async {
        if ctrl_c().await.is_err() {
            // It cannot be taken over, so the system still ends the process by it.
            pending::<()>().await;
        }
    });
    // The first poll is what takes it over.
    poll_fn(|context| {
        let _ = pressed.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
    pressed
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::{Command, id};

    /// Were it not heard from `listen` on, this would end the tests.
    #[tokio::test]
    async fn pressed_before_it_is_awaited_counts() {
        let pressed = super::listen().await;
        let kill = format!("kill -INT {}", id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        pressed.await;
    }
}
