//! Finding identities, and going through many of them.
//!
//! Looks inside: the tables.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::Project;
use tests::{ADA, Answer, Site, story};

use super::{IDENTITIES, NIL, UNKNOWN, ids, link, made, open_schema, person};

/// W13.4, W13.5.
#[story]
async fn finding_identities(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let mut people = Vec::new();
    for name in ["ada", "adam", "a_a", "bob"] {
        let identity = made(&admin, person(&format!("{name}@example.org"))).await;
        people.push(identity["id"].as_str().unwrap().to_owned());
    }
    let find = async |query: &str| admin.get(&format!("{IDENTITIES}?{query}")).await;

    let all = find("").await;
    assert_eq!(ids(&all).len(), 4);
    assert!(ids(&all).is_sorted());
    for item in all.body.as_array().unwrap() {
        assert!(item.get("credentials").is_none(), "W13.4");
        assert_eq!(item.get("metadata_admin"), Some(&Value::Null));
        assert_eq!(item.get("metadata_public"), Some(&Value::Null));
        assert!(item["verifiable_addresses"].is_array());
    }
    for spelling in [
        "ADA@Example.org",
        "%20ada@example.org",
        "ada%E2%80%8B@example.org",
    ] {
        let found = find(&format!("credentials_identifier={spelling}")).await;
        assert_eq!(ids(&found), [people[0].clone()], "{spelling}");
        let password = &found.body[0]["credentials"]["password"];
        assert_eq!(password["identifiers"], json!([ADA]));
        assert!(password.get("config").is_none());
    }
    let found = find("credentials_identifier=ada@example.org&include_credential=password").await;
    assert!(found.body[0]["credentials"]["password"]["config"]["hashed_password"].is_string());
    for nobody in [
        "credentials_identifier=ada",
        "credentials_identifier=%25",
        "preview_credentials_identifier_similar=%25",
        "preview_credentials_identifier_similar=xyz",
    ] {
        let found = find(nobody).await;
        assert_eq!(
            (found.status, &found.body),
            (StatusCode::OK, &json!([])),
            "{nobody}"
        );
    }
    let mut alike = [people[0].clone(), people[1].clone()];
    alike.sort();
    assert_eq!(
        ids(&find("preview_credentials_identifier_similar=ADA").await),
        alike
    );
    // An underscore is itself, not any letter.
    assert_eq!(
        ids(&find("preview_credentials_identifier_similar=a_a").await),
        [people[2].clone()]
    );
}

/// W13.6, and what cannot be combined.
#[story]
async fn filtering_identities(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let mut people = Vec::new();
    for name in ["ada", "bob", "eve"] {
        let identity = made(&admin, person(&format!("{name}@example.org"))).await;
        people.push(identity["id"].as_str().unwrap().to_owned());
    }
    let find = async |query: &str| admin.get(&format!("{IDENTITIES}?{query}")).await;
    let (one, two) = (&people[2], &people[1]);
    let found = find(&format!("ids={one}&ids={two}&ids={two}&ids={UNKNOWN}")).await;
    assert_eq!(
        ids(&found).into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from([one.clone(), two.clone()])
    );
    let shown = find(&format!("ids={one}&include_credential=password")).await;
    let config = |shown: &Answer| shown.body[0]["credentials"]["password"]["config"].clone();
    assert!(config(&shown)["hashed_password"].is_string());
    let none = json!({"schema_id": "preset://email", "traits": {"email": "zoe@example.org"}});
    let none = made(&admin, none).await["id"].as_str().unwrap().to_owned();
    let shown = find(&format!("ids={none}&include_credential=password")).await;
    assert_eq!(config(&shown), json!({}), "asked for, and there is nothing");
    admin.delete(&format!("{IDENTITIES}/{none}")).await;
    assert_eq!(
        ids(&find(&format!("organization_id={UNKNOWN}")).await).len(),
        0
    );
    assert_eq!(ids(&find(&format!("organization_id={NIL}")).await).len(), 3);
    for wrong in [
        format!("ids={one}&organization_id={UNKNOWN}"),
        format!("ids={one}&credentials_identifier=x"),
        "credentials_identifier=x&preview_credentials_identifier_similar=x".to_owned(),
        "ids=abc".to_owned(),
        "ids=".to_owned(),
        "organization_id=abc".to_owned(),
        "include_credential=zzz".to_owned(),
        "include_credential=profile".to_owned(),
    ] {
        let refused = find(&wrong).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(refused.body["error"]["reason"].is_string(), "{wrong}");
    }
}

/// A project with as many identities.
async fn three_hundred(site: &Site) -> Project {
    let project = site.project().await;
    let mut tx = project.begin().await.unwrap();
    sqlx::query(
        "insert into identities (id, schema_id, state, state_changed_at, traits, created_at, updated_at)
         select gen_random_uuid(), 'preset://email', 'active', $1, '{}', $1, $1 from generate_series(1, 300)",
    )
    .bind(project.now())
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
    project
}

/// W13.2, W13.6.
#[story]
async fn many_identities(site: Site) {
    let project = three_hundred(&site).await;
    let admin = site.admin(&project);
    let list = async |query: &str| admin.get(&format!("{IDENTITIES}?{query}")).await;

    let first = list("").await;
    let mut seen = ids(&first);
    assert_eq!(seen.len(), 250);
    assert!(!first.headers.contains_key("x-total-count"));
    assert_eq!(
        link(&first, &project, "first").unwrap(),
        format!("{IDENTITIES}?page_size=250&page_token={NIL}")
    );
    let next = link(&first, &project, "next").unwrap();
    let second = admin.get(&next).await;
    seen.extend(ids(&second));
    assert_eq!(seen.len(), 300);
    assert!(seen.is_sorted_by(|a, b| a < b), "none twice, none left out");
    assert!(link(&second, &project, "next").is_none());
    let again = admin.get(&link(&second, &project, "first").unwrap()).await;
    assert_eq!(ids(&again), seen[..250]);

    // W13.6: ids are paged too.
    let some: Vec<String> = seen.iter().map(|id| format!("ids={id}")).collect();
    let found = list(&some.join("&")).await;
    assert_eq!(ids(&found), seen[..250]);
    let rest = admin.get(&link(&found, &project, "next").unwrap()).await;
    assert_eq!(ids(&rest), seen[250..]);
    // W13.6, counted with repetitions.
    let many = vec![format!("ids={}", seen[0]); 500];
    assert_eq!(ids(&list(&many.join("&")).await), [seen[0].clone()]);
    let more = vec![format!("ids={}", seen[0]); 501];
    assert_eq!(list(&more.join("&")).await.status, StatusCode::BAD_REQUEST);
}

#[story]
async fn pages_of_other_sizes_and_pages_by_number(site: Site) {
    let project = three_hundred(&site).await;
    let admin = site.admin(&project);
    let list = async |query: &str| admin.get(&format!("{IDENTITIES}?{query}")).await;
    let seen = [
        ids(&list("page=0&per_page=150").await),
        ids(&list("page=1&per_page=150").await),
    ]
    .concat();
    assert!(seen.is_sorted_by(|a, b| a < b), "none twice, none left out");

    // W13.2, and other sizes.
    for (query, rows, size) in [
        ("page_size=10000", 300, 500),
        ("page_size=0", 250, 250),
        ("page_size=-3", 250, 250),
        ("page_size=", 250, 250),
        ("page_size=7", 7, 7),
        ("per_page=7", 7, 7),
    ] {
        let page = list(query).await;
        assert_eq!(ids(&page).len(), rows, "{query}");
        let first = link(&page, &project, "first").unwrap();
        assert!(first.contains(&format!("page_size={size}&")), "{first}");
    }
    for wrong in ["page_size=abc", "page_token=zz", "page=3&per_page=500"] {
        assert_eq!(list(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }

    // W13.2: by number, from zero.
    let mut page = list("page=0&per_page=120").await;
    let mut walked = ids(&page);
    assert_eq!(page.headers["x-total-count"], "300");
    assert!(link(&page, &project, "prev").is_none());
    while let Some(next) = link(&page, &project, "next") {
        assert!(!next.contains("page_token"), "{next}");
        page = admin.get(&next).await;
        assert_eq!(page.status, StatusCode::OK, "{next}: {}", page.text);
        walked.extend(ids(&page));
        assert!(walked.len() <= 300, "a page repeats");
    }
    assert_eq!(walked, seen);
    assert_eq!(
        link(&page, &project, "prev").unwrap(),
        format!("{IDENTITIES}?page=1&per_page=120")
    );
    assert_eq!(ids(&list("page=abc&per_page=3").await), seen[..3]);
}

#[story]
async fn identifiers_are_found_exactly_and_by_their_beginning(site: Site) {
    let project = site.project_with(open_schema()).await;
    let admin = site.admin(&project);
    for name in ["ann", "anna", "a%b", "a_b", "Żółw", "a\u{10FFFF}"] {
        let body = json!({"schema_id": "open", "traits": {"name": name}});
        let made = admin.post("/admin/identities", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    for (query, found) in [
        ("credentials_identifier=ANN", 1),
        ("credentials_identifier=an", 0),
        ("preview_credentials_identifier_similar=Ann", 2),
        ("preview_credentials_identifier_similar=a%25", 1),
        ("preview_credentials_identifier_similar=a_", 1),
        ("preview_credentials_identifier_similar=%C5%BC%C3%B3", 1),
        ("preview_credentials_identifier_similar=a", 5),
    ] {
        let page = admin.get(&format!("/admin/identities?{query}")).await;
        assert_eq!(page.body.as_array().unwrap().len(), found, "{query}");
    }
    let mut seen = Vec::new();
    let mut path =
        "/admin/identities?preview_credentials_identifier_similar=a&page_size=2".to_owned();
    loop {
        let page = admin.get(&path).await;
        let people = page.body.as_array().unwrap().clone();
        seen.extend(people.iter().map(|p| p["id"].as_str().unwrap().to_owned()));
        let link = page.headers["link"].to_str().unwrap();
        if !link.contains("rel=\"next\"") {
            break;
        }
        path = format!(
            "/admin/identities?preview_credentials_identifier_similar=a&page_size=2&page_token={}",
            seen.last().unwrap()
        );
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted());
}
