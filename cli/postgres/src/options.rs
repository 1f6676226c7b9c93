//! What a server is started with.

use std::path::PathBuf;

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that keeps the data; made when it is missing.
    pub data: PathBuf,
    /// False switches off `fsync`, `synchronous_commit` and `full_page_writes`: for tests, whose
    /// data need not survive a power cut.
    pub durable: bool,
    /// The server's `max_connections`.
    pub max_connections: u32,
    /// Further settings (name, value); they win over ours.
    pub settings: Vec<(String, String)>,
}
