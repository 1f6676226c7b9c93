//! API keys: whose they are, when they end, and how fast the end is known everywhere.
//!
//! Looks inside: the tables.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use tenants::{Actor, Environment, Installation, KeyPage, KeyRequest, NewKey, Role};
use tests::{Database, World, eventually, story};
use uuid::Uuid;

async fn installation_key(world: &World, role: Role, lives: Option<TimeDelta>) -> NewKey {
    let request = KeyRequest {
        project: None,
        name: "a key".to_owned(),
        role,
        expires_at: lives.map(|lives| world.clock.now() + lives),
    };
    world
        .installation()
        .create_key(&Actor::system(), &request)
        .await
        .unwrap()
}

async fn opens(installation: &Installation, token: &str) -> bool {
    installation
        .authenticate_key(token)
        .await
        .unwrap()
        .is_some()
}

#[story]
async fn a_key_shows_whose_it_is(w: World) {
    let (project, first) = w.create(Environment::Production, json!({})).await;
    let key = w
        .installation()
        .authenticate_key(&first.token)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (key.id, key.project, key.role),
        (first.id, Some(project.id()), Role::Owner)
    );
    assert!(key.may(Role::Owner, project.id()));
    assert!(!key.may(Role::Viewer, w.neighbour().id()));
    assert_eq!(
        w.installation().owner_of_key(first.id).await.unwrap(),
        Some(Some(project.id()))
    );

    let second = installation_key(&w, Role::Viewer, None).await;
    let key = w
        .installation()
        .authenticate_key(&second.token)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((key.project, key.role), (None, Role::Viewer));
    assert!(second.token.starts_with(&second.prefix));
}

#[story]
async fn a_wrong_secret_opens_nothing_and_none_is_stored(w: World) {
    let (_, key) = w.create(Environment::Production, json!({})).await;
    let (public, secret) = key.token.rsplit_once('_').unwrap();
    let other = installation_key(&w, Role::Owner, None).await;
    let foreign = other.token.rsplit_once('_').unwrap().1;
    let flipped: String = secret.chars().rev().collect();
    let unknown = Uuid::from_u128(7).simple();
    for wrong in [
        String::new(),
        public.to_owned(),
        format!("{public}_{foreign}"),
        format!("{public}_{flipped}"),
        format!("ins_01{unknown}_{secret}"),
        format!(" {}", key.token),
    ] {
        assert!(!opens(w.installation(), &wrong).await, "{wrong}");
    }
    assert!(opens(w.installation(), &key.token).await);
    let mut all = w.database().superuser().await;
    let stored: i64 = sqlx::query_scalar(
        "select count(*) from control.api_keys k where k::text like '%' || $1 || '%'",
    )
    .bind(secret)
    .fetch_one(&mut all)
    .await
    .unwrap();
    assert_eq!(stored, 0);
}

#[story]
async fn a_key_ends_by_the_clock_also_from_memory(w: World) {
    let key = installation_key(&w, Role::Admin, Some(TimeDelta::hours(1))).await;
    assert!(opens(w.installation(), &key.token).await);
    w.clock.advance(TimeDelta::minutes(59));
    assert!(opens(w.installation(), &key.token).await);
    w.clock.advance(TimeDelta::minutes(1));
    assert!(!opens(w.installation(), &key.token).await);
}

#[story]
async fn a_revoked_key_is_dead_here_at_once_and_soon_everywhere(w: World) {
    let replica = w.replica().await;
    let mut slowest = Duration::ZERO;
    for _ in 0..4 {
        let key = installation_key(&w, Role::Admin, None).await;
        assert!(opens(w.installation(), &key.token).await);
        assert!(opens(&replica, &key.token).await);
        assert!(
            w.installation()
                .revoke_key(&Actor::system(), key.id)
                .await
                .unwrap()
        );
        assert!(!opens(w.installation(), &key.token).await);
        let dead = async || !opens(&replica, &key.token).await;
        slowest = slowest.max(eventually("the key is dead", Duration::from_secs(2), dead).await);
        assert!(
            !w.installation()
                .revoke_key(&Actor::system(), key.id)
                .await
                .unwrap(),
            "only once"
        );
        let page = KeyPage {
            limit: 100,
            after: None,
            with_revoked: false,
        };
        let keys = w.installation().list_keys(None, page).await.unwrap();
        assert!(keys.iter().all(|listed| listed.id != key.id));
    }
    println!("the slowest of four revocations was seen after {slowest:?}");
}

#[story]
async fn the_root_key_owns_the_installation() {
    let root = "a root key from the environment";
    let w = World::on(Database::shared().await, |settings| {
        settings.root_key = Some(root.to_owned());
    })
    .await;
    let key = w
        .installation()
        .authenticate_key(root)
        .await
        .unwrap()
        .unwrap();
    assert!(key.may_on_installation(Role::Owner) && key.may(Role::Owner, w.neighbour().id()));
    assert!(!opens(w.installation(), "a root key").await);
    assert!(!opens(w.installation(), "").await);
    assert!(
        !opens(&w.replica().await, root).await,
        "where none is set there is none"
    );
    w.finish().await;
}
