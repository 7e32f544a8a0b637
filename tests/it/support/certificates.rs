//! Certificate authorities of our own, made by the `openssl` program, as a site with its own mail server makes them.

use super::server::output;
use std::path::{Path, PathBuf};

/// A certificate and its authority.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// The authority, to be trusted.
    pub(crate) ca: PathBuf,
    /// The server's certificate.
    pub(crate) cert: PathBuf,
    /// The server's key.
    pub(crate) key: PathBuf,
}

/// Makes an authority and a certificate for a host name in a folder.
pub(crate) fn make(folder: &Path, host: &str) -> Certificate {
    let path = |name: &str| folder.join(name);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (ca, ca_key, cert, key, request, extensions) = (
        path("ca.pem"),
        path("ca.key"),
        path("cert.pem"),
        path("cert.key"),
        path("cert.csr"),
        path("cert.ext"),
    );
    let authority_name = format!("/CN=Authority of {}", folder.file_name().unwrap().to_str().unwrap());
    let new_key = ["-newkey", "rsa:2048", "-nodes"];
    let authority =
        ["-subj", &authority_name, "-keyout", &text(&ca_key), "-out", &text(&ca)].map(str::to_owned);
    let mut arguments = vec!["req", "-x509", "-days", "30"];
    arguments.extend(new_key);
    arguments.extend(authority.iter().map(String::as_str));
    output("openssl", &arguments);
    let subject = format!("/CN={host}");
    let mut arguments = vec!["req", "-subj", &subject];
    arguments.extend(new_key);
    let files = ["-keyout", &text(&key), "-out", &text(&request)].map(str::to_owned);
    arguments.extend(files.iter().map(String::as_str));
    output("openssl", &arguments);
    std::fs::write(&extensions, format!("subjectAltName=DNS:{host}\n")).unwrap();
    let files = [text(&request), text(&ca), text(&ca_key), text(&cert), text(&extensions)];
    output(
        "openssl",
        &[
            "x509",
            "-req",
            "-days",
            "30",
            "-in",
            &files[0],
            "-CA",
            &files[1],
            "-CAkey",
            &files[2],
            "-CAcreateserial",
            "-out",
            &files[3],
            "-extfile",
            &files[4],
        ],
    );
    Certificate { ca, cert, key }
}
