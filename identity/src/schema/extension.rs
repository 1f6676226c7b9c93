//! The keyword `ory.sh/kratos` (docs/wire.md, W14.1): what a trait is used for besides being stored. A closed
//! object: an unknown member makes the schema invalid, because a typo there costs people their login.

use serde_json::{Map, Value};

use super::{SchemaProblem, Via};

pub(super) const KEYWORD: &str = "ory.sh/kratos";

/// What one trait is used for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extension {
    pub(super) password: bool,
    pub(super) webauthn: bool,
    pub(super) code: Option<Via>,
    pub(super) passkey_display_name: bool,
    pub(super) totp_account_name: bool,
    pub(super) verification: Option<Via>,
    pub(super) recovery: Option<Via>,
}

impl Extension {
    /// Whether its title may label the field of the login form.
    pub(super) fn labels_login(&self) -> bool {
        self.password
            || self.webauthn
            || self.code.is_some()
            || self.passkey_display_name
            || self.totp_account_name
    }

    /// How often its value is brought into its stored form.
    pub(super) fn uses(&self) -> u64 {
        let addresses = [self.code, self.verification, self.recovery];
        u64::from(self.password || self.webauthn) + addresses.iter().flatten().count() as u64
    }

    /// Whether its value is a phone number for at least one use.
    pub(super) fn is_phone(&self) -> bool {
        [self.code, self.verification, self.recovery].contains(&Some(Via::Sms))
    }
}

/// Reads the keyword's value; `pointer` is where it stands.
pub(super) fn read(value: &Value, pointer: &str, problems: &mut Vec<SchemaProblem>) -> Extension {
    let mut reader = Reader { problems };
    let mut found = Extension::default();
    for (name, part, at) in reader.object(value, pointer) {
        match name {
            "credentials" => reader.credentials(part, &at, &mut found),
            "verification" => found.verification = reader.via_only(part, &at),
            "recovery" => found.recovery = reader.via_only(part, &at),
            "organizations" => reader.organizations(part, &at),
            _ => reader.unknown(&at),
        }
    }
    found
}

struct Reader<'p> {
    problems: &'p mut Vec<SchemaProblem>,
}

impl Reader<'_> {
    fn complain(&mut self, pointer: &str, message: impl Into<String>) {
        self.problems.push(SchemaProblem::new(pointer, message));
    }

    fn unknown(&mut self, pointer: &str) {
        self.complain(pointer, format!("is not a member of `{KEYWORD}`"));
    }

    /// The members with their pointers; none, and a problem, when it is no object.
    fn object<'v>(&mut self, value: &'v Value, pointer: &str) -> Vec<(&'v str, &'v Value, String)> {
        static NOTHING: std::sync::LazyLock<Map<String, Value>> =
            std::sync::LazyLock::new(Map::new);
        let members = value.as_object().unwrap_or_else(|| {
            self.complain(pointer, "must be an object");
            &NOTHING
        });
        members
            .iter()
            .map(|(name, part)| (name.as_str(), part, super::pointer::join(pointer, name)))
            .collect()
    }

    fn flag(&mut self, value: &Value, pointer: &str) -> bool {
        value.as_bool().unwrap_or_else(|| {
            self.complain(pointer, "must be true or false");
            false
        })
    }

    fn via(&mut self, value: &Value, pointer: &str) -> Option<Via> {
        let via = value.as_str().and_then(|text| text.parse().ok());
        if via.is_none() {
            self.complain(pointer, "must be `email` or `sms`");
        }
        via
    }

    fn via_only(&mut self, value: &Value, pointer: &str) -> Option<Via> {
        let mut via = None;
        for (name, part, at) in self.object(value, pointer) {
            match name {
                "via" => via = self.via(part, &at),
                _ => self.unknown(&at),
            }
        }
        via
    }

    fn credentials(&mut self, value: &Value, pointer: &str, found: &mut Extension) {
        for (name, part, at) in self.object(value, pointer) {
            match name {
                "password" => found.password = self.single_flag(part, &at, "identifier"),
                "webauthn" => found.webauthn = self.single_flag(part, &at, "identifier"),
                "passkey" => {
                    found.passkey_display_name = self.single_flag(part, &at, "display_name");
                }
                "totp" => found.totp_account_name = self.single_flag(part, &at, "account_name"),
                "code" => found.code = self.code(part, &at),
                _ => self.unknown(&at),
            }
        }
    }

    fn single_flag(&mut self, value: &Value, pointer: &str, member: &str) -> bool {
        let mut flag = false;
        for (name, part, at) in self.object(value, pointer) {
            if name == member {
                flag = self.flag(part, &at);
            } else {
                self.unknown(&at);
            }
        }
        flag
    }

    fn code(&mut self, value: &Value, pointer: &str) -> Option<Via> {
        let (mut identifier, mut via) = (false, None);
        let before = self.problems.len();
        for (name, part, at) in self.object(value, pointer) {
            match name {
                "identifier" => identifier = self.flag(part, &at),
                "via" => via = self.via(part, &at),
                _ => self.unknown(&at),
            }
        }
        if identifier && via.is_none() && self.problems.len() == before {
            self.complain(
                pointer,
                "an identifier for codes needs `via`, either `email` or `sms`",
            );
        }
        via.filter(|_| identifier)
    }

    fn organizations(&mut self, value: &Value, pointer: &str) {
        for (name, part, at) in self.object(value, pointer) {
            match (name, part.as_str()) {
                ("matcher", Some("email_domain")) => {}
                ("matcher", _) => self.complain(&at, "must be `email_domain`"),
                _ => self.unknown(&at),
            }
        }
    }
}
