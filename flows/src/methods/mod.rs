//! The sign-in methods, one folder each, and the static lists of who takes part in which flow.

pub mod account;
pub mod code;
pub mod identifier_first;
pub mod link;
pub mod password;
pub mod profile;

use async_trait::async_trait;
use identity::schemas::{ProjectSchema, Schemas};

use crate::{
    cx::Cx,
    decision::{Halt, Step},
    flow::{Flow, Kind},
    login::Login,
    recovery::Recovery,
    registration::Registration,
    settings::Settings,
    submission::Submission,
    ui::{self, Group, Ui, text},
    verification::Verification,
};

/// One way to get through one kind of flow.
#[async_trait]
pub trait Strategy<K: Kind>: Send + Sync {
    /// The value of `method` on its button.
    fn id(&self) -> &'static str;

    /// Draw this method's part of the form.
    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<K>, ui: &mut Ui) -> Result<(), Halt>;

    /// Is this submission mine? Pure.
    fn claims(&self, flow: &Flow<K>, submission: &Submission) -> bool;

    /// Judge the submission. Decide; never write.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<K>,
        submission: &Submission,
    ) -> Result<Step<K::Decision>, Halt>;
}

/// Who takes part in a login; the first that claims a submission judges it.
pub static LOGIN: &[&dyn Strategy<Login>] = &[
    &password::Password,
    &code::Code,
    &identifier_first::IdentifierFirst,
];

/// Who takes part in a registration.
pub static REGISTRATION: &[&dyn Strategy<Registration>] =
    &[&profile::Profile, &password::Password, &code::Code];

/// Who takes part in settings.
pub static SETTINGS: &[&dyn Strategy<Settings>] =
    &[&profile::Profile, &password::Password, &account::Account];

/// Who takes part in a recovery.
pub static RECOVERY: &[&dyn Strategy<Recovery>] = &[&code::Code, &link::Link];

/// Who takes part in a verification.
pub static VERIFICATION: &[&dyn Strategy<Verification>] = &[&code::Code, &link::Link];

/// The end of a verification: a link to go on by, where the form goes as well.
pub(crate) fn draw_continue(ui: &mut Ui, group: Group) {
    "GET".clone_into(&mut ui.method);
    let label = text::continue_label();
    let go_on = ui::anchor("continue", ui.action.clone(), label.clone());
    ui.push(go_on.group(group).label(label));
}

/// The schema a flow is about: the one chosen at init, else the default.
pub(crate) fn schema_of<K: Kind>(cx: &Cx<'_>, flow: &Flow<K>) -> Result<ProjectSchema, Halt> {
    let schemas = Schemas::of(cx.project);
    let id = flow.identity_schema.as_deref().unwrap_or_default();
    let found = schemas.get(id).cloned();
    found.ok_or_else(|| {
        tenants::Fault::broken(format!("identity schema {id:?} is not configured")).into()
    })
}
