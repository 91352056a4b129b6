//! The names of the exported symbols of an archive, from its index: the first member, which every
//! linker reads too. No Zig code runs for it, so it works for every target.

/// `None`: these bytes are no archive with an index.
pub(crate) fn symbols(archive: &[u8]) -> Option<Vec<String>> {
    let members = archive.strip_prefix(b"!<arch>\n")?;
    let (header, rest) = members.split_at_checked(60)?;
    let name = std::str::from_utf8(&header[..16]).ok()?.trim_end();
    let size: usize = std::str::from_utf8(&header[48..58]).ok()?.trim_end().parse().ok()?;
    let member = rest.get(..size)?;
    let names = match name {
        "/" => names_after_offsets::<4>(member)?,
        "/SYM64/" => names_after_offsets::<8>(member)?,
        _ => {
            // BSD: the member's name stands in front of its content.
            let len: usize = name.strip_prefix("#1/")?.parse().ok()?;
            let (name, index) = member.split_at_checked(len)?;
            name.starts_with(b"__.SYMDEF").then(|| names_after_ranlibs(index))??
        }
    };
    Some(
        names
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect(),
    )
}

/// System V and COFF: a number, as many offsets, the names; big-endian on every target.
fn names_after_offsets<const WIDTH: usize>(index: &[u8]) -> Option<&[u8]> {
    let (count, rest) = index.split_at_checked(WIDTH)?;
    let count = count.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
    rest.get(count.checked_mul(WIDTH)?..)
}

/// BSD: a size, so many bytes of pairs, a size, the names; in the byte order of the target, which
/// is little-endian wherever Mach-O is.
fn names_after_ranlibs(index: &[u8]) -> Option<&[u8]> {
    let number = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize);
    let pairs = number(index)?;
    let names = index.get(4_usize.checked_add(pairs)?..)?;
    names.get(4..4_usize.checked_add(number(names)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(name: &str, member: &[u8]) -> Vec<u8> {
        let mut bytes =
            format!("!<arch>\n{name:<16}{:<32}{:<10}`\n", "0", member.len()).into_bytes();
        bytes.extend(member);
        bytes.extend(b"the object follows zf1_not_a_symbol\0");
        bytes
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        symbols(bytes).expect("an archive with an index")
    }

    #[test]
    fn the_index_of_elf_is_read() {
        // The offset's last byte could be taken for a letter.
        let member = b"\0\0\0\x02\0\0\0z\0\0\0_counter\0file_stream\0\0";
        assert_eq!(names(&archive("/", member)), ["counter", "file_stream"]);
    }

    #[test]
    fn the_wide_index_of_elf_is_read() {
        let member = b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0zcounter\0";
        assert_eq!(names(&archive("/SYM64/", member)), ["counter"]);
    }

    #[test]
    fn the_index_of_macos_is_read() {
        let member = b"__.SYMDEF\0\0\0\x08\0\0\0\0\0\0\0\x60\0\0\0\x0a\0\0\0_counter\0\0rest";
        assert_eq!(names(&archive("#1/12", member)), ["_counter"]);
    }

    #[test]
    fn an_empty_index_has_no_names() {
        assert_eq!(names(&archive("/", b"\0\0\0\0")), [""; 0]);
    }

    #[test]
    fn other_bytes_are_refused() {
        let good = archive("/", b"\0\0\0\x01\0\0\0zcounter\0");
        for len in 0..good.len() - 36 {
            assert_eq!(symbols(&good[..len]), None, "cut to {len} bytes");
        }
        assert_eq!(symbols(&archive("/", b"\xff\xff\xff\xff")), None);
        assert_eq!(symbols(&archive("hello.o/", b"\0\0\0\0")), None);
        assert_eq!(symbols(&archive("#1/12", b"__.SYMDEF\0\0\0\xff\xff\xff\xff")), None);
    }
}
