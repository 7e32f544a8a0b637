//! A line between a program and a server that can be cut after so many bytes from the server.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    thread,
};

/// The line. It ends with the test.
#[derive(Debug)]
pub(crate) struct Line {
    /// Where to connect.
    pub(crate) port: u16,
    left: Arc<AtomicI64>,
}

impl Line {
    /// Lays a line to a port.
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let shared = Arc::clone(&left);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server))) else {
                    return;
                };
                let up = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || {
                    std::io::copy(&mut &up.0, &mut &up.1).and_then(|_| up.1.shutdown(Shutdown::Both))
                });
                let left = Arc::clone(&shared);
                thread::spawn(move || carry(server, client, &left));
            }
        });
        Self { port, left }
    }

    /// Cuts the line after so many more bytes from the server.
    pub(crate) fn cut_after(&self, bytes: i64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    /// Mends it.
    pub(crate) fn mend(&self) {
        self.left.store(i64::MAX, Ordering::SeqCst);
    }
}

fn carry(mut server: TcpStream, mut client: TcpStream, left: &AtomicI64) {
    let mut buffer = [0_u8; 4096];
    while let Ok(count) = server.read(&mut buffer) {
        let before = left.fetch_sub(count as i64, Ordering::SeqCst);
        let allowed = before.clamp(0, count as i64) as usize;
        if count == 0 || client.write_all(&buffer[..allowed]).is_err() || allowed < count {
            break;
        }
    }
    let _already_closed = client.shutdown(Shutdown::Both);
    let _already_closed = server.shutdown(Shutdown::Both);
}
