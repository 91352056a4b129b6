//! Runs the tests in the Zig text of `autozig!`.

/// Runs the command in the file, which zigflow-build has written: a line each for the folder to run in, the Zig file, how
/// people know it, and every word.
///
/// # Panics
///
/// A test fails, or does not compile: with what Zig says.
#[cfg(feature = "std")]
pub fn run_zig_tests(command: &str) {
    use alloc::string::String;
    use std::process::Command;

    let text = std::fs::read_to_string(command).unwrap_or_else(|error| {
        panic!("cannot read {command}, which the build script wrote: {error}")
    });
    let mut lines = text.lines();
    let mut next = || lines.next().unwrap_or_default();
    let (folder, zig_file, shown, program) = (next(), next(), next(), next());
    let result = Command::new(program).args(lines).current_dir(folder).output();
    let result = result.unwrap_or_else(|error| panic!("{program} does not run: {error}"));
    let said = [result.stdout, result.stderr].concat();
    let said = String::from_utf8_lossy(&said).replace(zig_file, shown);
    assert!(result.status.success(), "Zig's tests in {shown}: {}\n{said}", result.status);
    std::println!("Zig's tests in {shown}: {}", said.lines().last().unwrap_or_default());
}

/// Without an operating system there is no Zig to run.
#[cfg(not(feature = "std"))]
pub fn run_zig_tests(command: &str) {
    panic!("zigflow needs its feature `std` to run the tests of {command}");
}
