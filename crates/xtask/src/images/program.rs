//! Which programs there are images of, and what their labels say.

/// A program that runs in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Program {
    /// Makes cluster and broker look like the pipelines
    Operator,
    /// Turns deliveries into postings and results
    Worker,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Operator, Self::Worker];

    /// Of the package, the binary and the image alike.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "loyalty-operator",
            Self::Worker => "loyalty-worker",
        }
    }

    /// The program's path in its image, with no shell before it.
    #[must_use]
    pub fn entrypoint(self) -> &'static str {
        match self {
            Self::Operator => "/loyalty-operator",
            Self::Worker => "/loyalty-worker",
        }
    }

    /// For the last step of its build. The operator is the larger one; optimized as a whole it is a sixth smaller, for the same
    /// work of the compiler, but on one processor.
    #[must_use]
    pub fn link_flags(self) -> &'static [&'static str] {
        match self {
            Self::Operator => &["-Clto=fat"],
            Self::Worker => &[],
        }
    }

    /// The keys are OCI's own. None names a commit or a time: the same files are the same image.
    #[must_use]
    pub fn labels(self) -> [(&'static str, &'static str); 4] {
        let description = match self {
            Self::Operator => "Makes broker and cluster look like every LoyaltyPipeline, and scales its workers",
            Self::Worker => "Applies the rules of a loyalty programme to every event, exactly once in effect",
        };
        [
            ("org.opencontainers.image.description", description),
            ("org.opencontainers.image.licenses", "Apache-2.0"),
            ("org.opencontainers.image.title", self.name()),
            ("org.opencontainers.image.version", env!("CARGO_PKG_VERSION")),
        ]
    }
}
