//! What it takes to run real servers in tests: ports, patience, programs and processes.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// How long a test waits for a state before it gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A port that nobody listened on a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks again and again until the answer comes.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A program in the places where servers are installed, which need not be in the search path.
pub(crate) fn program(name: &str) -> PathBuf {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/sbin", "/opt/homebrew/bin"]
        .iter()
        .map(|folder| PathBuf::from(folder).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is not installed: run `make test`, which installs what tests need"))
}

/// Where `.ci/beside` unpacked packages.
pub(crate) fn unpacked(name: &str) -> PathBuf {
    let folder = PathBuf::from("/var/tmp").join(name);
    assert!(folder.exists(), "{name} is not there: run `make test`, which unpacks what tests need");
    folder
}

/// A program of unpacked packages, with their libraries.
pub(crate) fn beside(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(folder.join(program));
    let triplet = output("gcc", &["-print-multiarch"]);
    let libraries = ["usr/lib", "lib"].map(|place| folder.join(place).join(&triplet).display().to_string());
    command.env("LD_LIBRARY_PATH", libraries.join(":"));
    command
}

/// What a program prints.
pub(crate) fn output(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Whether the tests run as root: some servers then need other settings.
pub(crate) fn is_root() -> bool {
    output("id", &["-u"]) == "0"
}

/// Asks a process that leads a group to end with all its children.
pub(crate) fn terminate(child: &mut std::process::Child) {
    let _already_gone = Command::new("kill").arg("--").arg(format!("-{}", child.id())).status();
    let _status = child.wait();
}
