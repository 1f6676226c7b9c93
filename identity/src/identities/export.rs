//! What is stored about a person elsewhere than in their own row.

use serde_json::{Value, json};
use tenants::{Fault, Tx};
use uuid::Uuid;

/// The messages about an identity, newest first: where each went and when, not what it said (it may hold
/// a code).
pub async fn messages_of(tx: &mut Tx, identity_id: Uuid, limit: i64) -> Result<Vec<Value>, Fault> {
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
