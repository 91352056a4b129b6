//! Tests that need a process of their own: because it is to die, or because they count what the whole
//! process has.

use std::process::{Command, Output};

const CHILD: &str = "ZIGFLOW_TEST_CHILD";
/// What runs this program on another processor (ci/portable).
const EMULATOR: &str = "ZIGFLOW_TEST_EMULATOR";

/// In the child process that [`command`] starts for this test: true.
pub fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// This test program once more, with one test. The test asks [`is_child`].
pub fn command(test: &str) -> Command {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = match std::env::var_os(EMULATOR) {
        Some(emulator) => {
            let mut command = Command::new(emulator);
            command.arg(program);
            command
        }
        None => Command::new(program),
    };
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    command
}

/// Runs the child of a test.
pub fn run(test: &str) -> Output {
    command(test).output().expect("this program runs again")
}

/// Runs the child of a test, which must succeed, having run the one test.
pub fn succeeds(command: &mut Command) {
    let output = command.output().expect("this program runs again");
    let (stdout, stderr) = texts(&output);
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    assert!(stdout.contains("1 passed"), "another number of tests than one: {stdout}");
}

/// Standard output and standard error.
pub fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Runs the child of a test, which must abort; what it wrote to standard error.
#[cfg(unix)]
pub fn aborts(test: &str) -> String {
    use std::os::unix::process::ExitStatusExt;
    let output = run(test);
    let (_, stderr) = texts(&output);
    const ABORT: i32 = 6;
    assert_eq!(output.status.signal(), Some(ABORT), "{}\n{stderr}", output.status);
    stderr
}
