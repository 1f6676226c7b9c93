//! Replicas die, stop, stand still.

use crate::{Done, stage::Stage};

pub(crate) async fn killed(stage: &mut Stage) -> Done {
    for round in 0..stage.times(2) {
        let at = round % 2;
        stage.replicas[at].kill()?;
        stage.pause(8).await;
        stage.replicas[at].start()?;
        stage.ready(at).await?;
        stage.is_mended();
    }
    Ok(())
}
