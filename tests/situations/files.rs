//! Files, pipes and devices as byte streams, and what goes wrong with them.
#![cfg(unix)]

use std::cell::Cell;
use std::ffi::CString;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::task::Poll;
use std::thread;

use futures_lite::future::{self, block_on};
use zigflow::{ByteStream, OpenError, StreamError};
use zigflow_tests::task::{Task, until};
use zigflow_tests::{self as zig, child};

/// An empty folder for one test.
fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("files").join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn open(path: impl AsRef<Path>, chunk_bytes: u64) -> Result<ByteStream, OpenError> {
    zig::file(path.as_ref().to_str().unwrap(), chunk_bytes)
}

fn open_error(path: impl AsRef<Path>, chunk_bytes: u64) -> &'static str {
    match open(path, chunk_bytes) {
        Err(OpenError::Zig(error)) => error.name(),
        other => panic!("{other:?}"),
    }
}

async fn read_all(stream: &mut ByteStream) -> Result<Vec<u8>, StreamError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next_chunk().await? {
        bytes.extend_from_slice(chunk);
    }
    Ok(bytes)
}

fn contents(path: impl AsRef<Path>, chunk_bytes: u64) -> Vec<u8> {
    block_on(read_all(&mut open(path, chunk_bytes).unwrap())).unwrap()
}

/// Bytes that repeat late, so that a chunk in a wrong place shows.
fn bytes(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn make_fifo(path: &Path) {
    let name = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: a string with its NUL.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

/// The write end, which opens at once because there is a reader.
fn open_writer(path: &Path) -> File {
    OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap()
}

// -- what does not open --

#[test]
fn a_missing_file() {
    let folder = folder("missing");
    assert_eq!(open_error(folder.join("none"), 10), "FileNotFound");
    assert_eq!(open_error(folder.join("none/below"), 10), "FileNotFound");
    assert_eq!(open_error("", 10), "FileNotFound");
    fs::write(folder.join("file"), "x").unwrap();
    assert_eq!(open_error(folder.join("file/below"), 10), "NotDir");
}

#[test]
fn a_folder() {
    assert_eq!(open_error(folder("a_folder"), 10), "IsDir");
    assert_eq!(open_error("/", 10), "IsDir");
}

#[test]
fn a_link_to_itself() {
    let path = folder("loop").join("loop");
    std::os::unix::fs::symlink(&path, &path).unwrap();
    assert_eq!(open_error(path, 10), "SymLinkLoop");
}

#[test]
fn an_unreadable_file() {
    let path = folder("unreadable").join("secret");
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let opens = move || open_error(path, 10);
    // Root may read everything, so this thread becomes nobody where files are concerned.
    let name = thread::spawn(move || {
        #[cfg(target_os = "linux")]
        // SAFETY: changes the identity of this one thread, which ends soon.
        if unsafe { libc::geteuid() } == 0 {
            // SAFETY: as above. The second call reads what the first has set.
            assert_eq!(unsafe { (libc::setfsuid(65534), libc::setfsuid(65534)).1 }, 65534);
        }
        opens()
    });
    assert_eq!(name.join().unwrap(), "AccessDenied");
}

#[test]
fn a_path_that_is_none() {
    assert_eq!(open_error("/dev/null\0", 10), "BadPathName");
    assert_eq!(open_error("\0", 10), "BadPathName");
    assert_eq!(open_error(format!("/{}", "x".repeat(300)), 10), "NameTooLong");
    for len in [4095, 4096, 5000, 100_000] {
        assert_eq!(open_error("/x".repeat(len / 2 + 1), 10), "NameTooLong", "{len}");
    }
    // As long as a path may be; it names nothing.
    let longest = format!("{}x", "/".repeat(4094));
    assert_eq!(open_error(longest, 10), "FileNotFound");
}

#[test]
fn a_chunk_of_no_or_too_many_bytes() {
    assert_eq!(open_error("/dev/null", 0), "ZeroChunk");
    assert_eq!(open_error("/dev/null", u64::MAX), "OutOfMemory");
    assert_eq!(open_error("/dev/null", 1 << 62), "OutOfMemory");
}

// -- bytes --

#[test]
fn every_size_around_the_chunk_arrives() {
    let path = folder("sizes").join("file");
    for chunk in [1, 7, 64, 4096, 5000] {
        for size in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk - 1, 2 * chunk, 3 * chunk + 1] {
            let written = bytes(size);
            fs::write(&path, &written).unwrap();
            assert!(contents(&path, chunk as u64) == written, "{size} bytes by {chunk}");
        }
    }
}

#[test]
fn a_file_that_exists_arrives_as_std_reads_it() {
    let path = std::env::current_exe().unwrap();
    let expected = fs::read(&path).unwrap();
    assert!(contents(&path, 65_536) == expected);
    assert!(contents(&path, 1 << 30) == expected);
}

#[test]
fn chunks_are_as_large_as_asked() {
    let path = folder("chunks").join("file");
    fs::write(&path, bytes(100)).unwrap();
    let mut stream = open(&path, 33).unwrap();
    let mut sizes = Vec::new();
    while let Some(chunk) = block_on(stream.next_chunk()).unwrap() {
        sizes.push(chunk.len());
    }
    assert_eq!(sizes, [33, 33, 33, 1]);
}

#[test]
fn an_empty_file_is_the_end_at_once() {
    let path = folder("empty").join("file");
    fs::write(&path, "").unwrap();
    assert_eq!(contents(&path, 10), b"");
    assert_eq!(contents("/dev/null", 10), b"");
}

/// Such files say that they have no size, or a page, whatever they hold.
#[cfg(target_os = "linux")]
#[test]
fn files_of_the_kernel_whose_size_is_a_lie() {
    for path in ["/proc/version", "/proc/self/maps", "/sys/devices/system/cpu/online"] {
        let read = contents(path, 13);
        assert!(!read.is_empty(), "{path}");
        if path != "/proc/self/maps" {
            assert_eq!(read, fs::read(path).unwrap(), "{path}");
        }
    }
}

/// Such a file cannot be read without waiting, so the helper thread does it.
#[cfg(target_os = "linux")]
#[test]
fn a_file_system_that_always_waits() {
    let path = "/sys/devices/system/cpu/online";
    let task = Task::new();
    let mut stream = open(path, 1).unwrap();
    let mut read = Vec::new();
    for wakes in 1.. {
        assert!(task.run(|cx| stream.poll_fill(cx)).is_pending());
        task.wait_for(wakes);
        let Poll::Ready(chunk) = task.run(|cx| stream.poll_fill(cx).map_ok(<[u8]>::to_vec)) else {
            panic!("woken for nothing")
        };
        let chunk = chunk.unwrap();
        if chunk.is_empty() {
            break;
        }
        stream.consume(chunk.len());
        read.extend(chunk);
    }
    assert_eq!(read, fs::read(path).unwrap());
    assert_eq!(task.wakes(), read.len() + 1);
    // The helper thread may be inside of its last wake still.
    until(|| task.wakers() == 0);
}

#[test]
fn a_device_without_an_end() {
    let mut stream = open("/dev/zero", 1000).unwrap();
    for _ in 0..300 {
        assert_eq!(block_on(stream.next_chunk()).unwrap(), Some(&[0; 1000][..]));
    }
}

// -- files that change --

#[test]
fn a_file_that_is_truncated_while_it_is_read() {
    let path = folder("truncated").join("file");
    for left in [0, 5, 10, 15] {
        fs::write(&path, bytes(100)).unwrap();
        let mut stream = open(&path, 10).unwrap();
        assert_eq!(block_on(stream.next_chunk()).unwrap(), Some(&bytes(10)[..]));
        OpenOptions::new().write(true).open(&path).unwrap().set_len(left).unwrap();
        match block_on(read_all(&mut stream)) {
            Err(StreamError::Zig(error)) => assert_eq!(error.name(), "FileTruncated"),
            other => panic!("{other:?}"),
        }
        assert_eq!(block_on(stream.next_chunk()).unwrap(), None);
    }
}

#[test]
fn a_file_that_grows_while_it_is_read() {
    let path = folder("growing").join("file");
    fs::write(&path, &bytes(25)[..15]).unwrap();
    let mut stream = open(&path, 10).unwrap();
    assert_eq!(block_on(stream.next_chunk()).unwrap(), Some(&bytes(10)[..]));
    OpenOptions::new().append(true).open(&path).unwrap().write_all(&bytes(25)[15..]).unwrap();
    assert_eq!(block_on(read_all(&mut stream)).unwrap(), &bytes(25)[10..]);
}

/// What is read belongs to the file that was opened, not to its name.
#[test]
fn a_file_that_is_replaced_while_it_is_read() {
    let path = folder("replaced").join("file");
    fs::write(&path, bytes(100)).unwrap();
    let mut stream = open(&path, 10).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "another").unwrap();
    assert_eq!(block_on(read_all(&mut stream)).unwrap(), bytes(100));
}

/// Read by the helper thread, as the page cache does not have it.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_not_in_the_page_cache() {
    const SIZE: usize = 4 << 20;
    let path = folder("uncached").join("file");
    let written = bytes(SIZE);
    let mut file = File::create(&path).unwrap();
    file.write_all(&written).unwrap();
    file.sync_all().unwrap();
    file.rewind().unwrap();
    // SAFETY: plain numbers.
    let advised = unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    assert_eq!(advised, 0);

    let task = Task::new();
    let mut stream = open(&path, 65_536).unwrap();
    let (mut read, mut waits) = (Vec::new(), 0);
    loop {
        let wakes = task.wakes();
        match task.run(|cx| stream.poll_fill(cx).map_ok(<[u8]>::to_vec)) {
            Poll::Pending => {
                task.wait_for(wakes + 1);
                waits += 1;
            }
            Poll::Ready(chunk) => {
                let chunk = chunk.unwrap();
                if chunk.is_empty() {
                    break;
                }
                stream.consume(chunk.len());
                read.extend(chunk);
            }
        }
    }
    assert!(read == written);
    println!("waited {waits} times");
}

// -- pipes --

/// Counts until `path` has been waited for `turns` times, then writes.
async fn tick_then_write(path: &Path, ticks: &Cell<u32>, turns: u32, text: &[u8]) {
    while ticks.get() < turns {
        ticks.set(ticks.get() + 1);
        future::yield_now().await;
    }
    open_writer(path).write_all(text).unwrap();
}

#[test]
fn a_fifo_without_a_writer_blocks_nobody() {
    let path = folder("fifo").join("fifo");
    make_fifo(&path);
    let mut stream = open(&path, 100).unwrap();
    let ticks = Cell::new(0);
    // One thread runs both; the reader is polled first.
    let (read, ()) = block_on(future::zip(
        async { (read_all(&mut stream).await, ticks.get()) },
        tick_then_write(&path, &ticks, 1000, b"at last"),
    ));
    assert_eq!(read.0.unwrap(), b"at last");
    assert_eq!(read.1, 1000, "the neighbour ran while the read was pending");
}

#[test]
fn a_fifo_is_read_as_it_is_written() {
    let path = folder("fifo_by_pieces").join("fifo");
    make_fifo(&path);
    let mut stream = open(&path, 100).unwrap();
    let task = Task::new();
    assert!(task.run(|cx| stream.poll_fill(cx).is_pending()));
    let mut writer = open_writer(&path);
    for piece in [&b"one"[..], b"two", b"three"] {
        writer.write_all(piece).unwrap();
        assert_eq!(block_on(stream.next_chunk()).unwrap(), Some(piece));
        // Nothing to read, but a writer is there: not the end.
        stream.consume(piece.len());
        assert!(task.run(|cx| stream.poll_fill(cx).is_pending()));
    }
    drop(writer);
    assert_eq!(block_on(stream.next_chunk()).unwrap(), None);
}

#[test]
fn a_fifo_larger_than_the_chunk() {
    let path = folder("large_fifo").join("fifo");
    make_fifo(&path);
    let mut stream = open(&path, 1000).unwrap();
    let written = bytes(1 << 20);
    let read = thread::scope(|scope| {
        let writing = scope.spawn(|| fs::write(&path, &written));
        let read = block_on(read_all(&mut stream)).unwrap();
        writing.join().unwrap().unwrap();
        read
    });
    assert!(read == written);
}

/// Open files and threads of this process.
#[cfg(target_os = "linux")]
fn census() -> (usize, usize) {
    let count = |path| fs::read_dir(path).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_fifo_dropped_before_any_writer_leaves_no_thread_and_no_file_behind() {
    if !child::is_child() {
        let test = "a_fifo_dropped_before_any_writer_leaves_no_thread_and_no_file_behind";
        return child::succeeds(&mut child::command(test));
    }
    let path = folder("dropped_fifo").join("fifo");
    make_fifo(&path);
    let before = census();
    for _ in 0..20 {
        let task = Task::new();
        let mut stream = open(&path, 100).unwrap();
        assert!(task.run(|cx| stream.poll_fill(cx)).is_pending());
        let (files, threads) = before;
        assert_eq!(census(), (files + 3, threads + 1), "the FIFO, the job pipe; the helper");
        drop(stream);
        until(|| census() == before);
        assert_eq!((task.wakes(), task.wakers()), (0, 0));
    }
}

/// As a child holds it that another thread forked at the wrong moment: the end of the pipe alone cannot be
/// what ends the helper.
#[cfg(target_os = "linux")]
#[test]
fn a_job_pipe_that_someone_else_holds_open_does_not_keep_the_helper() {
    if !child::is_child() {
        let test = "a_job_pipe_that_someone_else_holds_open_does_not_keep_the_helper";
        return child::succeeds(&mut child::command(test));
    }
    let path = folder("held_pipe").join("fifo");
    make_fifo(&path);
    let (files, threads) = census();
    let task = Task::new();
    let mut stream = open(&path, 100).unwrap();
    assert!(task.run(|cx| stream.poll_fill(cx)).is_pending());
    let held: Vec<File> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|fd| fs::read_link(fd).is_ok_and(|to| to.to_string_lossy().starts_with("pipe:")))
        .filter(|fd| {
            fd.file_name().is_some_and(|number| number.len() > 1 || number > OsStr::new("2"))
        })
        .filter_map(|fd| File::options().write(true).open(fd).ok())
        .collect();
    assert!(!held.is_empty(), "the job pipe has a write end");
    drop(stream);
    until(|| census().1 == threads);
    drop(held);
    until(|| census() == (files, threads));
}

#[cfg(target_os = "linux")]
#[test]
fn files_that_are_read_or_do_not_open_leave_nothing_behind() {
    if !child::is_child() {
        let test = "files_that_are_read_or_do_not_open_leave_nothing_behind";
        return child::succeeds(&mut child::command(test));
    }
    let path = folder("nothing_behind").join("file");
    fs::write(&path, bytes(1000)).unwrap();
    let before = census();
    for _ in 0..20 {
        assert_eq!(contents(&path, 64), bytes(1000));
        drop(open(&path, 64).unwrap());
        let _ = contents("/proc/version", 64);
        open_error(path.join("below"), 64);
        open_error("/", 64);
        open_error(&path, u64::MAX);
        open_error(&path, 0);
    }
    until(|| census() == before);
}
