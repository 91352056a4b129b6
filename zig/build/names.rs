//! Names that stay apart when several packages, several versions of one package, or several
//! archives of one package meet in one program.

/// The number in `abi.zig` and `core/src/abi.rs`: symbols of different ABIs never meet.
const ABI: u32 = 1;

#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// What every exported symbol of the archive starts with.
    pub(crate) prefix: String,
    /// The library's name: what stands after `-l`.
    pub(crate) library: String,
}

impl Names {
    /// Depends on nothing but its arguments: the same sources give the same program on every
    /// machine.
    pub(crate) fn new(package: &str, version: &str, archive: &str) -> Self {
        let mut hash = Hash::new();
        for part in [package, version, archive] {
            hash.part(part.as_bytes());
        }
        let prefix = format!("zf{ABI}_{:08x}_{}", hash.short(), identifier(package));
        let library = format!("{prefix}_{}", identifier(archive));
        Self { prefix, library }
    }
}

/// `text` with everything replaced that may not stand in a symbol.
pub(crate) fn identifier(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// FNV-1a: the same on every machine and in every version of Rust, unlike std's hasher.
#[derive(Debug)]
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds `bytes` and their number, so that ("ab", "c") and ("a", "bc") differ.
    pub(crate) fn part(&mut self, bytes: &[u8]) {
        self.bytes(bytes);
        self.bytes(&(bytes.len() as u64).to_le_bytes());
    }

    pub(crate) fn value(&self) -> u64 {
        self.0
    }

    fn short(&self) -> u32 {
        (self.0 >> 32) as u32 ^ self.0 as u32
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_versions_and_archives_differ() {
        let names = [
            Names::new("a-b", "0.1.0", "lib"),
            Names::new("a_b", "0.1.0", "lib"),
            Names::new("a-b", "0.2.0", "lib"),
            Names::new("a-b", "0.1.0", "lib2"),
            Names::new("a-b", "0.1.0", "li-b"),
            Names::new("a-b", "0.1.0", "li_b"),
        ];
        for (i, one) in names.iter().enumerate() {
            for other in &names[..i] {
                assert_ne!(one.prefix, other.prefix);
                assert_ne!(one.library, other.library);
            }
        }
    }

    #[test]
    fn the_number_is_that_of_the_border() {
        let abi = include_str!("../src/abi.zig");
        assert!(abi.contains(&format!("pub const abi_number: u32 = {ABI};")));
    }

    #[test]
    fn a_name_is_the_same_on_every_machine() {
        let names = Names::new("my-crate", "0.1.0", "lib");
        assert_eq!(names.prefix, "zf1_47efafea_my_crate");
        assert_eq!(names.library, format!("{}_lib", names.prefix));
    }
}
