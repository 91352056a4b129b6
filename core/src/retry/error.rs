//! Why there was no further attempt.

use core::error::Error;
use core::fmt;

use super::schedule::Stop;

/// Why [`retry`](super::retry) gave up. `last` is the error of the last attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RetryError<E> {
    /// All attempts were made that the limit or the backoff allows.
    MaxRetriesExceeded {
        /// The last attempt's error.
        last: E,
        /// How many were made, the first included.
        attempts: u32,
    },
    /// The total time was over. An attempt that was under way has been dropped.
    TimeExceeded {
        /// The error of the last attempt that came to its end, if one did.
        last: Option<E>,
        /// How many were begun, the first included.
        attempts: u32,
    },
    /// The error is one that `when` does not want to see repeated.
    NotRetryable {
        /// That error.
        last: E,
        /// How many attempts were made, the first included.
        attempts: u32,
    },
    /// The budget that callers share is used up.
    BudgetExhausted {
        /// The last attempt's error.
        last: E,
        /// How many were made, the first included.
        attempts: u32,
    },
}

impl<E> RetryError<E> {
    pub(super) fn of(stop: Stop, last: E, attempts: u32) -> Self {
        match stop {
            Stop::Attempts => Self::MaxRetriesExceeded { last, attempts },
            Stop::Time => Self::TimeExceeded { last: Some(last), attempts },
        }
    }

    /// How many attempts were begun, the first included.
    pub fn attempts(&self) -> u32 {
        match self {
            Self::MaxRetriesExceeded { attempts, .. }
            | Self::TimeExceeded { attempts, .. }
            | Self::NotRetryable { attempts, .. }
            | Self::BudgetExhausted { attempts, .. } => *attempts,
        }
    }

    /// The error of the last attempt. `None` only if the first one was cut short by the total time.
    pub fn last(&self) -> Option<&E> {
        match self {
            Self::TimeExceeded { last, .. } => last.as_ref(),
            Self::MaxRetriesExceeded { last, .. }
            | Self::NotRetryable { last, .. }
            | Self::BudgetExhausted { last, .. } => Some(last),
        }
    }

    /// As [`last`](Self::last), by value.
    pub fn into_last(self) -> Option<E> {
        match self {
            Self::TimeExceeded { last, .. } => last,
            Self::MaxRetriesExceeded { last, .. }
            | Self::NotRetryable { last, .. }
            | Self::BudgetExhausted { last, .. } => Some(last),
        }
    }
}

/// With the last error's text.
impl<E: fmt::Display> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = self.attempts();
        match self {
            Self::MaxRetriesExceeded { .. } => write!(f, "failed in each of {attempts} attempts"),
            Self::TimeExceeded { .. } => {
                write!(f, "the total time was over in attempt {attempts}")
            }
            Self::NotRetryable { .. } => {
                write!(f, "attempt {attempts} failed with an error that is not retried")
            }
            Self::BudgetExhausted { .. } => {
                write!(f, "attempt {attempts} failed and the shared retry budget is used up")
            }
        }?;
        self.last().map_or(Ok(()), |last| write!(f, ": {last}"))
    }
}

impl<E: Error + 'static> Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The last error's text is in this one's; `last` gives the error itself.
        self.last()?.source()
    }
}
