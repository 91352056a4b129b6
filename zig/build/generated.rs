//! The Zig text that binds the user's files, the package and the package's configuration.

use crate::build::Build;
use crate::modules::Module;
use std::fmt::Write as _;

/// The root module. It is ours because `panic` and `std_options` are read from there: std's own
/// panic handler makes a small library a hundred times as large, and Rust has installed a handler
/// for segmentation faults already. The stack that std's handler would run on is thread-local: each
/// thread of the program, Rust's too, would carry its 256 KB.
pub(crate) fn root(users: &[&Module]) -> String {
    let mut imports = String::new();
    let mut c_names = String::from("false");
    for Module { name, .. } in users {
        let _ = writeln!(imports, "const {name} = @import(\"{name}\");");
        let _ = write!(
            c_names,
            " or\n    (@hasDecl({name}, \"zigflow_c_names\") and {name}.zigflow_c_names)"
        );
    }
    let uses: String = users.iter().map(|module| format!("    _ = {};\n", module.name)).collect();
    format!(
        "const std = @import(\"std\");\n{imports}\n\
         pub const panic = @import(\"zigflow\").panic;\n\
         pub const std_options: std.Options =\n    \
         .{{ .enable_segfault_handler = false, .signal_stack_size = null }};\n\
         pub const zigflow_c_names = {c_names};\n\n\
         comptime {{\n{uses}}}\n"
    )
}

/// The module `zigflow_config`.
pub(crate) fn config(prefix: &str, build: &Build) -> String {
    let mut text = format!(
        "pub const prefix: []const u8 = \"{prefix}\";\npub const model: bool = {};\n",
        build.model
    );
    for (name, literal) in &build.options {
        let _ = writeln!(text, "pub const {name} = {literal};");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_below_what_the_package_always_reads() {
        let build = Build::new().model(true).option("level", "@as(u8, 3)");
        assert_eq!(
            config("zf1_x", &build),
            "pub const prefix: []const u8 = \"zf1_x\";\npub const model: bool = true;\n\
             pub const level = @as(u8, 3);\n"
        );
    }
}
