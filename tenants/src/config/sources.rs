//! Sources by http(s): which ones a document names, and how a fetched one takes its place. The fetching
//! is the caller's, through the guarded client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::document::ConfigDoc;
use super::schema::{SCHEMA, annotated};

/// Read no more than this of a source: 256 KiB, so that several fit into a document.
pub const SCHEMA_BYTES_MAX: usize = 256 << 10;

impl ConfigDoc {
    /// The `http(s)://` sources of a document not judged yet: pointer and URL of each.
    pub fn remote_sources(document: &Value) -> Vec<(String, String)> {
        let remote = |pointer: &str| {
            let url = document.pointer(pointer)?.as_str()?;
            let is_remote = url.starts_with("https://") || url.starts_with("http://");
            is_remote.then(|| url.to_owned())
        };
        annotated(&SCHEMA, document, "x-insula-source")
            .into_iter()
            .filter_map(|(pointer, _)| remote(&pointer).map(|url| (pointer, url)))
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
