//! The reader processes as the program sees them: started when needed, one request at a time each, replaced when
//! they are worn out, killed when they are too slow.
//!
//! Invariants: whatever a process does, only the document that it works on is lost. After [`TURN_PAGES`] pages a
//! document goes to the end of the queue, so that small documents do not wait behind large ones. Nobody listens to its
//! process until it is its turn again: when the pipe is full it waits, too.

use super::{
    Config, Limits, Options, ReadError,
    protocol::{Hello, Part, Request, Task, VERSION, receive_frame, send_frame},
    watch::Watch,
};
use crate::model::page::{EmbeddedFile, Pages};
use std::{
    io,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// Pages after which the next in the queue may go first.
const TURN_PAGES: usize = 4;
/// How much of a process's last words is kept.
const LAST_WORDS_BYTES: usize = 2048;
/// How long to wait for the exit status of a process whose pipe has closed, before it is killed.
const EXIT_WAIT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Pool {
    config: Config,
    idle: Mutex<Vec<Process>>,
    /// First come, first served.
    slots: Semaphore,
    processes: usize,
}

#[derive(Debug)]
struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    last_words: Arc<Mutex<Vec<u8>>>,
    protections: Vec<String>,
    documents: u32,
    pages: u32,
}

/// What came back for one request.
#[derive(Default)]
struct Answer {
    pages: Pages,
    picture: Option<Vec<u8>>,
}

/// How an exchange ended badly.
enum Broken {
    Pipe(io::Error),
    Failed(String),
    Slow(String),
    TooMuch(u64),
}

impl Pool {
    pub(super) fn new(config: Config) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let processes = if config.processes == 0 { cores() } else { config.processes };
        Self { idle: Mutex::default(), slots: Semaphore::new(processes), processes, config }
    }

    pub(super) fn processes(&self) -> usize {
        self.processes
    }

    pub(super) async fn read(&self, bytes: &[u8], options: &Options) -> Result<Pages, ReadError> {
        Ok(self.ask(Task::Read(options.clone()), bytes).await?.pages)
    }

    pub(super) async fn picture(
        &self,
        bytes: &[u8],
        page: u32,
        width_px: u32,
        passwords: &[String],
    ) -> Result<Vec<u8>, ReadError> {
        let task = Task::Picture { page, width_px, passwords: passwords.to_vec() };
        let answer = self.ask(task, bytes).await?;
        match (answer.picture, answer.pages.findings.into_iter().next()) {
            (Some(png), _) => Ok(png),
            (None, Some(finding)) => Err(ReadError::Unreadable { finding }),
            (None, None) => Err(ReadError::Crashed { how: "it answered nothing".to_owned() }),
        }
    }

    pub(super) async fn protections(&self) -> Result<Vec<String>, ReadError> {
        let _slot = acquire(&self.slots).await;
        let process = self.take().await?;
        let protections = process.protections.clone();
        self.give_back(process);
        Ok(protections)
    }

    async fn ask(&self, task: Task, bytes: &[u8]) -> Result<Answer, ReadError> {
        let limit = self.config.limits.bytes;
        if bytes.len() as u64 > limit {
            return Err(ReadError::Limit { limit, actual: bytes.len() as u64 });
        }
        let mut slot = Some(acquire(&self.slots).await);
        let mut process = self.take().await?;
        let request = Request { task, limits: self.config.limits.clone() };
        match self.exchange(&mut process, &request, bytes, &mut slot).await {
            Ok(answer) => {
                process.documents += 1;
                process.pages += u32::try_from(answer.pages.pages.len()).unwrap_or(u32::MAX);
                self.give_back(process);
                Ok(answer)
            }
            Err(broken) => Err(process.bury(broken).await),
        }
    }

    async fn take(&self) -> Result<Process, ReadError> {
        let waiting = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match waiting {
            Some(process) => Ok(process),
            None => Process::start(&self.config).await.map_err(ReadError::Start),
        }
    }

    fn give_back(&self, process: Process) {
        let worn_out = process.documents >= self.config.recycle_after_documents
            || process.pages >= self.config.recycle_after_pages;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !worn_out && idle.len() < self.processes {
            idle.push(process);
        }
    }

    /// Lets those go first who wait, if any.
    async fn take_turns<'a>(&'a self, slot: &mut Option<SemaphorePermit<'a>>) {
        *slot = None;
        *slot = Some(acquire(&self.slots).await);
    }

    /// Sends a request and collects the answer. Time counts only while it is the document's turn.
    async fn exchange<'a>(
        &'a self,
        process: &mut Process,
        request: &Request,
        bytes: &[u8],
        slot: &mut Option<SemaphorePermit<'a>>,
    ) -> Result<Answer, Broken> {
        let limits = &request.limits;
        let mut watch = Watch::new(process.child.id(), limits);
        let sending = send_frame(&mut process.stdin, request, bytes);
        watch.wait(sending).await.map_err(Broken::Slow)?.map_err(Broken::Pipe)?;
        let mut answer = Answer::default();
        let mut received_bytes = 0;
        loop {
            let next = receive_frame::<Part>(&mut process.stdout);
            let (part, body, size) = watch.wait(next).await.map_err(Broken::Slow)?.map_err(Broken::Pipe)?;
            received_bytes += size;
            if received_bytes > limits.output_bytes.saturating_mul(2) {
                return Err(Broken::TooMuch(received_bytes));
            }
            match part {
                Part::Page(page) => {
                    answer.pages.pages.push(page);
                    if answer.pages.pages.len().is_multiple_of(TURN_PAGES) {
                        self.take_turns(slot).await;
                    }
                }
                Part::Embedded { name } => answer.pages.embedded.push(EmbeddedFile { name, bytes: body }),
                Part::Structured => {
                    answer.pages.structured.push(String::from_utf8_lossy(&body).into_owned());
                }
                Part::Finding(finding) => answer.pages.findings.push(finding),
                Part::Picture => answer.picture = Some(body),
                Part::Failed { how } => return Err(Broken::Failed(how)),
                Part::Done { format } => {
                    answer.pages.format = format;
                    return Ok(answer);
                }
            }
        }
    }
}

async fn acquire(slots: &Semaphore) -> SemaphorePermit<'_> {
    slots.acquire().await.expect("the pool never closes its semaphores")
}

impl Process {
    async fn start(config: &Config) -> io::Result<Self> {
        let program = match &config.program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?,
        };
        let mut command = Command::new(program);
        command.arg("reader").arg("--memory-mb").arg(config.memory_mb.to_string());
        if let Some(folder) = &config.tessdata {
            command.arg("--tessdata").arg(folder);
        }
        if config.fast_ocr {
            command.arg("--fast-ocr");
        }
        command
            .env_clear()
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let missing = || io::Error::other("the process has no pipes");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let last_words = keep_last_words(child.stderr.take().ok_or_else(missing)?);
        let hello = receive_frame::<Hello>(&mut stdout);
        // to start takes no document's time
        let mut watch = Watch::new(child.id(), &Limits::default());
        let (hello, _, _) = watch.wait(hello).await.map_err(io::Error::other)??;
        if hello.version != VERSION {
            return Err(io::Error::other(format!("reader speaks version {}, not {VERSION}", hello.version)));
        }
        Ok(Self { child, stdin, stdout, last_words, protections: hello.protections, documents: 0, pages: 0 })
    }

    /// Ends the process and says why its document is lost.
    async fn bury(mut self, broken: Broken) -> ReadError {
        let status = match &broken {
            Broken::Pipe(_) => timeout(EXIT_WAIT, self.child.wait()).await.ok().and_then(Result::ok),
            Broken::Failed(_) | Broken::Slow(_) | Broken::TooMuch(_) => None,
        };
        if let Err(error) = self.child.kill().await {
            tracing::debug!(%error, "reader process was gone already");
        }
        let last_words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let last_words = for_people(&String::from_utf8_lossy(&last_words));
        match broken {
            Broken::Slow(cause) => ReadError::Killed { cause },
            Broken::TooMuch(bytes) => ReadError::Killed { cause: format!("it answered with {bytes} bytes") },
            Broken::Failed(how) => ReadError::Crashed { how },
            Broken::Pipe(_) if status.is_some_and(is_out_of_time) => {
                ReadError::Killed { cause: "the document took too much processor time".to_owned() }
            }
            Broken::Pipe(error) => {
                let how = status.map_or_else(|| error.to_string(), describe_exit);
                let how = if last_words.is_empty() { how } else { format!("{how}: {last_words}") };
                ReadError::Crashed { how }
            }
        }
    }
}

/// Whether the system ended it for its own limit on processor time.
#[cfg(unix)]
fn is_out_of_time(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    const SIGXCPU: i32 = 24;
    status.signal() == Some(SIGXCPU)
}

#[cfg(not(unix))]
fn is_out_of_time(_status: ExitStatus) -> bool {
    false
}

#[cfg(unix)]
fn describe_exit(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status.signal() {
        Some(6) => "aborted (out of memory, or a defect)".to_owned(),
        Some(9) => "killed by the system".to_owned(),
        Some(11) => "segmentation fault".to_owned(),
        Some(signal) => format!("signal {signal}"),
        None => status.to_string(),
    }
}

#[cfg(not(unix))]
fn describe_exit(status: ExitStatus) -> String {
    status.to_string()
}

/// What a process said last, without the hints that its language gives to whoever writes programs.
fn for_people(words: &str) -> String {
    let lines = words.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("note: "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Drains a process's standard error and keeps the end of it.
fn keep_last_words(mut stderr: ChildStderr) -> Arc<Mutex<Vec<u8>>> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&kept);
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
            let mut words = into.lock().unwrap_or_else(PoisonError::into_inner);
            words.extend(buffer.iter().take(count));
            let excess = words.len().saturating_sub(LAST_WORDS_BYTES);
            words.drain(..excess);
        }
    });
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_for_people() {
        let words = "memory allocation of 536870912 bytes failed\n\
                     note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        assert_eq!(for_people(words), "memory allocation of 536870912 bytes failed");
        assert_eq!(for_people(" \n"), "");
    }
}
