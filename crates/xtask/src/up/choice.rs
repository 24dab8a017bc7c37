//! Which broker the tour runs on. Looking around is not here: what was seen comes as a value, the choice goes as one.

use broker::Settings;

/// What was found on this machine. Later fields are looked at only when the earlier ones gave nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct There {
    /// `--broker`.
    pub(crate) flag: Option<Settings>,
    /// `AMQP_URL`.
    pub(crate) variable: Option<Settings>,
    /// Who is on localhost.
    pub(crate) local: Local,
    /// Whether Docker's engine answers.
    pub(crate) docker: bool,
}

/// Who answers on localhost, port 5672.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Local {
    /// Nobody.
    #[default]
    Silent,
    /// A broker, or something else, that does not let guest in.
    Refuses,
    /// A broker that lets guest in.
    Answers,
}

/// The broker to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// One that a person named.
    Named(Box<Settings>),
    /// The one on localhost.
    Local,
    /// A container that ends with the tour.
    Docker,
    /// One of our own that ends with the tour.
    Own,
}

/// The first that there is, and a sentence that says which and why.
pub(crate) fn choose(there: &There) -> (Choice, String) {
    let named = |settings: &Settings, by: &str| {
        (
            Choice::Named(Box::new(settings.clone())),
            format!("RabbitMQ: the one at {}, which {by} names", settings.address()),
        )
    };
    if let Some(settings) = &there.flag {
        return named(settings, "`--broker`");
    }
    if let Some(settings) = &there.variable {
        return named(settings, "AMQP_URL");
    }
    let local = match there.local {
        Local::Answers => {
            return (Choice::Local, "RabbitMQ: the one on localhost:5672, which lets guest in".to_owned());
        }
        Local::Refuses => "localhost:5672 refuses guest",
        Local::Silent => "nobody on localhost:5672",
    };
    if there.docker {
        (Choice::Docker, format!("RabbitMQ: a container of Docker's ({local})"))
    } else {
        (Choice::Own, format!("RabbitMQ: one of our own ({local}, no Docker engine)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_broker_that_there_is_is_chosen_and_named() {
        let settings = |host: &str| Settings::from_url(&format!("amqp://me:secret@{host}")).unwrap();
        let named = |host: &str| Choice::Named(Box::new(settings(host)));
        let (silent, refuses, answers) = (Local::Silent, Local::Refuses, Local::Answers);
        for (flag, variable, local, docker, choice, sentence) in [
            ("a", "b", answers, true, named("a"), "the one at a:5672, which `--broker` names"),
            ("", "b", answers, true, named("b"), "the one at b:5672, which AMQP_URL names"),
            ("", "", answers, true, Choice::Local, "the one on localhost:5672, which lets guest in"),
            ("", "", silent, true, Choice::Docker, "a container of Docker's (nobody on localhost:5672)"),
            ("", "", refuses, true, Choice::Docker, "a container of Docker's (localhost:5672 refuses guest)"),
            ("", "", silent, false, Choice::Own, "one of our own (nobody on localhost:5672, no Docker engine)"),
            ("", "", refuses, false, Choice::Own, "one of our own (localhost:5672 refuses guest, no Docker engine)"),
        ] {
            let given = |host: &str| (!host.is_empty()).then(|| settings(host));
            let there = There { flag: given(flag), variable: given(variable), local, docker };
            assert_eq!(choose(&there), (choice, format!("RabbitMQ: {sentence}")));
        }
    }
}
