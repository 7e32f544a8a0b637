//! What a reader process may not do, said to the kernel before the first byte of a document is looked at.
//!
//! - resource limits: address space, CPU time, no written bytes, few open files, no core dump;
//! - landlock: of all files only the OCR models can be read;
//! - seccomp: a list of the system calls that decoding needs; all others answer "not permitted", so there is no
//!   network, no other program, no tracing, no opening for writing.
//!
//! Where the kernel lacks one of them the others still stand, and [`Protections`] says so. Other systems than Linux
//! get the time limits of the parent only.

use std::path::Path;

/// What stands, one sentence each.
pub(super) type Protections = Vec<String>;

/// CPU time of one process over its whole life in seconds; each document gets its own limit below that.
#[cfg(target_os = "linux")]
const CPU_SECONDS: u64 = 7200;
/// Open files at a time.
#[cfg(target_os = "linux")]
const OPEN_FILES: u64 = 64;

/// Puts up all protections that this system knows.
#[cfg(target_os = "linux")]
pub(super) fn enter(memory_mb: u64, tessdata: Option<&Path>) -> Protections {
    vec![linux::limit_resources(memory_mb), linux::hide_files(tessdata), linux::filter_calls()]
}

/// Puts up all protections that this system knows.
#[cfg(not(target_os = "linux"))]
pub(super) fn enter(_memory_mb: u64, _tessdata: Option<&Path>) -> Protections {
    vec!["no sandbox on this system: only time limits".to_owned()]
}

/// From now on the process may use so many seconds of CPU; beyond that the system ends it.
#[cfg(target_os = "linux")]
pub(super) fn allow_cpu(seconds: u64) {
    linux::allow_cpu(seconds);
}

/// From now on the process may use so many seconds of CPU; beyond that the system ends it.
#[cfg(not(target_os = "linux"))]
pub(super) fn allow_cpu(_seconds: u64) {}

/// Tries something forbidden; says what came of it. `Ok` means that it was denied.
pub(super) fn probe(what: &str) -> Result<String, String> {
    let verdict = |result: std::io::Result<()>| match result {
        Ok(()) => Err("permitted".to_owned()),
        Err(error) => Ok(format!("denied: {error}")),
    };
    match what {
        "net" => verdict(std::net::UdpSocket::bind("127.0.0.1:0").map(drop)),
        "file" => verdict(std::fs::read("/etc/passwd").map(drop)),
        "write" => verdict(std::fs::write("/tmp/mailroom-probe", b"x")),
        "exec" => verdict(std::process::Command::new("/bin/true").status().map(drop)),
        "read" => verdict(std::fs::read_dir("/").map(drop)),
        "unix" => verdict(std::os::unix::net::UnixDatagram::unbound().map(drop)),
        "cpu" => {
            // never comes back: the system ends the process
            allow_cpu(0);
            let mut number = 1_u64;
            loop {
                number = std::hint::black_box(number.wrapping_mul(3));
                if number == 0 {
                    return Err("permitted".to_owned());
                }
            }
        }
        "memory" => {
            const FAR_TOO_MUCH_BYTES: usize = 16 << 30;
            verdict(Vec::<u8>::new().try_reserve_exact(FAR_TOO_MUCH_BYTES).map_err(std::io::Error::other))
        }
        other => Err(format!("no probe is called {other}")),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{CPU_SECONDS, OPEN_FILES};
    use landlock::{
        ABI, Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _, RulesetStatus, path_beneath_rules,
    };
    use rustix::{
        process::{Resource, Rlimit, setrlimit},
        time::{ClockId, clock_gettime},
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter,
    };
    use std::{collections::BTreeMap, error::Error, path::Path};

    pub(super) fn limit_resources(memory_mb: u64) -> String {
        let limits = [
            (Resource::As, memory_mb << 20),
            (Resource::Cpu, CPU_SECONDS),
            (Resource::Fsize, 0),
            (Resource::Nofile, OPEN_FILES),
            (Resource::Core, 0),
        ];
        let failed = limits.into_iter().filter(|(resource, limit)| {
            setrlimit(*resource, Rlimit { current: Some(*limit), maximum: Some(*limit) }).is_err()
        });
        match failed.count() {
            0 => {
                format!("resource limits: {memory_mb} MB of memory, {CPU_SECONDS} s of CPU, no files written")
            }
            n => format!("resource limits: {n} of {} could not be set", limits.len()),
        }
    }

    /// The soft limit counts from what has been used so far, rounded up.
    pub(super) fn allow_cpu(seconds: u64) {
        let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec.unsigned_abs();
        let current = used.saturating_add(1).saturating_add(seconds).min(CPU_SECONDS);
        if let Err(error) =
            setrlimit(Resource::Cpu, Rlimit { current: Some(current), maximum: Some(CPU_SECONDS) })
        {
            tracing::debug!(%error, "the CPU limit of the document could not be set");
        }
    }

    pub(super) fn hide_files(tessdata: Option<&Path>) -> String {
        match restrict_files(tessdata) {
            Ok(RulesetStatus::NotEnforced) => "landlock: not offered by this kernel".to_owned(),
            Ok(RulesetStatus::PartiallyEnforced) => {
                "landlock: files hidden, as far as this kernel can".to_owned()
            }
            Ok(RulesetStatus::FullyEnforced) => "landlock: no files but the OCR models".to_owned(),
            Err(error) => format!("landlock: failed ({error})"),
        }
    }

    fn restrict_files(tessdata: Option<&Path>) -> Result<RulesetStatus, Box<dyn Error>> {
        let abi = ABI::V5;
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(abi))?
            .create()?
            .add_rules(path_beneath_rules(tessdata, AccessFs::from_read(abi)))?
            .restrict_self()?;
        Ok(status.ruleset)
    }

    pub(super) fn filter_calls() -> String {
        match build_filter().and_then(|filter| Ok(apply_filter(&filter)?)) {
            Ok(()) => "seccomp: only the system calls of decoding; no network, no programs".to_owned(),
            Err(error) => format!("seccomp: failed ({error})"),
        }
    }

    /// System calls that decoding, OCR, threads and pipes need.
    const ALLOWED: &[libc::c_long] = &[
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_statfs,
        libc::SYS_lseek,
        libc::SYS_fcntl,
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
        libc::SYS_readlinkat,
        libc::SYS_getdents64,
        libc::SYS_ppoll,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_set_robust_list,
        libc::SYS_set_tid_address,
        libc::SYS_rseq,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_getuid,
        libc::SYS_getrandom,
        libc::SYS_getrusage,
        libc::SYS_getcwd,
        libc::SYS_uname,
        libc::SYS_sysinfo,
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_membarrier,
        libc::SYS_tgkill,
    ];

    #[cfg(target_arch = "x86_64")]
    const ALLOWED_HERE: &[libc::c_long] = &[
        libc::SYS_stat,
        libc::SYS_lstat,
        libc::SYS_access,
        libc::SYS_poll,
        libc::SYS_time,
        libc::SYS_readlink,
        libc::SYS_arch_prctl,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    const ALLOWED_HERE: &[libc::c_long] = &[];

    fn build_filter() -> Result<BpfProgram, Box<dyn Error>> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            ALLOWED.iter().chain(ALLOWED_HERE).map(|call| (*call, Vec::new())).collect();
        rules.insert(libc::SYS_openat, vec![reading_only(2)?]);
        rules.insert(libc::SYS_prlimit64, vec![own_cpu_limit()?]);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, vec![reading_only(1)?]);
        let denied = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let filter =
            SeccompFilter::new(rules, denied, SeccompAction::Allow, std::env::consts::ARCH.try_into()?)?;
        Ok(filter.try_into()?)
    }

    /// Of its limits a process may change only the one on its own CPU time.
    fn own_cpu_limit() -> Result<SeccompRule, Box<dyn Error>> {
        let is = |argument, value| {
            SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
        };
        Ok(SeccompRule::new(vec![is(0, 0)?, is(1, u64::from(libc::RLIMIT_CPU))?])?)
    }

    /// The flags of an open call hold nothing that writes or creates.
    fn reading_only(flags_argument: u8) -> Result<SeccompRule, Box<dyn Error>> {
        let writing = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC).unsigned_abs();
        let condition = SeccompCondition::new(
            flags_argument,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(u64::from(writing)),
            0,
        )?;
        Ok(SeccompRule::new(vec![condition])?)
    }
}
