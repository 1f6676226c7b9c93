//! Sources by http(s) and by file: which ones a document names, and how what was read takes its place. The
//! reading is the caller's: by http(s) the server's, through the guarded client; of files the command's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::document::ConfigDoc;
use super::schema::{SCHEMA, annotated};
use super::unsupported_keys;

/// Read no more than this of a source: 256 KiB, so that several fit into a document.
pub const SCHEMA_BYTES_MAX: usize = 256 << 10;

impl ConfigDoc {
    /// The `http(s)://` sources of a document not judged yet: pointer and URL of each.
    pub fn remote_sources(document: &Value) -> Vec<(String, String)> {
        sources(document, |url| {
            url.starts_with("https://") || url.starts_with("http://")
        })
    }

    /// The `file://` sources of a document or merge patch: pointer and URL of each. They lie with
    /// the author of the document, so that the command that sends it reads them.
    pub fn file_sources(document: &Value) -> Vec<(String, String)> {
        sources(document, |url| url.starts_with("file://"))
    }

    /// Leave out of a document that was written for Kratos what is not a project's to say: the installation's
    /// keys, and those of the commercial edition. A note for each.
    pub fn leave_out_foreign(document: &mut Value) -> Vec<String> {
        let mut notes = Vec::new();
        unsupported_keys::leave_out(document, &mut notes);
        notes
    }

    /// The Jsonnet of an accepted document: pointer and text of each.
    pub(crate) fn snippets(&self) -> Vec<(String, String)> {
        let document = self.plain();
        let found = annotated(&SCHEMA, document, "x-insula-jsonnet").into_iter();
        found
            .filter_map(|(pointer, _)| {
                let source = document.pointer(&pointer)?.as_str()?;
                let bytes = STANDARD.decode(source.strip_prefix("base64://")?).ok()?;
                Some((pointer, String::from_utf8(bytes).ok()?))
            })
            .collect()
    }

    /// Put what was fetched in the place of its URL, as `base64://`. False when nothing is there.
    pub fn inline(document: &mut Value, pointer: &str, bytes: &[u8]) -> bool {
        let Some(place) = document.pointer_mut(pointer) else {
            return false;
        };
        *place = Value::from(format!("base64://{}", STANDARD.encode(bytes)));
        true
    }
}

fn sources(document: &Value, wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let found = annotated(&SCHEMA, document, "x-insula-source").into_iter();
    found
        .filter_map(|(pointer, _)| {
            let url = document.pointer(&pointer)?.as_str()?;
            wanted(url).then(|| (pointer.clone(), url.to_owned()))
        })
        .collect()
}
