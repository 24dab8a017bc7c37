//! Why kubectl has no answer: its words, and the sentence that we make of them. Words were taken from kubectl 1.37.

use std::fmt;

/// What kubectl said, without the lines of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said(String);

impl std::error::Error for Said {}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kubectl says: {}", self.0)
    }
}

impl Said {
    /// Of standard error; the last line that is no log line tells most.
    pub(super) fn of(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let own = lines.clone().rfind(|line| !is_log(line));
        Self(own.or_else(|| lines.clone().next_back()).unwrap_or("nothing").to_owned())
    }
}

/// `E1125 20:11:17.728905    2840 memcache.go:381] ...`
fn is_log(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let head = words.next().unwrap_or_default();
    let is_head =
        head.len() == 5 && head.starts_with(['I', 'W', 'E', 'F']) && head[1..].bytes().all(|c| c.is_ascii_digit());
    is_head && line.contains("] ")
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No pipeline of this name.
    NotFound,
    NoNamespace,
    /// The cluster does not know the kind.
    NotInstalled,
    Forbidden,
    LoggedOut,
    Unreachable,
    /// The kubeconfig has no such context, is not there, or cannot be read.
    Config,
    Other,
}

impl Refusal {
    pub(super) fn of(Said(said): &Said) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if says(&["(NotFound): namespaces "]) {
            Self::NoNamespace
        } else if says(&["(NotFound)"]) {
            Self::NotFound
        } else if says(&["doesn't have a resource type"]) {
            Self::NotInstalled
        } else if says(&["(Forbidden)"]) {
            Self::Forbidden
        } else if says(&["You must be logged in", "Unauthorized", "getting credentials:"]) {
            Self::LoggedOut
        } else if says(&["Unable to connect to the server", "was refused - did you specify", "i/o timeout"]) {
            Self::Unreachable
        } else if says(&["Error in configuration", "error loading config", "error: stat ", "error: context "]) {
            Self::Config
        } else {
            Self::Other
        }
    }

    /// For a person, with what to do.
    pub(super) fn sentence(self, what: &str, place: &str) -> String {
        match self {
            Self::NotFound => format!(
                "could not find pipeline `{what}` in {place}; name the namespace with `-n`, or see all with `loyaltyctl status -A`"
            ),
            Self::NoNamespace => format!("could not find {place}; `kubectl get namespaces` lists those there are"),
            Self::NotInstalled => "could not ask for pipelines: the cluster does not know them; install the chart \
                 `charts/loyalty-operator` there, or name another cluster with `--context`"
                .to_owned(),
            Self::Forbidden => format!(
                "could not look into {place}: your login may not; ask its administrator for the role `view` there"
            ),
            Self::LoggedOut => {
                "could not log in to the cluster; log in again, or name another login with `--context` or `--kubeconfig`"
                    .to_owned()
            }
            Self::Unreachable => "could not reach the cluster; see that it runs and that your network leads there, or \
                 name another with `--context` or `--kubeconfig`"
                .to_owned(),
            Self::Config => "could not use the kubeconfig; see `kubectl config get-contexts`, and `--context` or \
                 `--kubeconfig`"
                .to_owned(),
            Self::Other => "could not ask the cluster".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, Said};

    #[test]
    fn kubectl_s_words_are_understood() {
        for (words, want) in [
            (r#"Error from server (NotFound): loyaltypipelines.loyalty.dev "x" not found"#, Refusal::NotFound),
            (r#"Error from server (NotFound): namespaces "nonexist" not found"#, Refusal::NoNamespace),
            (
                r#"error: the server doesn't have a resource type "loyaltypipelines" in group "loyalty.dev""#,
                Refusal::NotInstalled,
            ),
            (
                r#"Error from server (Forbidden): loyaltypipelines.loyalty.dev "x" is forbidden: User "anna" cannot get resource"#,
                Refusal::Forbidden,
            ),
            (
                "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
                Refusal::LoggedOut,
            ),
            (
                "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
                Refusal::Unreachable,
            ),
            ("Unable to connect to the server: dial tcp: lookup no.such.host: no such host", Refusal::Unreachable),
            ("Error in configuration: context was not found for specified context: foo", Refusal::Config),
            ("error: stat /nonexist.conf: no such file or directory", Refusal::Config),
            (r#"error: error loading config file "bad.conf": couldn't get version/kind"#, Refusal::Config),
            ("error: the moon is full", Refusal::Other),
        ] {
            assert_eq!(Refusal::of(&Said::of(words)), want, "{words}");
        }
    }

    #[test]
    fn lines_of_its_log_are_left_out_where_there_are_others() {
        let log = "E1125 20:11:18.168070    2850 memcache.go:381] \"Couldn't get\" err=\"refused\"";
        let text = format!("{log}\n{log}\nThe connection was refused\n");
        assert_eq!(Said::of(&text).to_string(), "kubectl says: The connection was refused");
        assert_eq!(Said::of(log).to_string(), format!("kubectl says: {log}"));
        assert_eq!(Said::of("").to_string(), "kubectl says: nothing");
    }
}
