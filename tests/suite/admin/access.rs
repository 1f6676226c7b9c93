//! Who may: keys and their roles.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tenants::{Actor, Environment, KeyRequest, Project, Role};
use tests::{ADA, Client, Kind, PASSWORD, Site, cheap, story};

use super::{IDENTITIES, UNKNOWN, WHOAMI, made, person, session};

/// A key of that project, or of the installation.
async fn key(site: &Site, of: Option<&Project>, role: Role) -> String {
    let request = KeyRequest {
        project: of.map(Project::id),
        name: "a key".to_owned(),
        role,
        expires_at: None,
    };
    let installation = site.world.installation();
    let made = installation.create_key(&Actor::system(), &request).await;
    made.unwrap().token
}

/// The status of a request with that header; errors say the same in their body.
async fn status(client: &Client, (method, path): (Method, &str), authorization: &str) -> u16 {
    let body = (method == Method::POST).then(|| ("application/json", b"{}".to_vec()));
    let header = [("authorization", authorization)];
    let answer = client.send(method, path, body, &header).await;
    let status = answer.status.as_u16();
    assert!(status < 400 || answer.body["error"]["code"] == status);
    status
}

const LIST: (Method, &str) = (Method::GET, IDENTITIES);

/// W17.1, W17.3.
#[story]
async fn which_key_opens(site: Site) {
    let (project, owner) = site.project_with_key().await;
    let (_, foreign) = site
        .world
        .create(Environment::Development, cheap(json!({})))
        .await;
    let client = site.client(&project, Kind::Api);
    // With the word, in any case, and bare, as the generated SDKs send it.
    for form in ["Bearer {}", "bearer {}", "{}"] {
        let header = form.replace("{}", &owner.token);
        assert_eq!(status(&client, LIST, &header).await, 200, "{form}");
    }
    let nobody = client.get(IDENTITIES).await;
    assert_eq!(
        (nobody.status, nobody.error_id()),
        (StatusCode::UNAUTHORIZED, None)
    );
    let wrong = [
        "Bearer",
        "Bearer x",
        "Basic {}",
        "Bearer {}x",
        "{}x",
        "ory_st_x",
    ];
    for form in wrong {
        let header = form.replace("{}", &owner.token);
        assert_eq!(status(&client, LIST, &header).await, 401, "{form}");
    }
    assert_eq!(status(&client, LIST, &foreign.token).await, 403);
    // A session is no key, and a key no session.
    client.sign_up(ADA, PASSWORD).await;
    let (token, _) = session(&site, &project, ADA).await;
    let header = format!("Bearer {token}");
    assert_eq!(status(&client, LIST, &header).await, 401);
    let header = format!("Bearer {}", owner.token);
    assert_eq!(status(&client, (Method::GET, WHOAMI), &header).await, 401);
    // Revoked keys open nothing.
    site.world
        .installation()
        .revoke_key(&Actor::system(), owner.id)
        .await
        .unwrap();
    assert_eq!(status(&client, LIST, &owner.token).await, 401);
}

/// W17.4: who reads and who writes.
#[story]
async fn roles(site: Site) {
    let project = site.project().await;
    let client = site.client(&project, Kind::Api);
    let viewers = [
        key(&site, Some(&project), Role::Viewer).await,
        key(&site, None, Role::Viewer).await,
    ];
    let administrators = [
        key(&site, Some(&project), Role::Admin).await,
        key(&site, None, Role::Admin).await,
    ];
    let session = format!("/admin/sessions/{UNKNOWN}");
    let identity = format!("{IDENTITIES}/{UNKNOWN}");
    let sessions = format!("{identity}/sessions");
    for (method, path, answer) in [
        (Method::GET, IDENTITIES, 200),
        (Method::GET, &identity, 404),
        (Method::GET, &sessions, 200),
        (Method::GET, "/admin/sessions", 200),
        (Method::GET, &session, 404),
        (Method::POST, IDENTITIES, 400),
        (Method::DELETE, &identity, 404),
        (Method::DELETE, &sessions, 404),
        (Method::DELETE, &session, 404),
    ] {
        let request = (method.clone(), path);
        for key in &administrators {
            let seen = status(&client, request.clone(), key).await;
            assert_eq!(seen, answer, "{method} {path}");
        }
        let expected = if method == Method::GET { answer } else { 403 };
        for key in &viewers {
            let seen = status(&client, request.clone(), key).await;
            assert_eq!(seen, expected, "{method} {path}");
        }
    }
}

/// VIEWER reads "everything of the project except secrets and credentials".
#[story]
async fn a_viewer_sees_no_hash(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let identity = made(&admin, person(ADA)).await;
    let key = key(&site, Some(&project), Role::Viewer).await;
    let mut viewer = site.client(&project, Kind::Api);
    viewer.set_header("authorization", &key);
    let path = format!("{IDENTITIES}/{}", identity["id"].as_str().unwrap());
    for path in [path.as_str(), IDENTITIES] {
        let plain = viewer.get(path).await;
        assert_eq!(plain.status, StatusCode::OK);
        let asked = format!("{path}?include_credential=password");
        assert!(admin.get(&asked).await.text.contains("$argon2id$"));
        let refused = viewer.get(&asked).await;
        assert!(!refused.text.contains("$argon2id$"), "{}", refused.text);
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
}

#[story]
async fn a_viewer_sees_no_secret_of_a_credential(site: Site) {
    let (project, owner) = site.project_with_key().await;
    let made = site
        .client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let id = made.body["identity"]["id"].as_str().unwrap().to_owned();
    let mutation = "mutation($s: String!) { createApiKey(input: {slug: $s, name: \"v\", role: VIEWER}) { apiKey { token } } }";
    let made = site
        .graphql(&owner.token, mutation, json!({"s": project.slug()}))
        .await;
    let viewer = made["data"]["createApiKey"]["apiKey"]["token"]
        .as_str()
        .unwrap();
    let mut client = site.client(&project, Kind::Api);
    let paths = [
        format!("/admin/identities/{id}"),
        "/admin/identities".to_owned(),
    ];
    for (token, status) in [
        (viewer, StatusCode::FORBIDDEN),
        (&owner.token, StatusCode::OK),
    ] {
        client.set_header("authorization", &format!("Bearer {token}"));
        for path in &paths {
            let plain = client.get(path).await;
            assert_eq!(plain.status, StatusCode::OK, "{}", plain.text);
            assert!(!plain.text.contains("hashed_password"));
            let asked = client
                .get(&format!("{path}?include_credential=password"))
                .await;
            assert_eq!(asked.status, status, "{path}");
            assert_eq!(
                asked.text.contains("hashed_password"),
                status == StatusCode::OK
            );
        }
    }
}
