// SPDX-License-Identifier: MIT
//! HTTP-shaped requests and answers, as bench/peers/http.h says.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const IN_BYTES: usize = 4096;
const BODY_BYTES: usize = 1024;
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\n\
Content-Length: 1024\r\nConnection: keep-alive\r\n\r\n";

/// The path of a request's first line.
fn parse_line(line: &[u8]) -> Option<&[u8]> {
  let path = line.strip_prefix(b"GET ").filter(|path| path.first() == Some(&b'/'))?;
  let space = path.iter().position(|byte| *byte == b' ')?;
  (space <= BODY_BYTES / 2 && &path[space..] == b" HTTP/1.1").then(|| &path[..space])
}

/// The path of the request at the start, and its length; nothing if it is not there as a whole.
fn parse(input: &[u8]) -> io::Result<Option<(&[u8], usize)>> {
  let wrong = || io::Error::from(io::ErrorKind::InvalidData);
  let (mut path, mut used) = (None, 0);

  while let Some(end) = input[used..].iter().position(|byte| *byte == b'\n') {
    let line = input[used..used + end].strip_suffix(b"\r").ok_or_else(wrong)?;
    used += end + 1;
    match path {
      None => path = Some(parse_line(line).ok_or_else(wrong)?),
      Some(path) if line.is_empty() => return Ok(Some((path, used))),
      Some(_) if line.contains(&b':') => {}
      Some(_) => return Err(wrong()),
    }
  }
  if input.len() == IN_BYTES {
    return Err(wrong());
  }
  Ok(None)
}

fn append_answer(out: &mut Vec<u8>, path: &[u8]) {
  out.extend_from_slice(HEAD);
  out.extend_from_slice(path);
  out.resize(out.len() + BODY_BYTES - 1 - path.len(), b'.');
  out.push(b'\n');
}

pub async fn serve(mut stream: TcpStream) -> io::Result<()> {
  let mut input = vec![0; IN_BYTES];
  let mut out = Vec::new();
  let mut count = 0;

  loop {
    let got = stream.read(&mut input[count..]).await?;
    if got == 0 {
      return Ok(());
    }
    count += got;
    let mut used = 0;
    while let Some((path, length)) = parse(&input[used..count])? {
      append_answer(&mut out, path);
      used += length;
    }
    input.copy_within(used..count, 0);
    count -= used;
    stream.write_all(&out).await?;
    out.clear();
  }
}
