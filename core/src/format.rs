//! `defmt::Format` of what cannot derive it: errors with items of any type, which are not told, and histograms.

use crate::channel::{SendError, SendTimeoutError, ToZigError, TrySendError};
use defmt::{Format, Formatter, write};

impl<T> Format for SendError<T> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "SendError {{ reason: {} }}", self.reason());
    }
}

impl<T> Format for TrySendError<T> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Full(_) => write!(f, "Full"),
            Self::Closed(_) => write!(f, "Closed"),
        }
    }
}

impl<T> Format for SendTimeoutError<T> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Timeout(_) => write!(f, "Timeout"),
            Self::Closed(_) => write!(f, "Closed"),
        }
    }
}

impl<T> Format for ToZigError<T> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Stream(error) => write!(f, "Stream({})", error),
            Self::Closed(error) => write!(f, "Closed({})", error),
        }
    }
}

#[cfg(feature = "profile")]
impl Format for crate::profile::Histogram {
    fn format(&self, f: Formatter<'_>) {
        let (count, mean) = (self.count(), self.mean());
        let (half, most) = (self.value_at(count / 2), self.value_at(count * 99 / 100));
        write!(
            f,
            "{=u64}, mean {=u64}, half up to {=u64}, 99 % up to {=u64}",
            count, mean, half, most
        );
    }
}
