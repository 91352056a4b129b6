//! Which cores the two threads of a ping-pong run on. Left to the scheduler, they meet on one core in
//! one run and part in the next, and what a wake costs differs tenfold between the two. (The other
//! cases are left to it, as programs are.)

/// Where the thread that this is called on belongs.
#[derive(Clone, Copy)]
pub(crate) enum Cores {
    /// Both threads share the first core: a wake is a switch of contexts and nothing else.
    One,
    /// The caller has the first core, the other thread the second: a wake goes to another core, which
    /// may be asleep itself.
    Two,
}

impl Cores {
    /// Moves the calling thread to the caller's core, until the guard is dropped.
    pub(crate) fn pin_caller(self) -> Pinned {
        pin(0)
    }

    /// Moves the calling thread to the other thread's core, until the guard is dropped.
    pub(crate) fn pin_other(self) -> Pinned {
        match self {
            Self::One => pin(0),
            Self::Two => pin(1),
        }
    }
}

#[cfg(target_os = "linux")]
use linux::{Pinned, pin};

#[cfg(target_os = "linux")]
mod linux {
    use std::mem::zeroed;
    use std::sync::OnceLock;

    /// Lets the thread go where it was allowed to, when dropped.
    pub(crate) struct Pinned {
        before: libc::cpu_set_t,
    }

    /// Moves the calling thread to the `nth` of the cores that the process began with; to the last one
    /// if there are fewer.
    pub(crate) fn pin(nth: usize) -> Pinned {
        static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();
        let before = current();
        let allowed = ALLOWED.get_or_init(|| {
            // SAFETY: asks for bits that the set has.
            (0..libc::CPU_SETSIZE as usize)
                .filter(|core| unsafe { libc::CPU_ISSET(*core, &before) })
                .collect()
        });
        // SAFETY: all bits clear is an empty set; the bit is one that `before` had.
        let only = unsafe {
            let mut only = zeroed();
            libc::CPU_SET(allowed[nth.min(allowed.len() - 1)], &mut only);
            only
        };
        apply(&only);
        Pinned { before }
    }

    fn current() -> libc::cpu_set_t {
        // SAFETY: all bits clear is an empty set, and the call fills it.
        unsafe {
            let mut set = zeroed();
            assert_eq!(libc::sched_getaffinity(0, size_of_val(&set), &mut set), 0);
            set
        }
    }

    fn apply(set: &libc::cpu_set_t) {
        // SAFETY: reads the set, of that size.
        let failed = unsafe { libc::sched_setaffinity(0, size_of_val(set), set) };
        assert_eq!(failed, 0, "a core that was allowed is not any more");
    }

    impl Drop for Pinned {
        fn drop(&mut self) {
            apply(&self.before);
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) struct Pinned;

/// Nothing here: the scheduler decides.
#[cfg(not(target_os = "linux"))]
fn pin(_nth: usize) -> Pinned {
    Pinned
}
