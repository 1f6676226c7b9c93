//! The formats whose meaning here differs from, or is unknown to, the validator: email, loose email, tel.

use crate::normalize;

const EMAIL_BYTES_MAX: usize = 254;
const EMAIL_LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_LABEL_BYTES_MAX: usize = 63;

/// An address one can send to: RFC 5322 dot-atom (letters of any script) or quoted local part, host name.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let short = text.len() <= EMAIL_BYTES_MAX && local.len() <= EMAIL_LOCAL_BYTES_MAX;
    short && (is_dot_atom(local) || is_quoted(local)) && domain.split('.').all(is_label)
}

/// Something on both sides of an `@`, and nothing that could break out of a mail header.
pub(crate) fn is_email_loose(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    plain
        && text.len() <= EMAIL_BYTES_MAX
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// A valid phone number with its country code.
pub(super) fn is_tel(text: &str) -> bool {
    normalize::phone(text).is_some()
}

fn is_dot_atom(local: &str) -> bool {
    let atext = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(c)
            || (!c.is_ascii() && c.is_alphanumeric())
    };
    local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(atext))
}

/// Escapes are left out: no real address needs them.
fn is_quoted(local: &str) -> bool {
    let inner = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| {
        !inner.is_empty()
            && inner
                .bytes()
                .all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\'))
    })
}

fn is_label(label: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = label.as_bytes();
    bytes.len() <= DOMAIN_LABEL_BYTES_MAX
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::{is_email, is_email_loose};

    #[test]
    fn emails_are_judged() {
        for good in [
            "a@b",
            "foo@example.org",
            "o'neil+shop@sub.example.co",
            "jörg@example.org",
            "\"a b\"@example.org",
            "x@xn--bcher-kva.example",
        ] {
            assert!(is_email(good), "{good}");
        }
        let long_local = format!("{}@example.org", "x".repeat(65));
        let long = format!("x@{}example.org", "abcdefghi.".repeat(25));
        for bad in [
            "",
            "@",
            "foo",
            "foo@",
            "@b",
            " a@b",
            "a@b ",
            "a b@c",
            "a..b@c",
            ".a@c",
            "a@-b",
            "a@b..c",
            "a@b.",
            "a@[127.0.0.1]",
            "A <a@b>",
            "a\u{200B}b@example.org",
            "a@b\r\nBcc: c@d",
            "\"\"@b",
            "\"a\"b\"@c",
            "a@bücher.example",
            &long_local,
            &long,
        ] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(is_email(&format!("{}@example.org", "x".repeat(64))));
        assert!(is_email_loose("a..b@c_d") && !is_email_loose("a@") && !is_email_loose("a@b\n"));
    }
}
