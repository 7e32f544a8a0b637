//! A real Cyrus on a loopback port, with its own configuration, user and mail in a temporary folder.
//!
//! Its packages cannot be installed together with Dovecot's, so they are unpacked beside the system by `.ci/beside`, and
//! its programs are run from there.

use super::{
    dovecot::{Client, Owner, PASSWORD, USER},
    server::{self, PATIENCE, eventually, free_port, output, terminate},
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running server. It ends with this value.
#[derive(Debug)]
pub(crate) struct Cyrus {
    child: Child,
    /// IMAP, plain.
    pub(crate) port: u16,
    _folder: tempfile::TempDir,
}

impl Cyrus {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("cyrus").tempdir().unwrap();
        let (owner, port) = (Owner::find(), free_port());
        for name in ["conf", "spool", "run", "run/proc", "run/lock", "socket"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        write_settings(folder.path(), &owner, port);
        make_user(folder.path());
        owner.own(folder.path());
        let mut command = beside("usr/lib/cyrus/bin/master");
        command.arg("-D").arg("-C").arg(folder.path().join("imapd.conf"));
        command.arg("-M").arg(folder.path().join("cyrus.conf")).arg("-p").arg(folder.path().join("run/pid"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.process_group(0).spawn().unwrap();
        let mut cyrus = Self { child, port, _folder: folder };
        cyrus.wait_until_ready();
        cyrus
    }

    /// A plain connection, signed in.
    pub(crate) fn client(&self) -> Client {
        Client::sign_in(self.port)
    }

    fn wait_until_ready(&mut self) {
        let (child, port) = (&mut self.child, self.port);
        eventually("Cyrus answers", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("Cyrus ended ({status})");
            }
            let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut greeting = String::new();
            BufReader::new(stream).read_line(&mut greeting).ok()?;
            greeting.starts_with("* OK").then_some(())
        });
    }
}

impl Drop for Cyrus {
    fn drop(&mut self) {
        terminate(&mut self.child);
    }
}

/// Where its packages are unpacked.
fn root() -> PathBuf {
    server::unpacked("mailroom-cyrus")
}

fn beside(program: &str) -> Command {
    server::beside(&root(), program)
}

fn write_settings(folder: &Path, owner: &Owner, port: u16) {
    let (programs, here, user) = (root().join("usr/lib/cyrus/bin"), folder.display(), &owner.user);
    let programs = programs.display();
    let imapd = format!(
        "configdirectory: {here}/conf\npartition-default: {here}/spool\ndefaultpartition: default\n\
         proc_path: {here}/run/proc\nmboxname_lockpath: {here}/run/lock\ncyrus_user: {user}\nadmins: admin\n\
         allowplaintext: yes\nsasl_pwcheck_method: auxprop\nsasl_auxprop_plugin: sasldb\n\
         sasl_sasldb_path: {here}/sasldb2\nsasl_mech_list: PLAIN LOGIN\nunixhierarchysep: yes\naltnamespace: yes\n\
         autocreate_quota: 0\nautocreate_users: anyone\nidlesocket: {here}/socket/idle\n\
         lmtpsocket: {here}/socket/lmtp\nnotifysocket: {here}/socket/notify\n"
    );
    std::fs::write(folder.join("imapd.conf"), imapd).unwrap();
    let services = format!(
        "START {{\n  recover cmd=\"{programs}/ctl_cyrusdb -C {here}/imapd.conf -r\"\n}}\n\
         SERVICES {{\n  imap cmd=\"{programs}/imapd -C {here}/imapd.conf -U 30\" listen=\"127.0.0.1:{port}\" prefork=0\n}}\n\
         EVENTS {{\n}}\nDAEMON {{\n  idled cmd=\"{programs}/idled -C {here}/imapd.conf -d\"\n}}\n"
    );
    std::fs::write(folder.join("cyrus.conf"), services).unwrap();
}

/// Writes the user's password, for the name of this machine as the server knows it.
fn make_user(folder: &Path) {
    let mut command = beside("usr/sbin/saslpasswd2");
    command
        .args(["-p", "-c", "-u", &output("hostname", &[])])
        .arg("-f")
        .arg(folder.join("sasldb2"))
        .arg(USER);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "the password is set");
}
