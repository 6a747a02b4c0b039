//! A proxy on the loopback interface that cuts, holds, delays and half-closes connections.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What the proxy does to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Passes everything on.
    None,
    /// Passes nothing on, in either direction, and takes no new connection.
    Hold,
    /// Passes on what the client sends, and nothing that the server answers.
    Mute,
    /// Passes everything on, each piece this much later.
    Delay(Duration),
}

/// Passes connections on to a server, until a fault is set.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    control: Arc<Control>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Control {
    fault: watch::Sender<Fault>,
    /// Raised to cut every connection that is open.
    cuts: watch::Sender<u64>,
    /// Raised to close every connection that is open towards the client alone.
    half_closes: watch::Sender<u64>,
    /// How many bytes the server sends from one cut to the next; 0 for no cuts.
    cut_every: AtomicU64,
    /// How many of them are left until the next one.
    left: AtomicU64,
    /// How many connections were cut so.
    done: AtomicU64,
}

impl Proxy {
    /// Listens on a free port for connections to this port of the loopback interface.
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let control = Arc::new(Control {
            fault: watch::Sender::new(Fault::None),
            cuts: watch::Sender::new(0),
            half_closes: watch::Sender::new(0),
            cut_every: AtomicU64::new(0),
            left: AtomicU64::new(0),
            done: AtomicU64::new(0),
        });
        let controlled = Arc::clone(&control);
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else {
                    return;
                };
                // Subscribed here, so that a cut from now on ends it.
                let cuts = controlled.cuts.subscribe();
                let half_closes = controlled.half_closes.subscribe();
                let controlled = Arc::clone(&controlled);
                tokio::spawn(pass(client, to, controlled, cuts, half_closes));
            }
        });
        Self {
            port,
            control,
            accepting,
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Does this to all connections from now on.
    pub fn set(&self, fault: Fault) {
        self.control.fault.send_replace(fault);
    }

    /// Cuts every connection that is open. New ones are passed on.
    pub fn cut(&self) {
        self.control.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Closes every connection that is open towards the client, while the server waits for more from it
    /// until the next [cut](Self::cut). New ones are passed on.
    pub fn half_close(&self) {
        self.control.half_closes.send_modify(|closes| *closes += 1);
    }

    /// How many connections [`cut_every`](Self::cut_every) has cut.
    pub fn cuts(&self) -> u64 {
        self.control.done.load(Ordering::SeqCst)
    }

    /// Cuts the connection over which the server sends the last of N bytes, again and again; 0 for
    /// never. Those bytes do not reach the client.
    pub fn cut_every(&self, bytes: u64) {
        self.control.left.store(bytes, Ordering::SeqCst);
        self.control.cut_every.store(bytes, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn pass(
    client: TcpStream,
    to: u16,
    control: Arc<Control>,
    mut cuts: watch::Receiver<u64>,
    mut half_closes: watch::Receiver<u64>,
) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else {
        return;
    };
    _ = (client.set_nodelay(true), server.set_nodelay(true));
    // Keeps the server's side open when the client's is closed.
    let server = server.into_std().unwrap();
    let kept = server.try_clone().unwrap();
    let server = TcpStream::from_std(server).unwrap();
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    let up = copy(from_client, to_server, &control, Direction::Up);
    let down = copy(from_server, to_client, &control, Direction::Down);
    let mut both = Box::pin(async {
        tokio::pin!(up, down);
        let (end, is_up) = tokio::select! {
            end = &mut up => (end, true),
            end = &mut down => (end, false),
        };
        // Half-closed connections stay open in the other direction.
        match end {
            End::Cut => {}
            End::Closed if is_up => _ = down.await,
            End::Closed => _ = up.await,
        }
    });
    tokio::select! {
        () = &mut both => {}
        // Both ends learn of it at once.
        _ = cuts.changed() => {}
        _ = half_closes.changed() => {
            drop(both);
            // Cannot fail: the control owns the sender.
            _ = cuts.changed().await;
        }
    }
    drop(kept);
}

/// How one direction of a connection ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// By one of its ends; the other direction may last.
    Closed,
    /// By the proxy, with both directions.
    Cut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    control: &Control,
    direction: Direction,
) -> End {
    let mut fault = control.fault.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let passes = move |fault: &Fault| match fault {
            Fault::None | Fault::Delay(_) => true,
            Fault::Hold => false,
            Fault::Mute => direction == Direction::Up,
        };
        if fault.wait_for(passes).await.is_err() {
            return End::Cut;
        }
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        // What came in before a fault began is held, too.
        if fault.wait_for(passes).await.is_err() {
            return End::Cut;
        }
        let delay = match *fault.borrow() {
            Fault::Delay(delay) => delay,
            _ => Duration::ZERO,
        };
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if direction == Direction::Down && is_last(control, read as u64) {
            control.done.fetch_add(1, Ordering::SeqCst);
            return End::Cut;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    // The other end may have gone.
    _ = to.shutdown().await;
    End::Closed
}

/// Whether these bytes are the last before a cut.
fn is_last(control: &Control, read: u64) -> bool {
    let every = control.cut_every.load(Ordering::SeqCst);
    if every == 0 {
        return false;
    }
    let counted = control
        .left
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            Some(if left <= read { every } else { left - read })
        });
    counted.is_ok_and(|left| left <= read)
}
