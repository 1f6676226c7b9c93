//! Several submissions at once: one flow twice, two people and one address, and what changes while a
//! submission is judged.
//!
//! Looks inside: the tables, `identity`.

use futures_util::future::join_all;
use serde_json::json;
use tests::{ADA, Kind, OTHER_PASSWORD, PASSWORD, Site, story, text};

use super::basic;

#[story]
async fn one_flow_submitted_many_times_at_once(site: Site) {
    let project = site.project_with(basic()).await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    let flow = script.begin("settings", "").await;
    let names: Vec<String> = (0..6).map(|n| format!("Ada {n}")).collect();
    let sent = names.iter().map(|name| {
        let traits = json!({"email": ADA, "name": {"first": name}});
        script.submit(&flow, json!({"method": "profile", "traits": traits}))
    });
    let answers = join_all(sent).await;
    let mut saved = Vec::new();
    for (name, answer) in names.iter().zip(&answers) {
        match answer.status.as_u16() {
            200 => {
                assert_eq!(answer.body["identity"]["traits"]["name"]["first"], **name);
                saved.push(name.clone());
            }
            400 => assert_eq!(answer.messages(), [text::GENERIC], "{}", answer.text),
            503 => {}
            other => panic!("{other}: {}", answer.text),
        }
    }
    assert!(!saved.is_empty());
    let now = script.whoami().await.body["identity"]["traits"]["name"]["first"].clone();
    assert!(saved.iter().any(|name| now == **name), "{now} of {saved:?}");
    // The form can still be read and used.
    assert_eq!(script.reread(&flow).await.status, 200);
}

#[story]
async fn one_password_form_submitted_twice_at_once(site: Site) {
    let project = site.project().await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    let flow = script.begin("settings", "").await;
    let passwords = [OTHER_PASSWORD, "yet-another-one-here"];
    let sent = passwords
        .iter()
        .map(|password| script.submit(&flow, json!({"method": "password", "password": password})));
    let answers = join_all(sent).await;
    let saved: Vec<_> = passwords
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.status == 200)
        .map(|(password, _)| *password)
        .collect();
    assert!(!saved.is_empty());
    let mut open = Vec::new();
    for password in passwords {
        if site.opens(&project, ADA, password).await {
            open.push(password);
        }
    }
    assert_eq!(open.len(), 1, "one password, not a mixture");
    assert!(saved.contains(&open[0]));
    assert!(!site.opens(&project, ADA, PASSWORD).await);
}

#[story]
async fn two_people_and_one_address(site: Site) {
    let project = site.project().await;
    let mut people = Vec::new();
    for n in 0..4 {
        let email = format!("person{n}@example.org");
        let client = site.signed_up(&project, Kind::Spa, &email).await;
        let flow = client.begin("settings", "").await;
        people.push((email, client, flow));
    }
    let wanted = json!({"method": "profile", "traits": {"email": "wanted@example.org"}});
    let sent = people
        .iter()
        .map(|(_, client, flow)| client.submit(flow, wanted.clone()));
    let answers = join_all(sent).await;
    let won: Vec<usize> = (0..4).filter(|n| answers[*n].status == 200).collect();
    assert_eq!(
        won.len(),
        1,
        "{:?}",
        answers.iter().map(|a| a.status).collect::<Vec<_>>()
    );
    for (n, answer) in answers.iter().enumerate() {
        if won[0] != n {
            assert_eq!(
                answer.messages(),
                [text::IDENTIFIER_TAKEN],
                "{}",
                answer.text
            );
            assert!(site.opens(&project, &people[n].0, PASSWORD).await);
        }
    }
    assert!(site.opens(&project, "wanted@example.org", PASSWORD).await);
}

/// Two forms of one person, at once: each is a change of its own, and none is half made.
#[story]
async fn two_flows_of_one_person(site: Site) {
    let project = site.project_with(basic()).await;
    let one = site.signed_up(&project, Kind::Spa, ADA).await;
    let two = site.signed_in(&project, Kind::Api, ADA).await;
    let (first, second) = (
        one.begin("settings", "").await,
        two.begin("settings", "").await,
    );
    let traits = json!({"email": "moved@example.org"});
    let (moved, changed) = tokio::join!(
        one.submit(&first, json!({"method": "profile", "traits": traits})),
        two.submit(
            &second,
            json!({"method": "password", "password": OTHER_PASSWORD})
        ),
    );
    assert_eq!(moved.status, 200, "{}", moved.text);
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert!(
        site.opens(&project, "moved@example.org", OTHER_PASSWORD)
            .await
    );
    assert!(!site.opens(&project, ADA, OTHER_PASSWORD).await);
}

#[story]
async fn signed_out_meanwhile(site: Site) {
    let project = site.project().await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    let elsewhere = site.signed_in(&project, Kind::Spa, ADA).await;
    let flow = script.begin("settings", "").await;
    let fields = json!({"method": "password", "password": OTHER_PASSWORD});
    // At the same moment: either it was changed before, or it was not changed at all.
    let (sent, ended) = tokio::join!(script.submit(&flow, fields), elsewhere.delete("/sessions"));
    assert_eq!(ended.status, 200);
    let changed = site.opens(&project, ADA, OTHER_PASSWORD).await;
    match sent.status.as_u16() {
        200 => assert!(changed),
        401 => assert!(!changed),
        other => panic!("{other}: {}", sent.text),
    }
    assert_eq!(site.opens(&project, ADA, PASSWORD).await, !changed);
    let late = script.submit(&flow, json!({"method": "profile"})).await;
    assert_eq!(late.status, 401);
}

/// A row that another transaction holds makes the change wait just before it looks at the session for the
/// last time; by then the session is revoked.
#[story]
async fn signed_out_just_before_it_is_written(site: Site) {
    let project = site.project().await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    let flow = script.begin("settings", "").await;
    let session: uuid::Uuid = script.whoami().await.body["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut tx = project.begin().await.unwrap();
    identity::sessions::store::revoke(&mut tx, session)
        .await
        .unwrap();
    let fields = json!({"method": "password", "password": OTHER_PASSWORD});
    let (sent, ()) = tokio::join!(script.submit(&flow, fields), async {
        held_up(&project).await;
        tx.commit().await.unwrap();
    });
    assert_eq!(sent.status, 401, "{}", sent.text);
    assert!(site.opens(&project, ADA, PASSWORD).await);
    assert!(!site.opens(&project, ADA, OTHER_PASSWORD).await);
}

/// Until some statement of this project's role waits for a lock.
async fn held_up(project: &tenants::Project) {
    loop {
        let mut tx = project.begin().await.unwrap();
        let waiting: bool = sqlx::query_scalar(
            "select exists (select 1 from pg_locks l join pg_locks own on own.pid = l.pid and own.locktype = 'relation'
               where not l.granted and own.relation = 'sessions'::regclass)",
        )
        .fetch_one(tx.conn())
        .await
        .unwrap();
        drop(tx);
        if waiting {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// The account is disabled, or gone, while the form stands open.
#[story]
async fn gone_meanwhile(site: Site) {
    let project = site.project().await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    let flow = script.begin("settings", "").await;
    let id = flow.body["identity"]["id"].as_str().unwrap();
    let admin = site.admin(&project);
    let fields = json!({"method": "password", "password": OTHER_PASSWORD});
    let path = format!("/admin/identities/{id}");
    let (sent, gone) = tokio::join!(script.submit(&flow, fields), admin.delete(&path));
    assert_eq!(gone.status, 204);
    assert!(matches!(sent.status.as_u16(), 200 | 401), "{}", sent.text);
    assert_eq!(script.whoami().await.status, 401);
}
