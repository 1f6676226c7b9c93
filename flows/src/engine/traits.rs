//! Traits judged by their schema, on the threads for that.

use identity::{Judgement, schema::Derived, schemas::ProjectSchema};
use serde_json::Value;
use tenants::Fault;

use super::{
    cx::Cx,
    decision::{Halt, Refusal},
};

/// What traits derive to, or why they do not fit their schema. No transaction may be open.
pub(crate) async fn judge_traits(
    cx: &Cx<'_>,
    schema: &ProjectSchema,
    traits: &Value,
) -> Result<Judgement, Fault> {
    let judging = &cx.people.judging;
    judging.derive(cx.project, &schema.schema, traits).await
}

/// The same where there is nothing else to complain about.
pub(crate) async fn derive(
    cx: &Cx<'_>,
    schema: &ProjectSchema,
    traits: &Value,
) -> Result<Derived, Halt> {
    let judged = judge_traits(cx, schema, traits).await?;
    judged.map_err(|violations| Halt::refused(Refusal::violations(violations)))
}
