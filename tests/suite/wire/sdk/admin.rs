//! Identities, sessions and schemas, as a back office handles them.

use ory_kratos_client::{
    apis::identity_api::{self as office_api, CreateIdentityError},
    models::{
        CreateIdentityBody, IdentityWithCredentials, IdentityWithCredentialsPassword,
        IdentityWithCredentialsPasswordConfig, SuccessfulNativeLogin, identity,
        identity_credentials::TypeEnum,
    },
};
use serde_json::json;
use tests::{ADA, Kind, PASSWORD, Site, story};

use super::{AGENT, native::is_password_session, native_app, office, refused};

fn person(email: &str) -> CreateIdentityBody {
    CreateIdentityBody::new("preset://email".to_owned(), json!({"email": email}))
}

fn with_password(email: &str) -> CreateIdentityBody {
    let config = IdentityWithCredentialsPasswordConfig {
        password: Some(PASSWORD.to_owned()),
        ..Default::default()
    };
    let password = IdentityWithCredentialsPassword {
        config: Some(Box::new(config)),
    };
    let credentials = IdentityWithCredentials {
        password: Some(Box::new(password)),
        ..Default::default()
    };
    CreateIdentityBody {
        credentials: Some(Box::new(credentials)),
        metadata_admin: Some(Some(json!({"note": "imported"}))),
        external_id: Some("crm-1".to_owned()),
        ..person(email)
    }
}

#[story]
async fn makes_shows_and_deletes_an_identity(site: Site) {
    let project = site.project().await;
    let sdk = office(&project);
    let made = office_api::create_identity(&sdk, Some(with_password(ADA)))
        .await
        .unwrap();
    assert_eq!(made.traits, Some(json!({"email": ADA})));
    assert_eq!(made.state, Some(identity::StateEnum::Active));
    assert_eq!(made.external_id.as_deref(), Some("crm-1"));
    assert_eq!(made.metadata_admin, Some(Some(json!({"note": "imported"}))));
    assert_eq!(made.metadata_public, Some(None));
    assert_eq!(made.organization_id, Some(None));
    let password = &made.credentials.as_ref().unwrap()["password"];
    assert_eq!(password.r#type, Some(TypeEnum::Password));
    assert_eq!(password.identifiers, Some(vec![ADA.to_owned()]));
    assert_eq!(password.config, None);

    let shown = office_api::get_identity(&sdk, &made.id, None)
        .await
        .unwrap();
    assert_eq!((&shown.id, &shown.traits), (&made.id, &made.traits));
    let include = Some(vec!["password".to_owned()]);
    let opened = office_api::get_identity(&sdk, &made.id, include).await;
    let credentials = opened.unwrap().credentials.unwrap();
    let config = credentials["password"].config.as_ref().unwrap();
    let hash = config["hashed_password"].as_str().unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");

    let twice = refused(office_api::create_identity(&sdk, Some(person(ADA))).await);
    let Some(CreateIdentityError::Status400(envelope)) = twice.entity else {
        panic!("{}", twice.content)
    };
    assert_eq!(envelope.error.code, Some(409));
    let bad = refused(office_api::create_identity(&sdk, Some(person("nope"))).await);
    assert_eq!(bad.status, 400);

    office_api::delete_identity(&sdk, &made.id).await.unwrap();
    let gone = refused(office_api::get_identity(&sdk, &made.id, None).await);
    assert_eq!(gone.status, 404);
    let nobody = native_app(&project);
    let locked = refused(office_api::delete_identity(&nobody, &made.id).await);
    assert_eq!(locked.status, 401);
}

#[story]
async fn lists_identities(site: Site) {
    let project = site.project().await;
    let sdk = office(&project);
    let mut made = Vec::new();
    for n in 0..3 {
        let body = person(&format!("listed-{n}@example.org"));
        let one = office_api::create_identity(&sdk, Some(body)).await.unwrap();
        made.push(one.id);
    }
    made.sort();
    let page = async |size: Option<i64>, token: Option<&str>| {
        let listed = office_api::list_identities(
            &sdk, None, None, size, token, None, None, None, None, None, None,
        );
        let ids = listed.await.unwrap().into_iter().map(|person| person.id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(page(None, None).await, made);
    let first = page(Some(2), None).await;
    assert_eq!(first, made[..2]);
    // The crate shows no headers: the last id is a token as well (W13.2).
    assert_eq!(page(Some(2), Some(&first[1])).await, made[2..]);

    let found = office_api::list_identities(
        &sdk,
        None,
        None,
        None,
        None,
        None,
        Some(made[1..].to_vec()),
        None,
        None,
        None,
        None,
    );
    assert_eq!(found.await.unwrap().len(), 2);
    let found = office_api::list_identities(
        &sdk,
        None,
        None,
        None,
        None,
        None,
        None,
        Some("LISTED-1@example.org"),
        None,
        None,
        None,
    );
    let found = found.await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].traits,
        Some(json!({"email": "listed-1@example.org"}))
    );
    assert!(found[0].credentials.is_some());
}

#[story]
async fn shows_and_ends_sessions(site: Site) {
    let project = site.project().await;
    let sdk = office(&project);
    let mut client = site.client(&project, Kind::Api);
    client.set_header("user-agent", AGENT);
    client.sign_up(ADA, PASSWORD).await;
    site.world.clock.advance(chrono::TimeDelta::seconds(1));
    let signed_in = client.sign_in(ADA, PASSWORD).await.body;
    let newest: SuccessfulNativeLogin = serde_json::from_value(signed_in).unwrap();
    let newest = newest.session;
    let id = newest.identity.as_ref().unwrap().id.clone();

    let of_one = async |active: Option<bool>, size: Option<i64>, page: Option<i64>| {
        let listed = office_api::list_identity_sessions(&sdk, &id, size, page, None, None, active);
        listed.await.unwrap()
    };
    let all = of_one(Some(true), None, None).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].id, newest.id);
    let second = of_one(None, Some(1), Some(2)).await;
    assert_eq!((second.len(), &second[0].id), (1, &all[1].id));

    let both = Some(vec!["identity".to_owned(), "devices".to_owned()]);
    let listed = office_api::list_sessions(&sdk, Some(1), None, Some(true), both.clone());
    let listed = listed.await.unwrap();
    assert_eq!((listed.len(), &listed[0].id), (1, &newest.id));
    is_password_session(&listed[0]);
    let shown = office_api::get_session(&sdk, &newest.id, both.clone()).await;
    is_password_session(&shown.unwrap());

    office_api::disable_session(&sdk, &newest.id).await.unwrap();
    let shown = office_api::get_session(&sdk, &newest.id, None)
        .await
        .unwrap();
    assert_eq!(shown.active, Some(false));
    assert_eq!(of_one(Some(true), None, None).await.len(), 1);
    office_api::delete_identity_sessions(&sdk, &id)
        .await
        .unwrap();
    assert!(of_one(None, None, None).await.is_empty());
    let gone = refused(office_api::get_session(&sdk, &newest.id, None).await);
    assert_eq!(gone.status, 404);
}

#[story]
async fn reads_the_schemas(site: Site) {
    let project = site.project().await;
    let sdk = office(&project);
    let all = office_api::list_identity_schemas(&sdk, None, None, None, None)
        .await
        .unwrap();
    let email = all.iter().find(|s| s.id == "preset://email").unwrap();
    let one = office_api::get_identity_schema(&sdk, "preset://email").await;
    assert_eq!(one.unwrap(), email.schema);
    let page = office_api::list_identity_schemas(&sdk, Some(2), Some(1), None, None).await;
    let ids: Vec<_> = page.unwrap().into_iter().map(|s| s.id).collect();
    let expected: Vec<_> = all.iter().skip(2).take(2).map(|s| s.id.clone()).collect();
    assert_eq!(ids, expected);
}
