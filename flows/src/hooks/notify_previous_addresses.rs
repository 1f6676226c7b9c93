//! `notify_previous_addresses`: those who had an account's addresses before a change hear of it, in the commit
//! that makes it. So an owner whose account was taken over hears of that too.

use async_trait::async_trait;

use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::Halt,
        hook::{About, Hook, Person, Subject},
    },
    kinds::settings::notices::{Recipients, notices},
};

pub(crate) struct NotifyPreviousAddresses {
    pub(crate) recipients: Recipients,
}

#[async_trait]
impl Hook for NotifyPreviousAddresses {
    async fn before_commit(
        &self,
        cx: &Cx<'_>,
        about: &About<'_>,
        attempt: &mut Attempt,
        subject: &mut Subject,
    ) -> Result<(), Halt> {
        let Person::Changed { before, after } = &subject.person else {
            return Ok(());
        };
        // A change that is held back is told of when it is made.
        let after = after.as_ref().filter(|_| subject.held.is_none());
        let Some(after) = after else {
            return Ok(());
        };
        let notices = notices(
            cx,
            about.request_url,
            attempt,
            (self.recipients, before, after),
        )
        .await?;
        subject.effects.append(notices);
        Ok(())
    }
}
