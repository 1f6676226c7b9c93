//! Changes that waited for an address (`verify_new_address`) and are not true any more when it is verified:
//! they are answered like a wrong code, and nothing of them is written.
//!
//! Looks inside: the tables.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{Answer, Client, Kind, PASSWORD, Site, mailbox, story, text};
use uuid::Uuid;

use super::pending_change::{held, holding, led_to, profile, sent, typed};
use crate::flows::verification::{by_link, patient};

/// As after a wrong code, and the code is used up.
async fn is_over(project: &Project, client: &Client, id: &str, to: &str) {
    let kind = client.kind();
    let form = typed(project, client, id, to).await;
    assert_eq!(form.status, kind.reads(200), "{}", form.text);
    assert_eq!(form.messages(), [text::WRONG_VERIFICATION_CODE], "{kind:?}");
    assert_eq!(form.body["state"], "sent_email");
    if kind == Kind::Api {
        let code = mailbox::code_to(project, to).await;
        let again = client
            .submit(&form, json!({"method": "code", "code": code}))
            .await;
        assert_eq!(again.status, 410, "{}", again.text);
        assert_eq!(again.error_id(), Some("self_service_flow_replaced"));
    }
}

#[story]
async fn the_newer_change_counts(site: Site) {
    let project = site.project_with(merged(&holding(), &patient(50))).await;
    for kind in Kind::ALL {
        let of = |name: &str| format!("{name}-{kind:?}@x.org").to_lowercase();
        let client = site.signed_up(&project, kind, &of("a")).await;
        let first = held(&client, json!({"email": of("b")})).await;
        let second = held(&client, json!({"email": of("c")})).await;
        // The first one cannot be sent again: the answer is the same, and nothing is sent.
        let mails = mailbox::count(&project).await;
        let again = json!({"method": "code", "email": of("b")});
        let form = sent(&client, &first, again).await;
        assert_eq!(form.messages(), [text::VERIFICATION_CODE_MAILED]);
        assert_eq!(mailbox::count(&project).await, mails);
        let third = held(&client, json!({"email": of("d")})).await;
        is_over(&project, &client, &second, &of("c")).await;
        assert_eq!(client.traits().await, json!({"email": of("a")}));
        typed(&project, &client, &third, &of("d")).await;
        assert_eq!(client.traits().await, json!({"email": of("d")}));
    }
}

/// It is sent again to the address that waits, whatever is typed, while that is still free.
#[story]
async fn sent_again(site: Site) {
    let project = site.project_with(merged(&holding(), &patient(50))).await;
    for kind in Kind::ALL {
        let of = |name: &str| format!("{name}-{kind:?}@x.org").to_lowercase();
        let client = site.signed_up(&project, kind, &of("a")).await;
        let id = held(&client, json!({"email": of("b")})).await;
        let old = mailbox::code_to(&project, &of("b")).await;
        let again = json!({"method": "code", "email": of("elsewhere")});
        let form = sent(&client, &id, again.clone()).await;
        assert_eq!(form.status, kind.reads(200), "{}", form.text);
        assert_eq!(form.messages(), [text::VERIFICATION_CODE_MAILED]);
        let mail = mailbox::newest(&project).await;
        assert_eq!((&*mail.to, mail.code() == old), (&*of("b"), false));
        let wrong = json!({"method": "code", "code": old});
        let form = sent(&client, &id, wrong).await;
        assert_eq!(form.messages(), [text::WRONG_VERIFICATION_CODE]);
        typed(&project, &client, &id, &of("b")).await;
        assert_eq!(client.traits().await, json!({"email": of("b")}));

        let id = held(&client, json!({"email": of("c")})).await;
        site.signed_up(&project, Kind::Spa, &of("c")).await;
        let mails = mailbox::count(&project).await;
        let form = sent(&client, &id, again).await;
        assert_eq!(form.status, kind.reads(400), "{}", form.text);
        assert_eq!(form.messages(), [text::IDENTIFIER_TAKEN]);
        assert_eq!(mailbox::count(&project).await, mails);
    }
}

#[story]
async fn the_address_is_taken_meanwhile(site: Site) {
    let project = site.project_with(merged(&holding(), &patient(50))).await;
    for kind in Kind::ALL {
        let of = |name: &str| format!("{name}-{kind:?}@x.org").to_lowercase();
        let client = site.signed_up(&project, kind, &of("a")).await;
        let wanted = json!({"email": of("b"), "name": "Ada"});
        let id = held(&client, wanted).await;
        let mine = mailbox::code_to(&project, &of("b")).await;
        site.signed_up(&project, Kind::Spa, &of("b")).await;
        let typed = json!({"method": "code", "code": mine});
        let form = sent(&client, &id, typed.clone()).await;
        assert_eq!(form.status, kind.reads(400), "{}", form.text);
        assert_eq!(form.messages(), [text::IDENTIFIER_TAKEN]);
        assert_eq!(form.body["state"], "sent_email");
        assert_eq!(client.traits().await, json!({"email": of("a")}));
        let theirs = site.signed_in(&project, Kind::Spa, &of("b")).await;
        let theirs = theirs.whoami().await.body["identity"].clone();
        assert_eq!(theirs["verifiable_addresses"][0]["verified"], false);
        let again = client.submit(&form, typed).await;
        match kind {
            Kind::Html => assert_ne!(again.location_query("flow").as_deref(), Some(&*id)),
            _ => assert_eq!(again.status, 410, "{}", again.text),
        }
    }
}

#[story]
async fn the_account_is_another_meanwhile(site: Site) {
    let project = site.project_with(merged(&holding(), &patient(50))).await;
    for kind in Kind::ALL {
        let of = |name: &str| format!("{name}-{kind:?}@x.org").to_lowercase();
        let client = site.signed_up(&project, kind, &of("a")).await;
        let id = held(&client, json!({"email": of("b"), "name": "B"})).await;
        let flow = client.begin("settings", "").await;
        let other = json!({"email": of("a"), "name": "C"});
        let saved = client.submit_and_stay(&flow, profile(other.clone())).await;
        assert_eq!(saved.messages(), [text::SAVED]);
        is_over(&project, &client, &id, &of("b")).await;
        assert_eq!(client.traits().await, other);
    }
}

/// Signed out, disabled, deleted by an administrator, deleted by oneself.
#[story]
async fn the_session_or_the_account_is_gone(site: Site) {
    let deletes = json!({"insula": {"account": {"delete": true}}});
    let config = merged(&merged(&holding(), &patient(50)), &deletes);
    let project = site.project_with(config).await;
    let admin = site.admin(&project);
    for kind in Kind::ALL {
        let of = |name: &str| format!("{name}-{kind:?}@x.org").to_lowercase();
        let client = site.signed_up(&project, kind, &of("a")).await;
        let id = held(&client, json!({"email": of("b")})).await;
        let session = client.whoami().await.body["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let ended = admin.delete(&format!("/admin/sessions/{session}")).await;
        assert_eq!(ended.status, 204);
        is_over(&project, &client, &id, &of("b")).await;

        let client = site.signed_in(&project, kind, &of("a")).await;
        let id = held(&client, json!({"email": of("c")})).await;
        disable(&project, &of("a"), true).await;
        is_over(&project, &client, &id, &of("c")).await;
        disable(&project, &of("a"), false).await;

        let client = site.signed_in(&project, kind, &of("a")).await;
        assert_eq!(client.traits().await, json!({"email": of("a")}));
        let id = held(&client, json!({"email": of("d")})).await;
        let typed = mailbox::code_to(&project, &of("d")).await;
        let identity = client.whoami().await.body["identity"]["id"].clone();
        let path = format!("/admin/identities/{}", identity.as_str().unwrap());
        assert_eq!(admin.delete(&path).await.status, 204);
        let typed = json!({"method": "code", "code": typed});
        let form = sent(&client, &id, typed).await;
        assert_eq!(form.status, kind.reads(200), "{}", form.text);
        assert_eq!(form.messages(), [text::WRONG_VERIFICATION_CODE]);
    }
    let client = site.signed_up(&project, Kind::Spa, "own@x.org").await;
    let id = held(&client, json!({"email": "own-new@x.org"})).await;
    let flow = client.begin("settings", "").await;
    let fields = json!({"method": "account", "account_confirmation": "own@x.org"});
    assert_eq!(client.submit(&flow, fields).await.status, 200);
    // What waited goes as well.
    assert_eq!(client.flow("verification", &id).await.status, 404);
}

async fn disable(project: &Project, address: &str, is_disabled: bool) {
    let state = if is_disabled { "inactive" } else { "active" };
    let mut tx = project.begin().await.unwrap();
    let id: Uuid = sqlx::query_scalar(
        "update identities set state = $2 where id = (select identity_id from addresses
          where value = $1 and purpose = 'verifiable') returning id",
    )
    .bind(address)
    .bind(state)
    .fetch_one(tx.conn())
    .await
    .unwrap();
    tx.invalidate(id).await.unwrap();
    tx.commit().await.unwrap();
}

#[story]
async fn too_late(site: Site) {
    let project = site.project_with(holding()).await;
    let client = site.signed_up(&project, Kind::Spa, "a@x.org").await;
    let id = held(&client, json!({"email": "b@x.org"})).await;
    let form = client.flow("verification", &id).await;
    let typed = mailbox::code_to(&project, "b@x.org").await;
    site.world.clock.advance(TimeDelta::minutes(61));
    let late = client
        .submit(&form, json!({"method": "code", "code": typed}))
        .await;
    assert_eq!(late.status, 303, "{}", late.text);
    let fresh = client.get(late.location()).await;
    assert_eq!(fresh.messages(), [text::VERIFICATION_EXPIRED]);
    // What takes its place changes nothing.
    let again = json!({"method": "code", "email": "b@x.org"});
    client.submit(&fresh, again).await;
    assert_eq!(client.traits().await, json!({"email": "a@x.org"}));
}

/// There is no form for a link: a new verification says what became of it.
#[story]
async fn by_link_as_well(site: Site) {
    let project = site.project_with(merged(&holding(), &by_link())).await;
    let page = site.signed_up(&project, Kind::Html, "a@x.org").await;
    let follow = async |link: String| {
        let followed = page.get(&link).await;
        page.landed("verification", &followed).await
    };
    let link = async || mailbox::link(&project).await;

    held(&page, json!({"email": "b@x.org"})).await;
    let first = link().await;
    held(&page, json!({"email": "c@x.org"})).await;
    assert_eq!(
        follow(first).await.messages(),
        [text::WRONG_VERIFICATION_LINK]
    );
    let second = link().await;
    let flow = page.begin("settings", "").await;
    let named = json!({"email": "a@x.org", "name": "A"});
    page.submit_and_stay(&flow, profile(named.clone())).await;
    assert_eq!(
        follow(second).await.messages(),
        [text::WRONG_VERIFICATION_LINK]
    );
    held(&page, json!({"email": "d@x.org"})).await;
    let third = link().await;
    site.signed_up(&project, Kind::Spa, "d@x.org").await;
    assert_eq!(follow(third).await.messages(), [text::IDENTIFIER_TAKEN]);
    assert_eq!(page.traits().await, named);
}

/// Two people wait for one address, and type their codes at the same moment.
#[story]
async fn two_people_and_one_address(site: Site) {
    let project = site.project_with(holding()).await;
    let mut people = Vec::new();
    for n in 0..4 {
        let client = site
            .signed_up(&project, Kind::Spa, &format!("p{n}@x.org"))
            .await;
        let id = held(&client, json!({"email": "wanted@x.org"})).await;
        let form = client.flow("verification", &id).await;
        let typed = mailbox::code_to(&project, "wanted@x.org").await;
        people.push((client, form, json!({"method": "code", "code": typed})));
    }
    let sent = people
        .iter()
        .map(|(client, form, typed)| client.submit(form, typed.clone()));
    let answers: Vec<Answer> = join_all(sent).await;
    let mut won = 0;
    for (answer, (n, (client, ..))) in answers.iter().zip(people.iter().enumerate()) {
        let email = client.traits().await["email"].clone();
        if answer.status == 200 {
            won += 1;
            assert_eq!(email, "wanted@x.org");
        } else {
            assert_eq!(answer.status, 400, "{}", answer.text);
            assert_eq!(answer.messages(), [text::IDENTIFIER_TAKEN]);
            assert_eq!(email, format!("p{n}@x.org"));
        }
    }
    assert_eq!(won, 1);
}

/// At once: the code of a change, the code again, another change, a change that does not wait, and the end
/// of the account. Whatever comes first, the account is as one of them left it.
#[story]
async fn everything_at_once(site: Site) {
    let deletes = json!({"insula": {"account": {"delete": true}}});
    let config = merged(&merged(&holding(), &patient(50)), &deletes);
    let project = site.project_with(config).await;
    for round in 0..6 {
        let of = |name: &str| format!("{name}{round}@x.org");
        let client = site.signed_up(&project, Kind::Spa, &of("a")).await;
        let id = held(&client, json!({"email": of("b")})).await;
        let form = client.flow("verification", &id).await;
        let code = mailbox::code_to(&project, &of("b")).await;
        let typed = json!({"method": "code", "code": code});
        let (newer, named, gone) = (
            client.begin("settings", "").await,
            client.begin("settings", "").await,
            client.begin("settings", "").await,
        );
        let end = async {
            if round % 2 == 1 {
                let fields = json!({"method": "account", "account_confirmation": of("a")});
                client.submit(&gone, fields).await;
            }
        };
        let (first, second, newer, named, ()) = tokio::join!(
            client.submit(&form, typed.clone()),
            client.submit(&form, typed.clone()),
            client.submit(&newer, profile(json!({"email": of("c")}))),
            client.submit(&named, profile(json!({"email": of("a"), "name": "A"}))),
            end,
        );
        for answer in [&first, &second, &newer, &named] {
            assert!(answer.status.as_u16() < 500, "{}", answer.text);
        }
        let passed = [&first, &second]
            .iter()
            .filter(|answer| answer.body["state"] == "passed_challenge")
            .count();
        assert!(passed <= 1);
        let now = client.whoami().await;
        if now.status == 200 {
            let address = &now.body["identity"]["verifiable_addresses"][0];
            let email = now.body["identity"]["traits"]["email"].clone();
            assert_eq!(address["value"], email);
            assert!(email == of("a") || email == of("b"), "{email}");
            assert_eq!(address["verified"], email == of("b"));
            // It may have been changed again since; but it was not without the code.
            assert!(passed == 1 || email == of("a"));
        }
    }
}

/// An id of another project's is of no use, and what waits lies in the database as ciphertext.
#[story]
async fn what_waits_is_the_projects_own(site: Site) {
    let project = site.project_with(holding()).await;
    let other = site.project_with(holding()).await;
    let client = site.signed_up(&project, Kind::Api, "a@x.org").await;
    let flow = client.begin("settings", "").await;
    let wanted = json!({"email": "b@x.org", "name": "Lovelace"});
    let id = led_to(&client, &client.submit(&flow, profile(wanted)).await);
    let code = mailbox::code_to(&project, "b@x.org").await;

    let stranger = site.signed_up(&other, Kind::Spa, "a@x.org").await;
    assert_eq!(stranger.flow("verification", &id).await.status, 404);
    let path = format!("/self-service/verification?flow={id}");
    let typed = json!({"method": "code", "code": code});
    assert_eq!(stranger.post(&path, typed.clone()).await.status, 404);
    let mut tx = project.begin().await.unwrap();
    let (state, sealed): (Value, Option<String>) =
        sqlx::query_as("select state, state #>> '{state,held}' from flows where id = $1")
            .bind(id.parse::<Uuid>().unwrap())
            .fetch_one(tx.conn())
            .await
            .unwrap();
    drop(tx);
    assert!(!state.to_string().contains("Lovelace"));
    // The same ciphertext in another project's flow, and in another flow, opens nothing.
    let theirs = held(&stranger, json!({"email": "c@x.org"})).await;
    let mut tx = other.begin().await.unwrap();
    let swapped = "update flows set state = jsonb_set(state, '{state,held}', to_jsonb($2::text)) where id = $1";
    sqlx::query(swapped)
        .bind(theirs.parse::<Uuid>().unwrap())
        .bind(&sealed)
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    is_over(&other, &stranger, &theirs, "c@x.org").await;
    assert_eq!(stranger.traits().await, json!({"email": "a@x.org"}));
    // Where it belongs it is good; read the settings meanwhile as often as you like.
    assert_eq!(client.reread(&flow).await.status, 200);
    assert_eq!(client.post(&path, typed).await.status, 200);
    assert_eq!(client.traits().await["name"], "Lovelace");
    assert!(site.opens(&project, "b@x.org", PASSWORD).await);
}
