//! Identities and names: text whose shape was checked once, when it was parsed.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is not an identity or a name of its kind; reads on after "`FIELD` ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("is empty; give 1 to {max} bytes")]
    Empty {
        /// The longest that would do, in bytes.
        max: usize,
    },
    /// More bytes than the broker and the ledger's keys have room for.
    #[error("is {len} bytes long; at most {max} are allowed")]
    TooLong {
        /// Bytes that were given.
        len: usize,
        /// The longest that would do, in bytes.
        max: usize,
    },
    /// A character that no store and no log can carry safely.
    #[error("contains a control character; remove it")]
    Control,
    /// A name that is not a DNS label.
    #[error("is not a name; use lower-case letters, digits and `-`, begin and end with a letter or digit")]
    NotALabel,
}

fn text(value: &str, max: usize) -> Result<(), IdError> {
    if value.is_empty() {
        return Err(IdError::Empty { max });
    }
    if value.len() > max {
        return Err(IdError::TooLong { len: value.len(), max });
    }
    if value.chars().any(char::is_control) {
        return Err(IdError::Control);
    }
    Ok(())
}

fn label(value: &str, max: usize) -> Result<(), IdError> {
    text(value, max)?;
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let edge = |c: Option<&u8>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let bytes = value.as_bytes();
    if bytes.iter().copied().all(inner) && edge(bytes.first()) && edge(bytes.last()) {
        Ok(())
    } else {
        Err(IdError::NotALabel)
    }
}

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident, $check:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The longest value, in bytes.
            pub const LEN_MAX: usize = $max;

            /// Checks the shape once; errors read on after "`FIELD` ".
            pub fn parse(value: &str) -> Result<Self, IdError> {
                $check(value, Self::LEN_MAX)?;
                Ok(Self(Arc::from(value)))
            }

            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(value: String) -> Result<Self, IdError> {
                Self::parse(&value)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.as_ref().to_owned()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schema::$check($max)
            }
        }
    };
}

#[cfg(feature = "schema")]
mod schema {
    pub(super) fn text(max: usize) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": max })
    }
    pub(super) fn label(max: usize) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "minLength": 1, "maxLength": max, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
        })
    }
}

identity!(
    /// A pipeline; prefix of all its objects on the broker (an AMQP name has 255 bytes), so a DNS label.
    PipelineName, label, 63
);
identity!(
    /// A points currency of a programme.
    WalletName, label, 63
);
identity!(
    /// A rule, unique in its rule set.
    RuleName, label, 63
);
identity!(
    /// What a campaign may give in all, unique in the programme.
    BudgetName, label, 63
);
identity!(
    /// Rules of which an event gets only some, unique in the programme.
    GroupName, label, 63
);
identity!(
    /// A reward that points are turned into.
    RewardName, label, 63
);
identity!(
    /// A level of a programme's tiers, unique among them.
    TierName, label, 63
);
identity!(
    /// Another service that gets a queue with results.
    SubscriberName, label, 63
);
identity!(
    /// Who said that the event happened; with pipeline and [`EventId`] the identity of an event.
    Source, text, 255
);
identity!(
    /// The event's own id, unique within its [`Source`].
    EventId, text, 255
);
identity!(
    /// A member as the retailer knows them (often a phone number or an e-mail address: keep it out of logs).
    MemberId, text, 255
);
identity!(
    /// An order of a member; a refund names it.
    OrderId, text, 255
);
identity!(
    /// A hold of a member; a capture and a release name it.
    HoldId, text, 255
);
identity!(
    /// The type of an event as it stands in messages: `purchase`, `refund`, ... or a custom activity.
    EventType, text, 63
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        for good in ["a", "coffee-club", "0", "a1-b2", &"a".repeat(63)] {
            assert!(PipelineName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ü", &"a".repeat(64)] {
            assert!(PipelineName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_identity_takes_any_text_but_control_characters() {
        assert!(MemberId::parse("Ülkü +49 170 \u{1F600}").is_ok());
        assert_eq!(MemberId::parse("a\0b"), Err(IdError::Control));
        assert_eq!(MemberId::parse(&"x".repeat(256)), Err(IdError::TooLong { len: 256, max: 255 }));
    }
}
