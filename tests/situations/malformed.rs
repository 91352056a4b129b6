//! What a wrong Zig side may send: a defined error each time, no slice of it, and the end.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;

use zigflow::__private::{OpenSource, SourceType};
use zigflow::abi::{
    ABI_NUMBER, ItemKind, ItemType, MAGIC, OwnedItem, RawArg, RawError, RawSizeHint, RawSource,
    RawWaker, SENDABLE,
};
use zigflow::{
    ByteStream, Copied, LentItem, Malformed, OpenError, RawParts, Sendable, StreamError,
    StreamItem, Transfer, ZeroCopyBuffer, ZigStream,
};
use zigflow_tests::Point;
use zigflow_tests::task::{Task, keep};

const READY: u32 = 0;
const PENDING: u32 = 1;
const DONE: u32 = 2;
const FAILED: u32 = 3;
const CODE: i32 = -77;
const SIZE: usize = size_of::<u32>();

// -- sources by handle and C functions --

/// A source that answers once, and `Done` from then on.
struct Script {
    answer: u32,
    item: Option<StreamItem>,
    polled: bool,
    frees: Arc<AtomicU32>,
}

unsafe extern "C" fn poll_script(handle: *mut c_void, item: *mut StreamItem) -> u32 {
    // SAFETY: the handle of `script`, before `free_script`.
    let script = unsafe { &mut *handle.cast::<Script>() };
    assert_eq!(script.frees.load(SeqCst), 0, "polled after free");
    if std::mem::replace(&mut script.polled, true) {
        return DONE;
    }
    if let Some(sent) = script.item {
        // SAFETY: zigflow's slot.
        unsafe { item.write(sent) };
    }
    script.answer
}

unsafe extern "C" fn free_script(handle: *mut c_void) {
    // SAFETY: the handle of `script`.
    unsafe { (*handle.cast::<Script>()).frees.fetch_add(1, SeqCst) };
}

/// Parts of a source that sends `item` with `answer`, and how often it was freed.
fn script(
    answer: u32,
    item: Option<StreamItem>,
    registered: (*const u8, usize),
) -> (RawParts, Arc<AtomicU32>) {
    let frees = Arc::new(AtomicU32::new(0));
    // Kept, so that a second free is counted and not worse.
    let script = keep(Script { answer, item, polled: false, frees: frees.clone() });
    let handle = ptr::from_mut(script).cast();
    let parts = RawParts {
        handle,
        poll: poll_script,
        set_waker: None,
        free: Some(free_script),
        registered,
    };
    (parts, frees)
}

/// What one poll brought, whatever the stream's type.
#[derive(Debug, PartialEq)]
enum Came {
    Item(Vec<u8>),
    Pending,
    End,
    Error(StreamError),
}

fn malformed(what: Malformed) -> Came {
    Came::Error(StreamError::Malformed(what))
}

/// Polls once; then the stream must end, and have freed the source once by the time it is dropped.
fn check<S>(
    mut stream: S,
    frees: &AtomicU32,
    poll: impl Fn(&mut S) -> Came,
    expected: &Came,
    case: &str,
) {
    assert_eq!(&poll(&mut stream), expected, "{case}");
    if matches!(expected, Came::Error(_) | Came::End) {
        assert_eq!(frees.load(SeqCst), 1, "{case}: freed with the end");
    }
    for _ in 0..3 {
        assert_eq!(poll(&mut stream), Came::End, "{case}: behind it");
    }
    drop(stream);
    assert_eq!(frees.load(SeqCst), 1, "{case}: freed once");
}

fn poll_items<T: LentItem>(
    stream: &mut ZigStream<T, Sendable>,
    bytes: impl Fn(T::Value) -> Vec<u8>,
) -> Came {
    match Task::new().next(stream) {
        Poll::Pending => Came::Pending,
        Poll::Ready(None) => Came::End,
        Poll::Ready(Some(Ok(item))) => Came::Item(bytes(item)),
        Poll::Ready(Some(Err(error))) => Came::Error(error),
    }
}

fn poll_bytes(stream: &mut ByteStream) -> Came {
    let came = match Task::new().run(|cx| stream.poll_fill(cx).map_ok(<[u8]>::to_vec)) {
        Poll::Pending => Came::Pending,
        Poll::Ready(Ok(bytes)) if bytes.is_empty() => Came::End,
        Poll::Ready(Ok(bytes)) => Came::Item(bytes),
        Poll::Ready(Err(error)) => Came::Error(error),
    };
    stream.consume(stream.buffered().len());
    came
}

fn check_all_types(
    answer: u32,
    item: Option<StreamItem>,
    registered: (*const u8, usize),
    bytes: &Came,
    value: &Came,
) {
    let case = format!("{answer} {item:?} {registered:?}");
    let (parts, frees) = script(answer, item, registered);
    // SAFETY: the script keeps the contract, but for what is tested; its memory is leaked.
    let stream = unsafe { ZigStream::<Vec<u8>>::from_raw_parts(parts) };
    check(stream, &frees, |s| poll_items(s, |bytes| bytes), bytes, &format!("Vec<u8> {case}"));

    let (parts, frees) = script(answer, item, registered);
    // SAFETY: as above.
    let stream = unsafe { ZigStream::<Copied<u32>>::from_raw_parts(parts) };
    let poll = |s: &mut _| poll_items(s, |value: u32| value.to_ne_bytes().to_vec());
    check(stream, &frees, poll, value, &format!("Copied<u32> {case}"));

    let (parts, frees) = script(answer, item, registered);
    // SAFETY: as above.
    let stream = unsafe { ZigStream::<Vec<u8>>::from_raw_parts(parts) }.lend();
    // An empty chunk is not the end: the stream asks again.
    let empty = Came::Item(vec![]);
    let lent = if *bytes == empty { &Came::End } else { bytes };
    check(stream, &frees, poll_bytes, lent, &format!("ByteStream {case}"));
}

#[test]
fn every_state_with_every_pointer_and_length() {
    #[repr(align(8))]
    struct Memory([u8; 16]);
    static MEMORY: Memory = Memory(*b"0123456789abcdef");
    static ELSEWHERE: Memory = Memory([0; 16]);
    let at = MEMORY.0.as_ptr();
    let mut cases = 0;
    for state in [READY, PENDING, DONE, FAILED, 4, 255, u32::MAX] {
        for shift in [None, Some(0), Some(1)] {
            let data_ptr = shift.map_or(ptr::null(), |shift| at.wrapping_add(shift));
            for data_len in [0, 1, SIZE, isize::MAX as usize + 1, usize::MAX] {
                for registered in [ptr::null(), at, ELSEWHERE.0.as_ptr()] {
                    let item = StreamItem { state, error_code: CODE, data_ptr, data_len };
                    let (bytes, value) = match state {
                        READY => {
                            expected(item, shift.unwrap_or(0), registered == ELSEWHERE.0.as_ptr())
                        }
                        PENDING => (Came::Pending, Came::Pending),
                        DONE => (Came::End, Came::End),
                        FAILED => {
                            let error = || Came::Error(StreamError::Code(CODE));
                            (error(), error())
                        }
                        _ => {
                            (malformed(Malformed::State(state)), malformed(Malformed::State(state)))
                        }
                    };
                    let len = if registered.is_null() { 0 } else { 16 };
                    check_all_types(state, Some(item), (registered, len), &bytes, &value);
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 7 * 3 * 5 * 3);

    fn expected(item: StreamItem, shift: usize, elsewhere: bool) -> (Came, Came) {
        let len = item.data_len;
        let both = |what| (malformed(what), malformed(what));
        if len > isize::MAX as usize {
            return both(Malformed::TooLong(len));
        }
        if item.data_ptr.is_null() && len > 0 {
            return both(Malformed::NullData(len));
        }
        if elsewhere && len > 0 {
            return both(Malformed::OutsideOfBuffer);
        }
        let bytes = MEMORY.0[shift..shift + len].to_vec();
        let value = if len != SIZE {
            malformed(Malformed::Length { found: len, expected: SIZE })
        } else if shift != 0 {
            malformed(Malformed::Misaligned)
        } else {
            Came::Item(bytes.clone())
        };
        (Came::Item(bytes), value)
    }
}

/// The return value decides; a ready item must agree with it.
#[test]
fn a_state_that_contradicts_the_answer() {
    let full =
        |state| StreamItem { state, error_code: CODE, data_ptr: b"abcd".as_ptr(), data_len: SIZE };
    let nowhere = (ptr::null(), 0);
    for state in [PENDING, DONE, FAILED, 4, u32::MAX] {
        let both = malformed(Malformed::State(state));
        check_all_types(READY, Some(full(state)), nowhere, &both, &both);
    }
    for state in [READY, DONE, FAILED, u32::MAX] {
        check_all_types(PENDING, Some(full(state)), nowhere, &Came::Pending, &Came::Pending);
        check_all_types(DONE, Some(full(state)), nowhere, &Came::End, &Came::End);
        let both = Came::Error(StreamError::Code(CODE));
        check_all_types(FAILED, Some(full(state)), nowhere, &both, &both);
    }
    // Ready, and nothing filled in.
    let both = malformed(Malformed::State(PENDING));
    check_all_types(READY, None, nowhere, &both, &both);
}

#[test]
fn a_source_that_is_dropped_unpolled_is_freed_once() {
    let (parts, frees) = script(READY, None, (ptr::null(), 0));
    // SAFETY: the script keeps the contract.
    drop(unsafe { ZigStream::<Vec<u8>>::from_raw_parts(parts) });
    assert_eq!(frees.load(SeqCst), 1);
    // SAFETY: as above; this one wants no free.
    drop(unsafe { ZigStream::<Vec<u8>>::from_raw_parts(RawParts { free: None, ..parts }) });
    assert_eq!(frees.load(SeqCst), 1);
}

#[test]
fn the_waker_of_each_poll_is_lent_before_it() {
    thread_local!(static LOG: Cell<(u32, RawWaker)> = const { Cell::new((0, RawWaker::NULL)) });
    unsafe extern "C" fn set_waker(_: *mut c_void, waker: *const RawWaker) {
        // SAFETY: lent for the call.
        LOG.set((LOG.get().0 + 1, unsafe { *waker }));
    }
    unsafe extern "C" fn poll(_: *mut c_void, _: *mut StreamItem) -> u32 {
        LOG.set((LOG.get().0 + 10, LOG.get().1));
        PENDING
    }
    let handle = ptr::null_mut();
    let parts = RawParts {
        handle,
        poll,
        set_waker: Some(set_waker),
        free: None,
        registered: (ptr::null(), 0),
    };
    // SAFETY: the functions touch no handle and keep no waker.
    let mut stream = unsafe { ZigStream::<Vec<u8>>::from_raw_parts(parts) };
    for calls in [11, 22, 33] {
        let task = Task::new();
        let words = task.run(|cx| {
            assert!(std::pin::pin!(&mut stream).as_mut().poll_next(cx).is_pending());
            RawWaker::of(cx.waker())
        });
        assert_eq!(LOG.get(), (calls, words));
        assert_eq!(task.wakers(), 0, "lent, not kept");
    }
    use futures_core::Stream;
}

// -- hand-made source types --

/// What the functions below answer, on this thread.
#[derive(Clone, Copy)]
struct Behaviour {
    open_answer: u32,
    opened: RawSource,
    error: RawError,
    poll_answer: u32,
    /// Written to the slot, as far as the item's size.
    bytes: [u8; 32],
    size: usize,
    drops: u32,
}

static STATE: u8 = 0;

const GOOD: Behaviour = Behaviour {
    open_answer: READY,
    opened: RawSource {
        state: (&raw const STATE).cast_mut().cast(),
        registered_ptr: ptr::null(),
        registered_len: 0,
    },
    error: RawError::EMPTY,
    poll_answer: READY,
    bytes: [0; 32],
    size: 0,
    drops: 0,
};

thread_local!(static NOW: Cell<Behaviour> = const { Cell::new(GOOD) });

unsafe extern "C" fn open(
    _: *const RawArg,
    _: u32,
    out: *mut RawSource,
    err: *mut RawError,
) -> u32 {
    let now = NOW.get();
    // SAFETY: zigflow's out-pointers.
    unsafe {
        out.write(now.opened);
        err.write(now.error);
    }
    now.open_answer
}

unsafe extern "C" fn poll(_: *mut c_void, _: *const (), _: *const (), out: *mut c_void) -> u32 {
    let now = NOW.get();
    // SAFETY: zigflow's slot, of the size that the test has set.
    unsafe { ptr::copy_nonoverlapping(now.bytes.as_ptr(), out.cast(), now.size) };
    now.poll_answer
}

unsafe extern "C" fn take_error(_: *mut c_void, err: *mut RawError) {
    // SAFETY: zigflow's out-pointer.
    unsafe { err.write(NOW.get().error) };
}

unsafe extern "C" fn size_hint(_: *const c_void, out: *mut RawSizeHint) {
    // Contradicts itself.
    // SAFETY: zigflow's out-pointer.
    unsafe { out.write(RawSizeHint { lower: 9, upper: 3, flags: u32::MAX, reserved: 7 }) };
}

unsafe extern "C" fn drop_state(_: *mut c_void) {
    NOW.set(Behaviour { drops: NOW.get().drops + 1, ..NOW.get() });
}

fn source_type<T: Transfer>() -> SourceType {
    SourceType {
        magic: MAGIC,
        abi: ABI_NUMBER,
        flags: SENDABLE,
        reserved: 0,
        item: ItemType {
            kind: ItemKind::Plain as u32,
            size: size_of::<T>() as u32,
            alignment: align_of::<T>() as u32,
            name_len: T::NAME.len() as u32,
            shape: T::SHAPE,
            reserved: 0,
            name_ptr: T::NAME.as_ptr(),
        },
        open,
        poll,
        take_error,
        size_hint,
        drop: drop_state,
    }
}

fn opened_as<S: OpenSource>(source: SourceType) -> Result<S, OpenError> {
    // SAFETY: all functions keep the contract but for what the test is about.
    unsafe { S::open_source(keep(source), &[]) }
}

fn opened(behaviour: Behaviour) -> Result<ZigStream<u32>, OpenError> {
    NOW.set(behaviour);
    opened_as(source_type::<u32>())
}

#[test]
fn the_hand_made_source_works_as_long_as_nothing_is_wrong() {
    let mut stream = opened(Behaviour { bytes: [7; 32], size: 4, ..GOOD }).unwrap();
    assert_eq!(Task::new().next(&mut stream), Poll::Ready(Some(Ok(0x0707_0707))));
    drop(stream);
    assert_eq!(NOW.get().drops, 1);
}

#[test]
fn an_open_without_a_source() {
    let null = RawSource { state: ptr::null_mut(), ..GOOD.opened };
    let error = opened(Behaviour { opened: null, ..GOOD }).unwrap_err();
    assert_eq!(error, OpenError::Malformed(Malformed::NullSource));
    assert_eq!(NOW.get().drops, 0);
}

#[test]
fn an_open_with_an_impossible_answer() {
    for open_answer in [PENDING, DONE, 4, u32::MAX] {
        let error = opened(Behaviour { open_answer, ..GOOD }).unwrap_err();
        assert_eq!(error, OpenError::Malformed(Malformed::State(open_answer)));
    }
}

/// Nothing but the first two words is read of what is no source of this ABI.
#[test]
fn another_magic_and_another_abi() {
    fn error(words: [u32; 2]) -> OpenError {
        let words: &'static [u32; 2] = keep(words);
        // SAFETY: what any ABI promises: two words.
        unsafe { ZigStream::<u32>::open_source(ptr::from_ref(words).cast(), &[]) }.unwrap_err()
    }
    for magic in [0, MAGIC + 1, MAGIC.swap_bytes(), u32::MAX] {
        assert_eq!(error([magic, ABI_NUMBER]), OpenError::NotASource);
    }
    for zig in [0, ABI_NUMBER + 1, u32::MAX] {
        assert_eq!(error([MAGIC, zig]), OpenError::Abi { zig, rust: ABI_NUMBER });
    }
}

#[test]
fn an_item_type_without_a_readable_name() {
    for (name_ptr, name_len) in
        [(ptr::null(), 3), (ptr::null(), 0), (b"\xff\xfe".as_ptr(), 2), (b"u32".as_ptr(), u32::MAX)]
    {
        let mut source = source_type::<u32>();
        source.item = ItemType { name_ptr, name_len, ..source.item };
        let error = opened_as::<ZigStream<u32>>(source).unwrap_err();
        assert_eq!(error, OpenError::Malformed(Malformed::Error));
    }
}

#[test]
fn an_item_type_that_differs_in_one_word() {
    let change: [fn(&mut ItemType); 5] = [
        |item| item.kind = 3,
        |item| item.shape += 1,
        |item| item.size = 8,
        |item| item.alignment = 1,
        |item| (item.name_ptr, item.name_len) = (b"i32".as_ptr(), 3),
    ];
    for change in change {
        let mut source = source_type::<u32>();
        change(&mut source.item);
        let error = opened_as::<ZigStream<u32>>(source).unwrap_err();
        assert!(matches!(error, OpenError::Item { rust: "u32", .. }), "{error:?}");
    }
}

/// As with a `Transfer` that is implemented by hand.
#[test]
fn an_unknown_shape_is_not_compared() {
    let mut source = source_type::<u32>();
    source.item.shape = 0;
    opened_as::<ZigStream<u32>>(source).unwrap();
}

/// Kinds and names that no error has, when a source is opened and when it is polled.
#[test]
fn an_error_that_is_itself_malformed() {
    const ZIG: u32 = 0;
    let name = b"Torn";
    let error = |kind, name_ptr, name_len| RawError { kind, code: 5, name_ptr, name_len };
    for raw in [
        error(4, name.as_ptr(), 4),
        error(u32::MAX, name.as_ptr(), 4),
        error(ZIG, ptr::null(), 4),
        error(ZIG, ptr::null(), 0),
        error(ZIG, name.as_ptr(), 0),
        error(ZIG, name.as_ptr(), usize::MAX),
        error(ZIG, name.as_ptr(), 1 << 16),
        error(ZIG, b"To\xffrn".as_ptr(), 5),
    ] {
        let open_error = opened(Behaviour { open_answer: FAILED, error: raw, ..GOOD }).unwrap_err();
        assert_eq!(open_error, OpenError::Malformed(Malformed::Error), "{raw:?}");

        let mut stream = opened(Behaviour { poll_answer: FAILED, error: raw, ..GOOD }).unwrap();
        let error = StreamError::Malformed(Malformed::Error);
        assert_eq!(Task::new().next(&mut stream), Poll::Ready(Some(Err(error))), "{raw:?}");
        assert_eq!(NOW.get().drops, 1);
        assert_eq!(Task::new().next(&mut stream), Poll::Ready(None));
    }
    // Errors of `open` only.
    for kind in [2, 3] {
        let raw = error(kind, name.as_ptr(), 4);
        let mut stream = opened(Behaviour { poll_answer: FAILED, error: raw, ..GOOD }).unwrap();
        let error = StreamError::Malformed(Malformed::Error);
        assert_eq!(Task::new().next(&mut stream), Poll::Ready(Some(Err(error))));
    }
}

#[test]
fn a_poll_with_an_impossible_answer() {
    for poll_answer in [4, 255, u32::MAX] {
        let mut stream = opened(Behaviour { poll_answer, ..GOOD }).unwrap();
        let error = StreamError::Malformed(Malformed::State(poll_answer));
        assert_eq!(Task::new().next(&mut stream), Poll::Ready(Some(Err(error))));
        assert_eq!(Task::new().next(&mut stream), Poll::Ready(None));
        drop(stream);
        assert_eq!(NOW.get().drops, 1);
    }
}

#[test]
fn a_size_hint_that_contradicts_itself() {
    use futures_core::Stream;
    let stream = opened(GOOD).unwrap();
    assert_eq!(stream.size_hint(), (3, Some(4)));
}

#[test]
fn a_bool_out_of_range() {
    for byte in 0..=255 {
        NOW.set(Behaviour { bytes: [byte; 32], size: 1, ..GOOD });
        let mut stream = opened_as::<ZigStream<bool>>(source_type::<bool>()).unwrap();
        let expected = match byte {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(StreamError::Malformed(Malformed::Value)),
        };
        assert_eq!(Task::new().next(&mut stream), Poll::Ready(Some(expected)));
        if byte > 1 {
            assert_eq!(Task::new().next(&mut stream), Poll::Ready(None));
            assert_eq!(NOW.get().drops, 1);
        }
    }
}

#[test]
fn a_bool_inside_of_a_struct_out_of_range() {
    assert_eq!(std::mem::offset_of!(Point, seen), 20);
    for byte in [0, 1, 2, 0xaa, 255] {
        let mut bytes = [0; 32];
        bytes[20] = byte;
        NOW.set(Behaviour { bytes, size: 24, ..GOOD });
        let mut stream = opened_as::<ZigStream<Point>>(source_type::<Point>()).unwrap();
        let item = Task::new().next(&mut stream);
        match byte {
            0 | 1 => assert!(matches!(item, Poll::Ready(Some(Ok(p))) if p.seen == (byte == 1))),
            _ => {
                let error = StreamError::Malformed(Malformed::Value);
                assert_eq!(item, Poll::Ready(Some(Err(error))));
            }
        }
    }
}

/// Nobody knows what such a buffer's release function would release, so it is not called.
#[test]
fn an_owned_buffer_that_is_none() {
    unsafe extern "C" fn release(_: *mut c_void, _: *mut u8, _: usize) {
        panic!("released");
    }
    let dangling = ptr::dangling_mut();
    for (ptr, len, what) in [
        (ptr::null_mut(), 1, Malformed::NullData(1)),
        (ptr::null_mut(), usize::MAX, Malformed::TooLong(usize::MAX)),
        (dangling, isize::MAX as usize + 1, Malformed::TooLong(isize::MAX as usize + 1)),
        (dangling, usize::MAX, Malformed::TooLong(usize::MAX)),
    ] {
        let item = OwnedItem { ptr, len, release: Some(release), context: ptr::null_mut() };
        // SAFETY: plain numbers and pointers.
        let words = unsafe { std::mem::transmute::<OwnedItem, [u8; size_of::<OwnedItem>()]>(item) };
        let mut bytes = [0; 32];
        bytes[..words.len()].copy_from_slice(&words);
        NOW.set(Behaviour { bytes, size: words.len(), ..GOOD });
        let mut source = source_type::<u32>();
        source.item = ItemType {
            kind: ItemKind::Owned as u32,
            size: size_of::<OwnedItem>() as u32,
            alignment: align_of::<OwnedItem>() as u32,
            name_len: 10,
            shape: 0,
            reserved: 0,
            name_ptr: b"OwnedBytes".as_ptr(),
        };
        let mut stream = opened_as::<ZigStream<ZeroCopyBuffer>>(source).unwrap();
        match Task::new().next(&mut stream) {
            Poll::Ready(Some(Err(error))) => assert_eq!(error, StreamError::Malformed(what)),
            other => panic!("{other:?}"),
        }
        assert!(matches!(Task::new().next(&mut stream), Poll::Ready(None)));
        assert_eq!(NOW.get().drops, 1);
    }
}
