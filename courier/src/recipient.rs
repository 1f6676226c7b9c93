//! Which addresses a message can be sent to at all.

use identity::schema::{Address, Via};

const ADDRESS_BYTES_MAX: usize = 254;

/// Nothing that could end a line or begin a second address passes.
pub(crate) fn is_deliverable(to: &Address) -> bool {
    let visible = |text: &str| !text.chars().any(|c| c.is_control() || c.is_whitespace());
    match to.via {
        Via::Sms => !to.value.is_empty() && to.value.len() <= 64 && visible(&to.value),
        Via::Email => {
            let Some((local, domain)) = to.value.rsplit_once('@') else {
                return false;
            };
            let special = "!#$%&'*+-/=?^_`{|}~.";
            let word = |c: char| c.is_alphanumeric() || !c.is_ascii() || special.contains(c);
            let label = |c: char| c.is_alphanumeric() || !c.is_ascii() || c == '-';
            to.value.len() <= ADDRESS_BYTES_MAX
                && visible(&to.value)
                && (1..=64).contains(&local.len())
                && local.chars().all(word)
                && local.split('.').all(|part| !part.is_empty())
                && domain
                    .split('.')
                    .all(|part| !part.is_empty() && part.chars().all(label))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_smuggles_anything() {
        let mail = |value: &str| {
            is_deliverable(&Address {
                via: Via::Email,
                value: value.to_owned(),
            })
        };
        for good in [
            "a@b",
            "ada.l+x@example.org",
            "jürgen@müller.example",
            "o'neil@a-b.example",
        ] {
            assert!(mail(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c",
            "a@b\r\nBcc: c@d",
            "a@b>",
            "<a@b",
            "a@b,c@d",
            "a@b;c",
            "\"a b\"@c",
            "a..b@c",
            "a@b..c",
            "a@b\u{85}",
            "a\u{2028}@b",
            "a@[1.2.3.4]",
        ] {
            assert!(!mail(bad), "{bad:?}");
        }
    }
}
