//! Bodies that projects write in Jsonnet, and what snippets may not do (W15.5, W15.6).
//!
//! Looks inside: the tables.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tenants::{ChangeError, ConfigUpdate, JsonnetError, Project, UpdateMode};
use tests::{
    Site,
    mail::{self, CODE},
    story,
};

use super::{
    message,
    services::{Service, header},
    work_off,
};

const BODY: &str = "function(ctx) {
  id: ctx.message_id,
  to: ctx.recipient,
  text: ctx.subject,
  kind: ctx.template_type + '/' + ctx.message_type,
  code: ctx.template_data.login_code,
  html: std.length(ctx.html_body) > 100,
  asked: ctx.request_headers,
  [if ctx.message_type == 'sms' then 'never']: error 'no text message',
}";

fn source(snippet: &str) -> String {
    format!("base64://{}", STANDARD.encode(snippet))
}

#[story]
async fn a_service_gets_what_the_snippet_makes(site: Site) {
    let service = Service::start().await;
    let project = site
        .project_with(service.mails(json!({"body": source(BODY)})))
        .await;
    let id = mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    let asked = service.asked();
    let body: Value = serde_json::from_str(&asked[0].2).unwrap();
    assert_eq!(
        (&body["to"], &body["kind"], &body["code"], &body["html"]),
        (
            &json!("ada@example.org"),
            &json!("login_code_valid/email"),
            &json!(CODE),
            &json!(true)
        )
    );
    assert!(body["text"].as_str().unwrap().contains(CODE) && body["asked"].is_object());
    assert_eq!(body["id"], json!(id));
    assert_eq!(message(&site, &project, id).await["status"], "sent");

    // A form takes a flat object; what is no function is a body as it is.
    let form = json!({
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        "body": source("{ a: 'b & c', n: 7, yes: true, nothing: null }"),
    });
    let project = site.project_with(service.mails(form)).await;
    mail::enqueue(&project, "bob@example.org").await;
    work_off(&site, &project).await;
    let asked = service.asked();
    assert_eq!(asked[1].2, "a=b+%26+c&n=7&yes=true");
    assert_eq!(
        header(&asked[1], "content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

/// A snippet that fails is its message's failure: it counts, and the next message goes out.
#[story]
async fn a_snippet_that_fails_says_why(site: Site) {
    let service = Service::start().await;
    let picky = "function(ctx)\n  if ctx.recipient == 'eve@example.org' then error 'not her'\n  else {to: ctx.recipient}";
    let project = site
        .project_with(service.mails(json!({"body": source(picky)})))
        .await;
    let eve = mail::enqueue(&project, "eve@example.org").await;
    let ada = mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    let shown = message(&site, &project, eve).await;
    assert_eq!(
        (&shown["status"], &shown["send_count"]),
        (&json!("queued"), &json!(1))
    );
    assert_eq!(
        shown["dispatches"][0]["error"]["reason"],
        "request_config.body: line 2: not her"
    );
    assert_eq!(message(&site, &project, ada).await["status"], "sent");
    assert_eq!(service.asked().len(), 1);

    // All projects share the queue's table: nothing of a message stands there.
    let telling = "function(ctx) error 'a\\u0000' + ctx.body";
    let project = site
        .project_with(service.mails(json!({"body": source(telling)})))
        .await;
    let id = mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    let mut superuser = site.world.database().superuser().await;
    let told: Vec<String> = sqlx::query_scalar(
        "select last_error from control.jobs where ref = $1 and last_error is not null",
    )
    .bind(id)
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    assert!(told.len() == 1 && !told[0].contains(CODE), "{told:?}");
}

#[story]
async fn what_cannot_be_read_does_not_come_into_force(site: Site) {
    let service = Service::start().await;
    let project = site.project_with(json!({})).await;
    let deep = "[".repeat(200_000);
    for (snippet, why) in [
        ("function(ctx) {", "line 1: it ends too early"),
        (
            "function(ctx) {\n  a: nobody }",
            "line 2: nothing is called nobody",
        ),
        ("'", ""),
        (&deep[..100_000], ""),
    ] {
        let update = ConfigUpdate {
            config: service.mails(json!({"body": source(snippet)})),
            mode: UpdateMode::Merge,
            expected_revision: None,
            dry_run: false,
        };
        let actor = tenants::Actor("test".to_owned());
        let refused = site
            .world
            .installation()
            .update_config(&actor, &project, &update)
            .await;
        let Err(ChangeError::Violations(found)) = refused else {
            panic!("{snippet:.40}: {refused:?}");
        };
        assert_eq!(found[0].pointer, "/courier/http/request_config/body");
        assert!(found[0].message.contains(why), "{}", found[0].message);
        println!("{snippet:.40}: {}", found[0].message);
    }
}

async fn evaluate(project: &Project, snippet: &str) -> Result<Value, JsonnetError> {
    let ctx = json!({"n": 41, "list": ["a", null, 1.5], "deep": {"ü": "\u{1f600}"}});
    project.jsonnet(snippet.to_owned(), ctx).await
}

/// JSON that nests too deeply for its reader: said so, and no request waits for ever.
#[story]
async fn what_nests_too_deeply_is_refused(site: Site) {
    let project = site.project_with(json!({})).await;
    for levels in [100, 126, 127, 128, 129, 150, 1000] {
        let snippet = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        match evaluate(&project, &snippet).await {
            Ok(value) => assert!(levels < 128 && value.is_array(), "{levels}"),
            Err(JsonnetError::Wrong(_)) => assert!(levels > 126, "{levels}"),
            Err(other) => panic!("{levels}: {other}"),
        }
        let next = evaluate(&project, "function(ctx) ctx.n + 1").await;
        assert_eq!(next.unwrap(), json!(42));
    }
    let ctx = (0..150).fold(json!(1), |inner, _| json!([inner]));
    let refused = project.jsonnet("function(ctx) 1".to_owned(), ctx).await;
    assert!(
        matches!(refused, Err(JsonnetError::Wrong(_))),
        "{refused:?}"
    );
}

/// What runs away ends alone: the next snippet of the same thread is served.
#[story]
async fn what_runs_away_ends_alone(site: Site) {
    let project = site.project_with(json!({})).await;
    let endless = "function(ctx) local f(n) = f(n + 1) tailstrict; f(0)";
    let slow = "function(ctx) std.foldl(function(a, b) a + b, std.range(1, 30000000), 0)";
    for snippet in [
        endless,
        slow,
        "std.length(std.range(1, 1000000000))",
        "std.length(std.repeat('x', 2000000000))",
        "local f(n) = if n == 0 then 'xx' else f(n - 1) + f(n - 1); std.length(f(40))",
        "[x + y + z for x in std.range(1, 3000) for y in std.range(1, 3000) for z in std.range(1, 3000)]",
        "std.repeat('x', 2000000)",
    ] {
        let ended = evaluate(&project, snippet).await;
        let Err(JsonnetError::TooLong | JsonnetError::TooMuch | JsonnetError::TooLarge) = ended
        else {
            panic!("{snippet}: {ended:?}");
        };
        println!("{snippet}: {}", ended.unwrap_err());
        let next = evaluate(&project, "function(ctx) ctx.n + 1").await;
        assert_eq!(next.unwrap(), json!(42));
    }
}

#[story]
async fn nothing_from_outside_gets_in(site: Site) {
    let project = site.project_with(json!({})).await;
    for (snippet, why) in [
        ("importstr '/etc/passwd'", "imports are not served here"),
        ("import 'x.libsonnet'", "imports are not served here"),
        ("std.extVar('INSULA_SECRETS')", "no external variable"),
        ("std.native('exec')('id')", ""),
        ("function(other) 1", "no parameter ctx"),
        ("function(ctx, more) 1", "more is not given"),
        ("error 'cancel'", "cancel"),
        ("function(ctx) function(x) x", "a function is no JSON"),
        ("local f(n) = 1 + f(n + 1); f(0)", "calls within calls"),
        ("{} + 1", ""),
    ] {
        let ended = evaluate(&project, snippet).await;
        let Err(JsonnetError::Wrong(told)) = ended else {
            panic!("{snippet}: {ended:?}");
        };
        assert!(told.contains(why) && !told.is_empty(), "{snippet}: {told}");
    }
    let same = evaluate(&project, "function(ctx) ctx").await.unwrap();
    assert_eq!(
        same,
        json!({"n": 41, "list": ["a", null, 1.5], "deep": {"ü": "\u{1f600}"}})
    );
}
