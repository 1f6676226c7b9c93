//! A submission, read by the fields of a method.

use serde_json::json;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
struct Fields {
    one: Option<String>,
    two: Option<String>,
    more: Option<String>,
}

/// Whatever was sent, a struct holds what is found by name.
#[test]
fn a_struct_reads_what_text_finds() {
    let form = |pairs: &[(&str, &str)]| {
        let owned = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Submission::from_form(owned.collect())
    };
    let json = |body: Value| Submission::from_json(body.as_object().unwrap().clone());
    // As it may have been stored while its sender authenticated.
    let mut stored = json(json!({"two": "2"}));
    stored.json.insert("one".to_owned(), Value::Null);
    let rows = [
        (form(&[]), [None, None, None]),
        (
            form(&[
                ("one", ""),
                ("one", "a"),
                ("one", "b"),
                ("two", "0"),
                ("other", "x"),
            ]),
            [Some("a"), Some("0"), None],
        ),
        (
            json(json!({"one": null, "two": "", "more": " "})),
            [None, None, Some(" ")],
        ),
        (
            json(json!({"one": 12.5, "two": true, "more": -1, "other": {"a": [1]}})),
            [Some("12.5"), Some("true"), Some("-1")],
        ),
        (
            json(json!({"one": ["a", null], "two": {"b": {}}, "more": "\u{e9}"})),
            [Some(r#"["a",null]"#), Some(r#"{"b":{}}"#), Some("\u{e9}")],
        ),
        (stored, [None, Some("2"), None]),
    ];
    for (submission, wanted) in rows {
        let wanted = wanted.map(|text| text.map(str::to_owned));
        let found = ["one", "two", "more"].map(|name| submission.text(name));
        assert_eq!(found, wanted);
        let read: Fields = submission.read().unwrap();
        assert_eq!([read.one, read.two, read.more], wanted);
    }
}

#[test]
fn a_struct_that_asks_for_more_is_a_fault() {
    #[derive(Debug, Deserialize)]
    struct Needs {
        #[serde(rename = "one")]
        _one: u32,
    }
    let sent = Submission::from_form(vec![("one".to_owned(), "1".to_owned())]);
    assert!(sent.read::<Needs>().is_err());
    assert!(Submission::default().read::<Needs>().is_err());
}
