//! Standard input as the content of a field, or as the prompt.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, Seek};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::failure::Failure;
use crate::{file, print};

/// How long nothing may arrive on a stdin that no argument names before a line says what is awaited.
const NOTE_AFTER: Duration = Duration::from_secs(2);

/// After how long without a byte it is given up. A job's stdin can be a pipe that is never written to
/// and never closed, so there is a limit; a command that computes a prompt is faster than this.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// Standard input, which can be read once.
pub(crate) struct Stdin {
    /// What read it.
    reader: Option<String>,
}

/// What stdin is to a command that was not asked to read it.
pub(crate) enum Offer {
    /// A terminal, a device such as `/dev/null`, closed, or read already.
    Nothing,
    /// A file that another command has read in part, as a shell's `while read` does.
    InUse,
    /// A pipe, a socket, or a file that nobody has begun to read.
    Data(File),
}

impl Stdin {
    pub(crate) fn new() -> Self {
        Self { reader: None }
    }

    /// Stdin that `reader` reads in its own way.
    pub(crate) fn of(reader: &str) -> Self {
        let reader = Some(reader.to_owned());
        Self { reader }
    }

    fn is_used(&self) -> bool {
        self.reader.is_some()
    }

    /// Reads it to its end for `reader`, at most `max` bytes; waits as long as it takes.
    pub(crate) fn read(&mut self, reader: &str, max: usize) -> Result<Vec<u8>, Failure> {
        if let Some(first) = &self.reader {
            return Err(Failure::usage(format!(
                "{reader}: stdin can be read once, and {first} reads it"
            )));
        }
        self.reader = Some(reader.to_owned());
        let stdin = io::stdin();
        if stdin.is_terminal() {
            print::stderr(format_args!(
                "reading {reader} from the terminal; end it with Ctrl-D"
            ));
        }
        file::read(stdin, max)
            .map_err(|e| Failure::usage(format!("{reader}: stdin cannot be read")).caused_by(&e))
    }

    /// What stdin offers as the prompt, if no argument names it.
    pub(crate) fn offer(&self) -> Offer {
        if self.is_used() || io::stdin().is_terminal() {
            return Offer::Nothing;
        }
        offer(duplicate())
    }

    /// Reads what was offered to its end. Nothing is `None`: a job's stdin may be closed, or empty.
    ///
    /// # Errors
    ///
    /// It cannot be read, or nothing arrives for a minute.
    pub(crate) fn accept(&mut self, offered: File) -> Result<Option<Vec<u8>>, Failure> {
        self.reader = Some("the prompt".to_owned());
        let bytes = read_unless_silent(offered, file::MAX_SIZE, NOTE_AFTER, GIVE_UP_AFTER)
            .map_err(|e| refused(&e))?;
        Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

fn refused(error: &io::Error) -> Failure {
    if error.kind() == ErrorKind::TimedOut {
        return Failure::usage(format!(
            "no prompt: stdin is open, and nothing arrived on it for {} s",
            GIVE_UP_AFTER.as_secs()
        ))
        .with_advice("give the prompt as an argument")
        .with_advice("to wait for stdin without a limit: prompt=-")
        .with_advice("to leave stdin alone: </dev/null");
    }
    Failure::usage("prompt: stdin cannot be read").caused_by(error)
}

#[cfg(unix)]
fn duplicate() -> io::Result<File> {
    use std::os::fd::AsFd;

    let stdin = io::stdin();
    Ok(stdin.as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn duplicate() -> io::Result<File> {
    use std::os::windows::io::AsHandle;

    let stdin = io::stdin();
    Ok(stdin.as_handle().try_clone_to_owned()?.into())
}

fn offer(stdin: io::Result<File>) -> Offer {
    let Ok(mut stdin) = stdin else {
        return Offer::Nothing;
    };
    match stdin.metadata() {
        Ok(metadata) if metadata.is_file() => match stdin.stream_position() {
            Ok(0) => Offer::Data(stdin),
            _ => Offer::InUse,
        },
        Ok(metadata) if is_stream(&metadata) => Offer::Data(stdin),
        Ok(_) => Offer::Nothing,
        // On Windows a pipe has no metadata.
        Err(_) if cfg!(windows) => Offer::Data(stdin),
        Err(_) => Offer::Nothing,
    }
}

#[cfg(unix)]
fn is_stream(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;

    let kind = metadata.file_type();
    kind.is_fifo() || kind.is_socket()
}

#[cfg(windows)]
fn is_stream(_: &std::fs::Metadata) -> bool {
    false
}

/// Reads `source` to its end, at most `max` bytes. After a silence of `note_after` a line on stderr
/// says what is awaited.
///
/// # Errors
///
/// `TimedOut` after a silence of `give_up_after`; a thread keeps reading until the process ends.
fn read_unless_silent(
    source: impl Read + Send + 'static,
    max: usize,
    note_after: Duration,
    give_up_after: Duration,
) -> io::Result<Vec<u8>> {
    let (send, chunks) = mpsc::channel();
    thread::Builder::new()
        .name("paperboat-stdin".to_owned())
        .spawn(move || read_chunks(source, &send))?;
    let mut bytes = Vec::new();
    let mut is_noted = false;
    loop {
        let chunk = match chunks.recv_timeout(note_after.min(give_up_after)) {
            Err(RecvTimeoutError::Timeout) => {
                if !is_noted {
                    is_noted = true;
                    print::question("waiting for the prompt on stdin");
                }
                chunks.recv_timeout(give_up_after.saturating_sub(note_after))
            }
            received => received,
        };
        match chunk {
            Ok(chunk) => bytes.extend(chunk?),
            Err(RecvTimeoutError::Disconnected) => return Ok(bytes),
            Err(RecvTimeoutError::Timeout) => return Err(ErrorKind::TimedOut.into()),
        }
        if bytes.len() > max {
            return Err(file::too_large(max));
        }
    }
}

fn read_chunks(mut source: impl Read, chunks: &mpsc::Sender<io::Result<Vec<u8>>>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let chunk = match source.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => Ok(buffer[..length].to_vec()),
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => Err(e),
        };
        let is_last = chunk.is_err();
        if chunks.send(chunk).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const NEVER: Duration = Duration::from_secs(3600);

    fn read(source: impl Read + Send + 'static, max: usize) -> io::Result<Vec<u8>> {
        read_unless_silent(source, max, NEVER, NEVER)
    }

    #[test]
    fn all_of_it_is_read_up_to_the_limit() {
        assert_eq!(read(&b"a red fox"[..], 9).unwrap(), b"a red fox");
        assert_eq!(read(io::empty(), 9).unwrap(), b"");
        let long = vec![b'x'; 200 << 10];
        let refused = read(io::Cursor::new(long.clone()), long.len() - 1).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::FileTooLarge);
        assert_eq!(
            read(io::Cursor::new(long.clone()), long.len()).unwrap(),
            long
        );
        let endless = read(io::repeat(b'x'), 1 << 20).unwrap_err();
        assert_eq!(endless.kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_pipe_that_stays_open_and_silent_is_given_up() {
        let (pipe, mut writer) = io::pipe().unwrap();
        writer.write_all(b"a").unwrap();
        let short = Duration::from_millis(1);
        let silent = read_unless_silent(pipe, 9, short, short).unwrap_err();
        assert_eq!(silent.kind(), ErrorKind::TimedOut);
        let refused = refused(&silent).to_string();
        assert!(
            refused.contains("nothing arrived on it for 60 s"),
            "{refused}"
        );
    }

    #[test]
    fn an_error_of_the_source_is_passed_on() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(ErrorKind::ConnectionReset.into())
            }
        }
        let error = read(Broken, 9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }

    #[test]
    fn stdin_is_not_read_twice() {
        let mut stdin = Stdin::new();
        stdin.reader = Some("prompt".to_owned());
        let refused = stdin.read("image", 9).unwrap_err().to_string();
        assert_eq!(
            refused,
            "image: stdin can be read once, and prompt reads it"
        );
        assert!(matches!(stdin.offer(), Offer::Nothing));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_and_an_unread_file_are_offered_and_no_device_is() {
        use std::io::SeekFrom;
        use std::os::fd::OwnedFd;

        let (pipe, _writer) = io::pipe().unwrap();
        let pipe = File::from(OwnedFd::from(pipe));
        assert!(matches!(offer(Ok(pipe)), Offer::Data(_)));
        let (socket, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
        let socket = File::from(OwnedFd::from(socket));
        assert!(matches!(offer(Ok(socket)), Offer::Data(_)));
        let null = File::open("/dev/null").unwrap();
        assert!(matches!(offer(Ok(null)), Offer::Nothing));
        let folder = File::open("/").unwrap();
        assert!(matches!(offer(Ok(folder)), Offer::Nothing));
        let closed = Err(ErrorKind::Other.into());
        assert!(matches!(offer(closed), Offer::Nothing));
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"a red fox").unwrap();
        assert!(matches!(offer(file.try_clone()), Offer::InUse));
        file.seek(SeekFrom::Start(0)).unwrap();
        assert!(matches!(offer(Ok(file)), Offer::Data(_)));
    }
}
