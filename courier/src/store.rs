//! Rows of `messages`. What they say is sealed under the project's key, because it holds codes.

use chrono::{DateTime, Utc};
use identity::schema::{Address, Via};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenants::{Fault, Job, Tx, ids};
use uuid::Uuid;

/// A rendered message, not yet stored.
#[derive(Clone)]
pub struct Message {
    /// UUIDv4; also its Message-ID.
    pub id: Uuid,
    /// The recipient.
    pub to: Address,
    /// The template's name.
    pub template_type: &'static str,
    /// The identity that it is about.
    pub identity_id: Option<Uuid>,
    /// What it says.
    pub content: Content,
}

impl std::fmt::Debug for Message {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("template_type", &self.template_type)
            .finish_non_exhaustive()
    }
}

/// What a message says, and what delivery services learn besides. Sealed at rest.
#[derive(Clone, Serialize, Deserialize)]
pub struct Content {
    /// Empty for text messages.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// The template's variables by their JSON names.
    pub template_data: Value,
    /// Name to values.
    pub request_headers: Value,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is what it says")]
pub enum Status {
    Queued,
    Processing,
    Sent,
    Abandoned,
}

/// One attempt to send a message, as the API shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dispatch {
    /// UUIDv4.
    pub id: Uuid,
    /// `failed` or `success`.
    pub status: String,
    /// The inner error object.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Value>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub updated_at: DateTime<Utc>,
}

/// Store a message and ask for its sending, in the caller's transaction.
pub async fn enqueue(tx: &mut Tx, message: &Message) -> Result<(), Fault> {
    insert(tx, message).await?;
    let now = tx.project().now();
    let job = Job::SendMessage {
        message: message.id,
    };
    tx.enqueue(&job, now).await
}

/// Store a message without a job that sends it.
pub async fn insert(tx: &mut Tx, message: &Message) -> Result<(), Fault> {
    let now = tx.project().now();
    let plain = serde_json::to_vec(&message.content)
        .map_err(|e| Fault::broken(format!("a message cannot be stored: {e}")))?;
    let key = tx.project().data_key();
    let sealed = key.seal(message.id.as_bytes(), &plain, ids::bytes());
    sqlx::query!(
        "insert into messages (id, status, channel, recipient, template_type, identity_id, content, created_at, updated_at)
         values ($1, 'queued', $2, $3, $4, $5, $6, $7, $7)",
        message.id,
        message.to.via.as_str(),
        message.to.value,
        message.template_type,
        message.identity_id,
        sealed,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Delete the messages about an identity that is deleted. What is still on its way stays: it may be the notice that
/// tells the owner of an intruder in the account.
pub async fn forget(tx: &mut Tx, identity_id: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "delete from messages where identity_id = $1 and status in ('sent', 'abandoned')",
        identity_id
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A stored message with its text.
pub struct Stored {
    /// UUIDv4; also its Message-ID.
    pub id: Uuid,
    /// Where it stands.
    pub status: Status,
    /// The recipient.
    pub to: Address,
    /// The template's name.
    pub template_type: String,
    /// How many attempts were begun.
    pub send_count: i32,
    /// The attempts, the newest last.
    pub dispatches: Vec<Dispatch>,
    /// What it says.
    pub content: Content,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which messages a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In this state only.
    pub status: Option<Status>,
    /// To this recipient only.
    pub recipient: Option<String>,
    /// After this one, in the order of the list.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

impl Status {
    /// The name stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Sent => "sent",
            Self::Abandoned => "abandoned",
        }
    }

    fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_value(json!(text))
            .map_err(|_| Fault::broken(format!("unknown message status {text:?}")))
    }
}

/// The message of that id.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Stored>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "select id, status, channel, recipient, template_type, content, send_count, dispatches, created_at, updated_at
           from messages where id = $1",
        id
    );
    let row = row.fetch_optional(tx.conn()).await?;
    row.map(|row| row.read(tx)).transpose()
}

/// A page of messages, newest first.
pub async fn list(tx: &mut Tx, filter: &Filter, limit: i64) -> Result<Vec<Stored>, Fault> {
    let (after_at, after_id) = filter.after.unzip();
    let rows = sqlx::query_as!(
        Row,
        "select id, status, channel, recipient, template_type, content, send_count, dispatches, created_at, updated_at
           from messages
          where ($1::text is null or status = $1) and ($2::text is null or recipient = $2)
            and ($3::timestamptz is null or created_at <= $3)
            and ($3::timestamptz is null or created_at < $3 or id > $4)
          order by created_at desc, id limit $5",
        filter.status.map(Status::as_str),
        filter.recipient,
        after_at,
        after_id,
        limit
    );
    let rows = rows.fetch_all(tx.conn()).await?;
    rows.into_iter().map(|row| row.read(tx)).collect()
}

/// The messages about an identity, newest first: where each went and when, not what it said (it may hold
/// a code).
pub async fn about_identity(
    tx: &mut Tx,
    identity_id: Uuid,
    limit: i64,
) -> Result<Vec<Value>, Fault> {
    let rows = sqlx::query!(
        "select id, status, channel, recipient, template_type, created_at, updated_at
           from messages where identity_id = $1 order by created_at desc, id limit $2",
        identity_id,
        limit
    );
    let rows = rows.fetch_all(tx.conn()).await?;
    let view = rows.into_iter().map(|row| {
        json!({
            "id": row.id,
            "status": row.status,
            "channel": row.channel,
            "recipient": row.recipient,
            "template_type": row.template_type,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        })
    });
    Ok(view.collect())
}

struct Row {
    id: Uuid,
    status: String,
    channel: String,
    recipient: String,
    template_type: String,
    content: Vec<u8>,
    send_count: i32,
    dispatches: Value,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn read(self, tx: &Tx) -> Result<Stored, Fault> {
        let unreadable = |e: &dyn std::fmt::Display| {
            Fault::broken(format!("unreadable message {}: {e}", self.id))
        };
        let key = tx.project().data_key();
        let plain = key
            .open(self.id.as_bytes(), &self.content)
            .map_err(|e| unreadable(&e))?;
        let content = serde_json::from_slice(&plain).map_err(|e| unreadable(&e))?;
        let dispatches =
            serde_json::from_value(self.dispatches.clone()).map_err(|e| unreadable(&e))?;
        let via = if self.channel == "sms" {
            Via::Sms
        } else {
            Via::Email
        };
        Ok(Stored {
            id: self.id,
            status: Status::read(&self.status)?,
            to: Address {
                via,
                value: self.recipient,
            },
            template_type: self.template_type,
            send_count: self.send_count,
            dispatches,
            content,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}
