//! The two halves of the border are the same, and the checks of that would find out.

use std::path::Path;
use std::process::Command;

use zigflow::abi::LAYOUT_TABLE;
use zigflow_tests::driven::{Row, zig_layout_table};

fn rust_layout_table() -> Vec<Row> {
    let row = |&(names, size, alignment, offsets, sizes): &zigflow::abi::Layout| {
        (names.to_owned(), size, alignment, offsets.to_vec(), sizes.to_vec())
    };
    LAYOUT_TABLE.iter().map(row).collect()
}

/// The first difference between the two tables.
fn difference(zig: &[Row], rust: &[Row]) -> Option<String> {
    let rows = zig.len().max(rust.len());
    let differs = |&row: &usize| zig.get(row) != rust.get(row);
    let row = (0..rows).find(differs)?;
    Some(format!("Zig has {:?}, Rust has {:?}", zig.get(row), rust.get(row)))
}

#[test]
fn both_languages_have_the_same_layouts() {
    let (zig, rust) = (zig_layout_table(), rust_layout_table());
    assert_eq!(difference(&zig, &rust), None);
    assert_eq!(rust.len(), 25);
}

#[test]
fn any_change_of_any_row_is_a_difference() {
    let rust = rust_layout_table();
    let mut changes = 0;
    let mut check = |change: &dyn Fn(&mut Vec<Row>)| {
        let mut zig = rust.clone();
        change(&mut zig);
        assert!(difference(&zig, &rust).is_some());
        assert!(difference(&rust, &zig).is_some());
        changes += 1;
    };
    for row in 0..rust.len() {
        check(&|table| table[row].0.push('x'));
        check(&|table| table[row].1 += 4);
        check(&|table| table[row].2 /= 2);
        check(&|table| table[row].3.push(4));
        check(&|table| {
            table[row].3.pop();
        });
        for field in 0..rust[row].3.len() {
            check(&|table| table[row].3[field] += 4);
            check(&|table| table[row].4[field] += 4);
        }
        check(&|table| drop(table.remove(row)));
    }
    check(&|table| table.push(rust[0].clone()));
    assert!(changes > 80);
}

/// The Zig that the build helper finds too.
fn zig() -> Command {
    let command = |words: &str| {
        let mut words = words.split_whitespace();
        let mut command = Command::new(words.next().expect("ZIG names a program"));
        command.args(words);
        command
    };
    match std::env::var("ZIG") {
        Ok(words) => command(&words),
        Err(_) if command("zig").arg("version").output().is_ok() => command("zig"),
        Err(_) => command("python3 -m ziglang"),
    }
}

/// Analyses a copy of `abi.zig`; what Zig says where it is wrong.
fn analyse(name: &str, text: &str) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layout").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("abi.zig");
    std::fs::write(&file, text).unwrap();
    let mut command = zig();
    command.args(["build-obj", "-fno-emit-bin", "--cache-dir"]).arg(&folder).arg(&file);
    let output = command.output().expect("Zig runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(stderr) }
}

const ABI: &str = include_str!("../../zig/src/abi.zig");

#[test]
fn the_zig_half_compiles_as_it_is() {
    analyse("whole", ABI).unwrap();
}

#[test]
fn a_zig_half_with_a_moved_field_does_not_compile() {
    for (number, old, new, said) in [
        // Two fields of different sizes swapped.
        (
            0,
            "    error_code: i32 = 0,\n    data_ptr: ?[*]const u8 = null,",
            "    data_ptr: ?[*]const u8 = null,\n    error_code: i32 = 0,",
            "StreamItem",
        ),
        (
            1,
            "    kind: u32,\n    bits: u32,\n    lo: u32,",
            "    kind: u64,\n    lo: u32,",
            "RawArg",
        ),
        // One more, one less.
        (
            2,
            "    registered_len: usize = 0,\n",
            "    registered_len: usize = 0,\n    more: u32 = 0,\n",
            "RawSource",
        ),
        (3, "    context: ?*anyopaque = null,\n};", "};", "OwnedItem"),
        // Another width.
        (4, "    flags: u32 = 0,", "    flags: u64 = 0,", "RawSizeHint"),
    ] {
        assert_eq!(ABI.matches(old).count(), 1, "{old}");
        let said_by_zig = analyse(&format!("moved{number}"), &ABI.replace(old, new)).unwrap_err();
        assert!(said_by_zig.contains(said), "{said}: {said_by_zig}");
        assert!(said_by_zig.contains("than the border's"), "{said_by_zig}");
    }
}

/// Neither moves an offset nor changes a size of the struct.
#[test]
fn swapped_fields_of_one_type_and_narrow_fields_before_padding_show_in_the_table() {
    let table = zig_layout_table();
    let row = |name: &str| table.iter().find(|row| row.0.starts_with(name)).expect(name);
    assert_eq!(row("RawArg ").0, "RawArg kind bits lo hi ptr len");
    let word = size_of::<usize>();
    assert_eq!(row("StreamItem ").4, [4, 4, word, word]);
    for row in &table {
        assert_eq!(row.0.split(' ').count(), 1 + row.3.len());
        assert_eq!(row.4.iter().sum::<usize>(), row.1, "no padding in {}", row.0);
    }
}

/// What Zig's archive has for each thread, each thread of the program carries.
#[cfg(target_os = "linux")]
#[test]
fn a_thread_of_the_program_carries_little_for_zig() {
    unsafe extern "C" fn look(
        object: *mut libc::dl_phdr_info,
        _: usize,
        bytes: *mut libc::c_void,
    ) -> i32 {
        // SAFETY: the C library calls this with an object and its headers, and with the place given below.
        unsafe {
            let headers = (*object).dlpi_phdr;
            for n in 0..(*object).dlpi_phnum.into() {
                let header = &*headers.add(n);
                if header.p_type == libc::PT_TLS {
                    *bytes.cast::<usize>() += header.p_memsz as usize;
                }
            }
        }
        1 // the first object is the program; no other
    }
    let mut bytes = 0_usize;
    // SAFETY: `look` gets the place of a number, which stays during the call.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut bytes).cast()) };
    assert!((1..16 * 1024).contains(&bytes), "{bytes} bytes for each thread");
}
