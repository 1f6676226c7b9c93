//! Fifty at once.
//!
//! Looks inside: the tables.

use super::*;
use futures_util::future::join_all;
use tests::story;

async fn count(project: &Project, what: &str) -> i64 {
    let mut tx = project.begin().await.unwrap();
    let count = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {what}")));
    count.fetch_one(tx.conn()).await.unwrap()
}

#[story]
async fn fifty_wrong_codes_use_up_every_try(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let client = site.client(&project, Kind::Api);
    let sent = ask(&client, ADA).await;
    let code = mailbox::code_to(&project, ADA).await;
    let wrong = another(&code);
    let answers = join_all((0..50).map(|_| client.submit(&sent, fields(ADA, &wrong)))).await;
    let wrong = answers
        .iter()
        .filter(|a| a.messages() == [text::WRONG_LOGIN_CODE])
        .count();
    let refused = answers
        .iter()
        .filter(|a| a.messages() == [text::GENERIC])
        .count();
    assert_eq!(
        (wrong, refused),
        (5, 45),
        "so many were compared and no more"
    );
    let refused = client.submit(&sent, fields(ADA, &code)).await;
    assert_eq!(refused.messages(), [text::GENERIC]);
    assert_eq!(count(&project, "sessions").await, 0);
    site.world.sweep().await;
}

#[story]
async fn one_code_fifty_times_signs_in_once(site: Site) {
    for max_submissions in [5, 255] {
        let config = json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": max_submissions}}}}});
        let project = site.project_with(passwordless(&config)).await;
        make(&site, &project, json!({"email": ADA}), false).await;
        let client = site.client(&project, Kind::Api);
        let sent = ask(&client, ADA).await;
        let code = mailbox::code_to(&project, ADA).await;
        let answers = join_all((0..50).map(|_| client.submit(&sent, fields(ADA, &code)))).await;
        let done = answers
            .iter()
            .filter(|a| a.status == StatusCode::OK)
            .count();
        assert_eq!(
            done,
            1,
            "{:?}",
            answers.iter().map(Answer::messages).collect::<Vec<_>>()
        );
        assert!(
            answers
                .iter()
                .all(|a| matches!(a.status.as_u16(), 200 | 400))
        );
        assert_eq!(count(&project, "sessions").await, 1);
        // No submission that came too late put the flow back to where a code is awaited.
        let read = client.reread(&sent).await;
        assert_eq!(read.body["state"], "passed_challenge");
    }
    site.world.sweep().await;
}

#[story]
async fn one_code_fifty_times_signs_up_once(site: Site) {
    for max_submissions in [5, 255] {
        let config = json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": max_submissions}}}}});
        let project = site.project_with(passwordless(&config)).await;
        let client = site.client(&project, Kind::Api);
        let traits = json!({"email": ADA});
        let flow = client.begin("registration", "").await;
        let sent = client
            .submit(&flow, json!({"method": "code", "traits": traits}))
            .await;
        let code = mailbox::code_to(&project, ADA).await;
        let bring = json!({"method": "code", "traits": traits, "code": code});
        let answers = join_all((0..50).map(|_| client.submit(&sent, bring.clone()))).await;
        let done = answers
            .iter()
            .filter(|a| a.status == StatusCode::OK)
            .count();
        assert_eq!(
            done,
            1,
            "{:?}",
            answers.iter().map(Answer::messages).collect::<Vec<_>>()
        );
        assert_eq!(count(&project, "identities").await, 1);
        let read = client.reread(&sent).await;
        assert_eq!(read.body["state"], "passed_challenge");
    }
    site.world.sweep().await;
}

/// After several requests one code is good: the last.
#[story]
async fn several_codes_asked_for_at_once_leave_one(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let client = site.client(&project, Kind::Api);
    let sent = ask(&client, ADA).await;
    let resend = json!({"method": "code", "identifier": ADA, "resend": "code"});
    let answers = join_all((0..3).map(|_| client.submit(&sent, resend.clone()))).await;
    assert!(
        answers
            .iter()
            .all(|a| matches!(a.status.as_u16(), 400 | 503)),
        "{answers:?}"
    );
    assert_eq!(count(&project, "codes").await, 1);
    let mut codes: Vec<String> = mailbox::all(&project)
        .await
        .into_iter()
        .map(|mail| mail.code().to_owned())
        .collect();
    codes.dedup();
    let mut done = 0;
    for code in codes {
        let answer = client.submit(&sent, fields(ADA, &code)).await;
        done += u32::from(answer.status == StatusCode::OK);
    }
    assert_eq!(done, 1);
    site.world.sweep().await;
}
