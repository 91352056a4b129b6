//! `defmt::Format` of what cannot derive it: errors with items of any type, which are not told, and histograms.

use crate::channel::{FromZigError, SendError, SendTimeoutError, ToZigError, TrySendError};
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

impl<T, E: Format> Format for FromZigError<T, E> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Zig { reason, .. } => write!(f, "Zig({})", reason),
            Self::Sink { error, .. } => write!(f, "Sink({})", error),
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

/// All errors of today; a new one belongs here, too.
const _: () = {
    use crate::{batch, channel, error, future, pool, retry, time};

    const fn formats<T: Format>() {}
    formats::<batch::BatchError<u8, u8>>();
    formats::<channel::CreateError>();
    formats::<SendError<u8>>();
    formats::<TrySendError<u8>>();
    formats::<SendTimeoutError<u8>>();
    formats::<channel::SendManyError>();
    formats::<channel::RecvError>();
    formats::<channel::TryRecvError>();
    formats::<channel::RecvTimeoutError>();
    formats::<ToZigError<u8>>();
    formats::<FromZigError<u8, u8>>();
    formats::<error::ZigError>();
    formats::<error::Malformed>();
    formats::<error::StreamError>();
    formats::<error::OpenError>();
    formats::<future::FutureError>();
    formats::<pool::CreateError>();
    formats::<retry::RetryError<u8>>();
    formats::<time::TimeoutError>();
    #[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
    {
        use crate::limit;

        formats::<limit::NotUntil>();
        formats::<limit::ExceedsBurst>();
        formats::<limit::LimitError>();
        formats::<limit::TooManyKeys>();
        formats::<limit::KeyedError>();
    }
};
