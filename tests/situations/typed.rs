//! Types of both languages: what of them is compared, what arrives, and which bits are no value.
#![forbid(unsafe_code)]

use core::ffi::{c_int, c_ulonglong};
use futures_lite::{StreamExt, future::block_on};
use zigflow::{Item, Malformed, OpenError, StreamError, Transfer, ZigStream};
use zigflow_tests::types::{Everything, Id, Level, Pair, Quality, Reading};
use zigflow_tests::zig_shapes;

zigflow::zig_source! {
    fn reading(bytes: &[u8]) -> ZigStream<Reading>;
    fn everything(bytes: &[u8]) -> ZigStream<Everything>;
    fn quality(bytes: &[u8]) -> ZigStream<Quality>;
    fn qualities(bytes: &[u8]) -> ZigStream<[Quality; 3]>;
    fn id(bytes: &[u8]) -> ZigStream<Id>;
    fn pair(bytes: &[u8]) -> ZigStream<Pair>;
    fn swapped(bytes: &[u8]) -> ZigStream<Pair>;
    fn retyped(bytes: &[u8]) -> ZigStream<Reading>;
    fn renumbered(bytes: &[u8]) -> ZigStream<Quality>;
}

/// The only item, which is no value if it is malformed.
fn item<T: Item<Value = T>>(opened: Result<ZigStream<T>, OpenError>) -> Option<T> {
    let mut stream = opened.unwrap();
    match block_on(stream.next()).unwrap() {
        Ok(item) => {
            assert!(block_on(stream.next()).is_none());
            Some(item)
        }
        Err(error) => {
            assert_eq!(error, StreamError::Malformed(Malformed::Value));
            assert!(block_on(stream.next()).is_none());
            None
        }
    }
}

#[test]
fn both_languages_see_the_same_shapes() {
    macro_rules! shapes {
        ($($type:ty),* $(,)?) => { vec![$((stringify!($type), <$type as Transfer>::SHAPE)),*] };
    }
    let rust = shapes![
        bool,
        u8,
        u16,
        u32,
        u64,
        usize,
        i8,
        i16,
        i32,
        i64,
        isize,
        f32,
        f64,
        [u8; 3],
        [u8; 0],
        [[f32; 3]; 2],
        Reading,
        Quality,
        Pair,
        Id,
        Level,
        Everything,
        [Pair; 4],
        Reading,
        Quality,
        Level,
        c_int,
        c_ulonglong,
        [u8; 3],
    ];
    let zig = zig_shapes();
    assert_eq!(zig.len(), rust.len());
    for ((name, rust), zig) in rust.iter().zip(zig) {
        assert_ne!(*rust, 0, "{name}");
        assert_eq!(*rust, zig, "{name}");
    }
}

#[test]
fn each_shape_is_another() {
    let mut shapes = zig_shapes();
    shapes.sort_unstable();
    shapes.dedup();
    // Those by hand, the C integers, the one with a sentinel and the number with a name are others' equals.
    assert_eq!(shapes.len(), zig_shapes().len() - 7);
}

#[test]
fn structs_and_enums_arrive() {
    let bytes = |millikelvin: u32, quality: u8| {
        let mut bytes = [0xaa; 8];
        bytes[..4].copy_from_slice(&millikelvin.to_ne_bytes());
        bytes[4] = quality;
        bytes
    };
    let expected = Reading { millikelvin: 293_150, quality: Quality::NotMeasured };
    assert_eq!(item(reading(&bytes(293_150, 8))), Some(expected));
    assert_eq!(item(id(&7_u64.to_ne_bytes())), Some(Id(7)));
    assert_eq!(item(pair(&[0; 8])), Some(Pair { left: 0, right: 0 }));
    let all = [Quality::Good, Quality::Doubtful, Quality::NotMeasured];
    assert_eq!(item(qualities(&[0, 7, 8])), Some(all));
}

#[test]
fn the_integer_of_an_enum_is_checked_before_there_is_one() {
    for byte in 0..=255 {
        let expected = match byte {
            0 => Some(Quality::Good),
            7 => Some(Quality::Doubtful),
            8 => Some(Quality::NotMeasured),
            _ => None,
        };
        assert_eq!(item(quality(&[byte])), expected, "{byte}");
        assert_eq!(item(qualities(&[0, byte, 7])).map(|all| all[1]), expected, "{byte}");
        assert_eq!(item(reading(&[0, 0, 0, 0, byte, 9, 9, 9])).map(|r| r.quality), expected);
    }
}

/// One wrong byte at a time, in a struct with every kind of field.
#[test]
fn every_field_is_checked_and_nothing_else() {
    use std::mem::offset_of;
    let mut good = [0xff; size_of::<Everything>()];
    let bools = offset_of!(Everything, m)..offset_of!(Everything, r#type) + 6;
    let first = offset_of!(Everything, error) + offset_of!(Reading, quality);
    let qualities = [first, first + size_of::<Reading>()];
    let level = offset_of!(Everything, level);
    good[bools.clone()].fill(1);
    qualities.iter().for_each(|at| good[*at] = 7);
    good[level..level + 2].copy_from_slice(&(-299_i16).to_ne_bytes());

    let whole = item(everything(&good)).unwrap();
    assert_eq!((whole.b, whole.r#type, whole.level), (u16::MAX, [[true; 2]; 3], Level::Low));
    let mut refused = Vec::new();
    for at in 0..good.len() {
        let mut bytes = good;
        bytes[at] ^= 0x12;
        if item(everything(&bytes)).is_none() {
            refused.push(at);
        }
    }
    let mut expected: Vec<usize> = bools.chain(qualities).chain([level, level + 1]).collect();
    expected.sort_unstable();
    assert_eq!(refused, expected);
}

#[test]
fn other_fields_under_the_same_name_do_not_open() {
    fn refused<T: Item>(opened: Result<ZigStream<T>, OpenError>) -> (&'static str, OpenError) {
        let Err(error) = opened else { panic!("it opened") };
        let OpenError::Item { zig, rust, fields: true } = error else { panic!("{error:?}") };
        assert!(zig.ends_with(rust), "{zig} {rust}");
        (rust, error)
    }
    let (rust, error) = refused(swapped(&[0; 8]));
    assert_eq!(rust, "Pair");
    let text = error.to_string();
    let what = "Rust asked for `Pair`: their fields differ in name, order or type, or the values of an enum do";
    assert!(text.contains(what), "{text}");
    assert_eq!(refused(retyped(&[0; 8])).0, "Reading");
    assert_eq!(refused(renumbered(&[0])).0, "Quality");
}

/// The derive in a crate that forbids unsafe code, for a type that only this file has.
#[test]
fn what_is_derived_is_named_as_in_zig() {
    #[derive(Clone, Copy, Transfer)]
    #[repr(C)]
    struct r#Own {
        _a: [Id; 2],
        _b: Level,
    }
    assert_eq!(Own::NAME, "Own");
    assert_eq!(Id::NAME, "u64");
    assert_eq!(Id::SHAPE, u64::SHAPE);
    assert_eq!(<[Own; 2]>::NAME, "[2]Own");
    assert_eq!(<[Id; 2]>::NAME, "[2]u64");
}
