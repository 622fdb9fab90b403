// SPDX-License-Identifier: MIT
//! An echo server on Tokio.
//!
//!     echo_tokio [--workers N] [--buffer task|thread] [--http] PORT
//!
//! No workers: the current-thread flavour, otherwise the multi-thread one with
//! so many. `task` is how everybody writes it: each connection's task has a
//! buffer of 16 KiB. `thread` polls by hand and reads into a buffer that all
//! tasks of a thread share, which spares the memory.

mod http;

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{signal, SignalKind};

const TASK_BUFFER_BYTES: usize = 16 * 1024;
const THREAD_BUFFER_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, PartialEq)]
enum Buffer {
  Task,
  Thread,
  Http, // of each task: what has come of a request
}

struct Options {
  workers: usize,
  buffer: Buffer,
  port: u16,
}

async fn echo_with_own_buffer(mut stream: TcpStream) -> io::Result<()> {
  let mut buffer = vec![0; TASK_BUFFER_BYTES];

  loop {
    let got = stream.read(&mut buffer).await?;
    if got == 0 {
      return Ok(());
    }
    stream.write_all(&buffer[..got]).await?;
  }
}

enum Step {
  Echoed,
  Ended,
  Rest(Vec<u8>), // what the socket did not take
}

/// One read into the thread's buffer and one write from there, in one poll.
struct EchoOnce<'a>(&'a mut TcpStream);

impl EchoOnce<'_> {
  fn poll_with(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<Step>> {
    let mut into = ReadBuf::new(buffer);

    match Pin::new(&mut *self.0).poll_read(context, &mut into) {
      Poll::Ready(Ok(())) => {}
      Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
      Poll::Pending => return Poll::Pending,
    }
    let filled = into.filled();
    if filled.is_empty() {
      return Poll::Ready(Ok(Step::Ended));
    }
    let sent = match self.0.try_write(filled) {
      Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
      result => result?,
    };
    if sent < filled.len() {
      return Poll::Ready(Ok(Step::Rest(filled[sent..].to_vec())));
    }
    Poll::Ready(Ok(Step::Echoed))
  }
}

impl Future for EchoOnce<'_> {
  type Output = io::Result<Step>;

  fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
    BUFFER.with(|buffer| self.poll_with(context, &mut buffer.borrow_mut()))
  }
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; THREAD_BUFFER_BYTES]);
}

async fn echo_with_shared_buffer(mut stream: TcpStream) -> io::Result<()> {
  loop {
    match EchoOnce(&mut stream).await? {
      Step::Echoed => {}
      Step::Ended => return Ok(()),
      Step::Rest(rest) => stream.write_all(&rest).await?,
    }
  }
}

async fn accept_all(listener: TcpListener, buffer: Buffer) -> io::Result<()> {
  loop {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    // A client that goes away with an error is no concern of the others.
    match buffer {
      Buffer::Task => tokio::spawn(async move { echo_with_own_buffer(stream).await.ok() }),
      Buffer::Thread => tokio::spawn(async move { echo_with_shared_buffer(stream).await.ok() }),
      Buffer::Http => tokio::spawn(async move { http::serve(stream).await.ok() }),
    };
  }
}

async fn serve(options: Options) -> io::Result<()> {
  let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
  let mut terminated = signal(SignalKind::terminate())?;
  let mut interrupted = signal(SignalKind::interrupt())?;

  println!("listening {}", listener.local_addr()?.port());
  let acceptor = tokio::spawn(accept_all(listener, options.buffer));
  tokio::select! {
      ended = acceptor => ended?,
      _ = terminated.recv() => Ok(()),
      _ = interrupted.recv() => Ok(()),
  }
}

fn raise_file_limit() {
  let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };

  unsafe {
    if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
      limit.rlim_cur = limit.rlim_max;
      libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
  }
}

fn parse_options() -> Option<Options> {
  let mut options = Options { workers: 0, buffer: Buffer::Task, port: 0 };
  let mut arguments = std::env::args().skip(1);

  loop {
    let argument = arguments.next()?;
    match argument.as_str() {
      "--workers" => options.workers = arguments.next()?.parse().ok()?,
      "--buffer" => match arguments.next()?.as_str() {
        "task" => options.buffer = Buffer::Task,
        "thread" => options.buffer = Buffer::Thread,
        _ => return None,
      },
      "--http" => options.buffer = Buffer::Http,
      port => {
        options.port = port.parse().ok()?;
        return if arguments.next().is_none() { Some(options) } else { None };
      }
    }
  }
}

fn main() -> io::Result<()> {
  let options = parse_options().unwrap_or_else(|| {
    eprintln!("usage: echo_tokio [--workers N] [--buffer task|thread] [--http] PORT");
    std::process::exit(2);
  });
  let runtime = if options.workers == 0 {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?
  } else {
    tokio::runtime::Builder::new_multi_thread()
      .worker_threads(options.workers)
      .enable_all()
      .build()?
  };

  raise_file_limit();
  let result = runtime.block_on(serve(options));
  runtime.shutdown_background();
  result
}
