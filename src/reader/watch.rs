//! How long a reader process may go on with a document.
//!
//! What counts is processor time, so that a busy machine costs nobody a document: a process that only waits for a
//! processor is let wait. One that uses no processor at all hangs. Where the system does not tell the processor time
//! of another process, wall time counts in its place.

use super::Limits;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How often a process is looked after that does not answer.
const TICK: Duration = Duration::from_millis(200);
/// On the most crowded machine a process gets at least this share of one processor: a limit on processor time is also
/// one on so many times the wall time.
const CROWD: u32 = 20;

/// What one process has left for one document.
pub(super) struct Watch {
    /// The process, by its number; none once it is gone.
    process: Option<u32>,
    idle_max: Duration,
    page: Timer,
    document: Timer,
    /// Processor time when it was last seen at work, and when that was.
    seen: Duration,
    seen_at: Instant,
}

/// Time for something that may take so much of it.
struct Timer {
    what: &'static str,
    most: Duration,
    used: Duration,
    wall: Duration,
}

impl Timer {
    fn new(what: &'static str, seconds: u64) -> Self {
        Self { what, most: Duration::from_secs(seconds), used: Duration::ZERO, wall: Duration::ZERO }
    }

    fn add(&mut self, used: Duration, wall: Duration) -> Result<(), String> {
        self.used += used;
        self.wall += wall;
        let Self { what, most, .. } = self;
        if self.used > *most {
            return Err(format!("{what} took more than {} s of processor time", most.as_secs()));
        }
        let patience = most.saturating_mul(CROWD);
        if self.wall > patience {
            return Err(format!("{what} took more than {} s", patience.as_secs()));
        }
        Ok(())
    }
}

impl Watch {
    /// Watches a process from now on.
    pub(super) fn new(process: Option<u32>, limits: &Limits) -> Self {
        Self {
            process,
            idle_max: Duration::from_secs(limits.idle_seconds),
            page: Timer::new("a page", limits.page_seconds),
            document: Timer::new("the document", limits.document_seconds),
            seen: process.and_then(processor_time).unwrap_or_default(),
            seen_at: Instant::now(),
        }
    }

    /// Waits for one step of the exchange, at most as long as a page may take and as the document has left; otherwise
    /// says what took too long. Time between steps does not count.
    pub(super) async fn wait<T>(&mut self, step: impl Future<Output = T>) -> Result<T, String> {
        tokio::pin!(step);
        self.page = Timer { used: Duration::ZERO, wall: Duration::ZERO, ..self.page };
        self.seen_at = Instant::now();
        loop {
            let start = Instant::now();
            let done = timeout(TICK, step.as_mut()).await;
            self.look(start.elapsed())?;
            if let Ok(done) = done {
                return Ok(done);
            }
        }
    }

    fn look(&mut self, wall: Duration) -> Result<(), String> {
        let used = match self.process.and_then(processor_time) {
            Some(now) => {
                let used = now.saturating_sub(self.seen);
                if !used.is_zero() {
                    (self.seen, self.seen_at) = (now, Instant::now());
                }
                if self.seen_at.elapsed() > self.idle_max {
                    return Err(format!("it did nothing for {} s", self.idle_max.as_secs()));
                }
                used
            }
            None => wall,
        };
        self.page.add(used, wall)?;
        self.document.add(used, wall)
    }
}

/// Processor time that a process has used so far, all its threads together (proc(5), `/proc/PID/stat`).
#[cfg(target_os = "linux")]
fn processor_time(process: u32) -> Option<Duration> {
    /// Fields behind the name of the program, which may hold anything.
    const USER: usize = 11;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(USER).take(2);
    let ticks: u64 = ticks.map(|field| field.parse::<u64>().unwrap_or_default()).sum();
    let a_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_millis(ticks.saturating_mul(1000) / a_second.max(1)))
}

/// Other systems do not tell it in a way that needs no unsafe code.
#[cfg(not(target_os = "linux"))]
fn processor_time(_process: u32) -> Option<Duration> {
    None
}
