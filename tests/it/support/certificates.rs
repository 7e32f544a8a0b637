//! Certificate authorities of our own, made by the `openssl` program, as a site with its own mail server makes them.

use super::server::output;
use std::path::{Path, PathBuf};

/// Makes `cert.pem` and `cert.key` for a host name in a folder, and returns the authority that signed them.
pub(crate) fn make(folder: &Path, host: &str) -> PathBuf {
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
    ca
}
