//! tokio's threads for functions that block.

use tokio::runtime::Handle;

/// Runs a function that blocks on a thread of tokio's pool, and waits for what it returns.
///
/// # Panics
///
/// Outside of a runtime, and if the runtime is shut down before the function ran. A panic of the function goes on here.
///
/// # Cancel safety
///
/// A future that is dropped lets the function run to its end, or never begin if no thread has taken it up; what it
/// returns is dropped.
pub async fn unblock<T: Send + 'static>(function: impl FnOnce() -> T + Send + 'static) -> T {
    let mut task = Abandoned(tokio::task::spawn_blocking(function));
    match (&mut task.0).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => panic!("tokio's runtime was shut down before the function ran"),
        },
    }
}

/// Whether this is called within a runtime of tokio.
pub fn is_in_runtime() -> bool {
    Handle::try_current().is_ok()
}

/// A task that is not begun when nobody waits for it any more.
struct Abandoned<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Abandoned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
