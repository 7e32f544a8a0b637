//! A PostgreSQL cluster of our own: started once for the test binary on a free loopback port, with a fresh database
//! for each test, and gone with the process however that ends.

use std::{
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

const START_MAX: Duration = Duration::from_mins(2);

/// Starts a server with data in `$1`; when our end of the pipe closes, stops it and removes the data.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
folder=$1; shift
"$@" >"$folder/log" 2>&1 &
server=$!
read -r _
kill -QUIT $server
wait $server
rm -rf "$folder"
"#;

struct Cluster {
    port: u16,
    bin: PathBuf,
    /// Holds the pipe whose end stops the server.
    _script: Child,
}

/// Address of a fresh, empty database.
pub(crate) fn fresh_database() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let cluster = CLUSTER.get_or_init(start);
    let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let created = Command::new(cluster.bin.join("createdb"))
        .args(["-h", "127.0.0.1", "-U", "postgres", "-p", &cluster.port.to_string(), &name])
        .output()
        .unwrap();
    assert!(created.status.success(), "createdb: {}", String::from_utf8_lossy(&created.stderr));
    format!("postgres://postgres@127.0.0.1:{}/{name}", cluster.port)
}

fn start() -> Cluster {
    let bin = bin_folder();
    let folder = tempfile::Builder::new().prefix("mailroom-postgres-").tempdir().unwrap().keep();
    // PostgreSQL refuses to run as root
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if root {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        run(Command::new("chown").arg("postgres").arg(&folder));
    }
    let unprivileged = |program: &str| {
        let mut line: Vec<PathBuf> = Vec::new();
        if root {
            line.extend(
                ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"].map(PathBuf::from),
            );
        }
        line.push(bin.join(program));
        line
    };
    let data = folder.join("data");
    let initdb = unprivileged("initdb");
    run(Command::new(&initdb[0])
        .args(&initdb[1..])
        .args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--no-sync",
            "--locale=C.UTF-8",
            "-D",
        ])
        .arg(&data)
        .current_dir(&folder));
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let script = Command::new("sh")
        .args(["-c", SCRIPT, "postgres-for-tests"])
        .arg(&folder)
        .args(unprivileged("postgres"))
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""])
        .args(["-c", "fsync=off", "-c", "max_connections=300"])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until_ready(&bin, port, &folder);
    Cluster { port, bin, _script: script }
}

fn bin_folder() -> PathBuf {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.map(|entry| entry.unwrap().path().join("bin")).collect())
        .unwrap_or_default();
    folders.retain(|folder| folder.join("initdb").exists());
    folders.sort();
    folders.pop().expect("PostgreSQL is installed (`make test` does it): /usr/lib/postgresql/*/bin/initdb")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn wait_until_ready(bin: &Path, port: u16, folder: &Path) {
    let begin = Instant::now();
    let ready = || {
        Command::new(bin.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
            .status()
            .unwrap()
            .success()
    };
    while !ready() {
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(begin.elapsed() < START_MAX, "PostgreSQL did not start: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}
