//! The shape of a type: a hash of what Zig writes in place, so that two structs of one name and one size
//! but with other fields are told apart when a source is opened. `zig/src/shape.zig` is the other half:
//! same bytes, same order.
//!
//! ```text
//! number, bool   its name
//! array          `[`, count, shape of the element
//! struct         `{`, size, and for each field: name, `:`, offset, shape
//! enum           `<`, shape of the tag, and for each value: name, `=`, value
//! ```
//!
//! FNV-1a of 32 bits. Counts, sizes, offsets and values are 8 bytes, shapes 4, the low byte first. Of the
//! names in an enum neither case nor underscores count: `NotFound` here is `not_found` there.

/// Whether a Rust type and a Zig type may be the same, by their shapes. A shape of 0 is unknown, and what
/// is unknown is not compared.
pub const fn shape_matches(rust: u32, zig: u32) -> bool {
    rust == 0 || zig == 0 || rust == zig
}

/// A shape that is being made; the derive writes the calls.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    hash: u32,
    known: bool,
}

impl Shape {
    pub(crate) const fn named(name: &str) -> u32 {
        Self::NEW.text(name).done()
    }

    /// Of size 0 the count is lost in Zig, so that is unknown.
    pub(crate) const fn array(count: usize, element_size: usize, element: u32) -> u32 {
        if element_size == 0 {
            return 0;
        }
        Self::NEW.text("[").number(count as u64).part(element).done()
    }

    /// A struct before its first field.
    #[must_use]
    pub const fn structure(size: usize) -> Self {
        Self::NEW.text("{").number(size as u64)
    }

    /// The next field.
    #[must_use]
    pub const fn field(self, name: &str, offset: usize, shape: u32) -> Self {
        self.text(name).text(":").number(offset as u64).part(shape)
    }

    /// An enum before its first value.
    #[must_use]
    pub const fn enumeration(tag: u32) -> Self {
        Self::NEW.text("<").part(tag)
    }

    /// The next value; a negative one with its sign extended.
    #[must_use]
    pub const fn value(mut self, name: &str, value: u64) -> Self {
        let name = name.as_bytes();
        let mut i = 0;
        while i < name.len() {
            if name[i] != b'_' {
                self = self.byte(name[i].to_ascii_lowercase());
            }
            i += 1;
        }
        self.text("=").number(value)
    }

    /// The shape; 0 if that of a part is.
    pub const fn done(self) -> u32 {
        match (self.known, self.hash) {
            (false, _) => 0,
            (true, 0) => 1,
            (true, hash) => hash,
        }
    }

    const NEW: Self = Self { hash: 0x811c_9dc5, known: true };

    const fn byte(mut self, byte: u8) -> Self {
        self.hash = (self.hash ^ byte as u32).wrapping_mul(0x0100_0193);
        self
    }

    const fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut i = 0;
        while i < bytes.len() {
            self = self.byte(bytes[i]);
            i += 1;
        }
        self
    }

    const fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    const fn number(self, value: u64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    const fn part(mut self, shape: u32) -> Self {
        self.known = self.known && shape != 0;
        self.bytes(&shape.to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const U8: u32 = Shape::named("u8");
    const U16: u32 = Shape::named("u16");

    #[test]
    fn it_is_fnv_1a() {
        // The published values for "a" and "foobar".
        assert_eq!(Shape::named("a"), 0xe40c_292c);
        assert_eq!(Shape::named("foobar"), 0xbf9c_f968);
    }

    #[test]
    fn every_part_of_a_struct_counts() {
        let of = |size, name, offset, shape| {
            Shape::structure(size).field(name, offset, shape).field("b", 2, U16).done()
        };
        let whole = of(4, "a", 0, U16);
        for other in [of(6, "a", 0, U16), of(4, "c", 0, U16), of(4, "a", 1, U16), of(4, "a", 0, U8)]
        {
            assert_ne!(other, whole);
        }
        let swapped = Shape::structure(4).field("b", 0, U16).field("a", 2, U16).done();
        assert_ne!(swapped, whole);
    }

    #[test]
    fn every_part_of_an_enum_counts_but_case_and_underscores() {
        let of = |tag, name, value| Shape::enumeration(tag).value(name, value).done();
        let whole = of(U8, "NotFound", 3);
        assert_eq!(of(U8, "not_found", 3), whole);
        for other in [of(U16, "NotFound", 3), of(U8, "Found", 3), of(U8, "NotFound", 4)] {
            assert_ne!(other, whole);
        }
    }

    #[test]
    fn an_unknown_part_makes_the_whole_unknown() {
        assert_eq!(Shape::structure(4).field("a", 0, 0).field("b", 2, U16).done(), 0);
        assert_eq!(Shape::enumeration(0).value("A", 0).done(), 0);
        assert_eq!(Shape::array(3, 4, 0), 0);
        assert_eq!(Shape::array(3, 0, U8), 0);
    }

    #[test]
    fn unknown_shapes_match_all_others_only_themselves() {
        assert!(shape_matches(0, U8) && shape_matches(U8, 0) && shape_matches(U8, U8));
        assert!(!shape_matches(U8, U16));
    }
}
