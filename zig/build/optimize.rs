use crate::{Env, Error};

/// Zig's optimize modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimize {
    /// Quick to build, all checks. What an unoptimized Cargo profile gets.
    Debug,
    /// Optimized, with Zig's safety checks. What an optimized Cargo profile gets.
    ReleaseSafe,
    /// Optimized for speed. Overflow, bad enum values and out-of-bounds accesses go unseen.
    ReleaseFast,
    /// Optimized for size. Overflow, bad enum values and out-of-bounds accesses go unseen.
    ReleaseSmall,
}

const ALL: [Optimize; 4] =
    [Optimize::Debug, Optimize::ReleaseSafe, Optimize::ReleaseFast, Optimize::ReleaseSmall];

impl Optimize {
    /// The variable first, because it is the most deliberate; then the build script's choice; then
    /// the Cargo profile.
    pub(crate) fn choose(env: &Env, chosen: Option<Self>) -> Result<Self, Error> {
        if let Some(name) = env.text("ZIGFLOW_OPTIMIZE") {
            return ALL.into_iter().find(|mode| mode.name() == name).ok_or_else(|| {
                Error::new(format!(
                    "ZIGFLOW_OPTIMIZE is `{name}`; it may be {}",
                    ALL.map(Self::name).join(", ")
                ))
            });
        }
        Ok(chosen.unwrap_or_else(|| Self::of_profile(env)))
    }

    /// OPT_LEVEL and not PROFILE, which is "debug" for every profile that inherits from dev, an
    /// optimized one too.
    fn of_profile(env: &Env) -> Self {
        match env.text("OPT_LEVEL").as_deref() {
            Some("0") | None => Self::Debug,
            Some(_) => Self::ReleaseSafe,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debug => "Debug",
            Self::ReleaseSafe => "ReleaseSafe",
            Self::ReleaseFast => "ReleaseFast",
            Self::ReleaseSmall => "ReleaseSmall",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_over_the_builder_and_the_builder_over_the_profile() {
        let env = Env::default().with("OPT_LEVEL", "3");
        assert_eq!(Optimize::choose(&env, None), Ok(Optimize::ReleaseSafe));
        assert_eq!(Optimize::choose(&env, Some(Optimize::ReleaseFast)), Ok(Optimize::ReleaseFast));
        let env = env.with("ZIGFLOW_OPTIMIZE", "ReleaseSmall");
        assert_eq!(Optimize::choose(&env, Some(Optimize::ReleaseFast)), Ok(Optimize::ReleaseSmall));
    }

    #[test]
    fn an_unoptimized_profile_is_debug() {
        let env = Env::default().with("OPT_LEVEL", "0").with("PROFILE", "release");
        assert_eq!(Optimize::choose(&env, None), Ok(Optimize::Debug));
    }

    #[test]
    fn an_unknown_mode_lists_the_known_ones() {
        let error =
            Optimize::choose(&Env::default().with("ZIGFLOW_OPTIMIZE", "fast"), None).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`fast`; it may be Debug, ReleaseSafe, ReleaseFast, ReleaseSmall")
        );
    }
}
