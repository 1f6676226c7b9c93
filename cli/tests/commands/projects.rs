//! `insula project`, its configuration, and its life.

use std::fs;

use serde_json::{Value, json};

use crate::Place;

fn set<'a>(what: &[&'a str]) -> Vec<&'a str> {
    [&["project", "config", "set", "shop"], what].concat()
}

fn restore<'a>(what: &[&'a str]) -> Vec<&'a str> {
    [&["project", "config", "restore", "shop"], what].concat()
}

/// Answers its first key.
pub(crate) fn a_project_is_made_and_found(place: &Place) -> String {
    let name = [
        "--name",
        "The \u{1b}[31mshop",
        "--environment",
        "production",
    ];
    let refused = [&["project", "create", "shop"][..], &name].concat();
    place.run(&refused).with(1, &["INVALID_INPUT"]);
    let made = place.json(&[
        "project",
        "create",
        "shop",
        "--name",
        "The shop",
        "--environment",
        "production",
    ]);
    assert_eq!(
        made["project"]["publicUrl"],
        format!("{}/p/shop", place.serving.origin)
    );
    let listed = place.json(&["project", "list", "--first", "1"]);
    assert_eq!(listed["projects"][0]["slug"], "demo");
    let rest = place.json(&[
        "project",
        "list",
        "--after",
        listed["next"].as_str().unwrap(),
    ]);
    assert_eq!(rest["projects"][0]["slug"], "shop");
    assert_eq!(rest["next"], Value::Null);
    let all = place.json(&["project", "list", "--all"]);
    assert_eq!(all["projects"].as_array().unwrap().len(), 2);

    let table = place.out(&["project", "list", "--search", "SHOP"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(
        lines[0].starts_with("SLUG  NAME      ENVIRONMENT  STATE"),
        "{table}"
    );
    assert!(
        lines[1].starts_with("shop  The shop  PRODUCTION   ACTIVE"),
        "{table}"
    );
    assert!(!table.contains('\u{1b}'), "colours are for terminals");
    let none = place.run(&["project", "list", "--search", "nobody"]);
    let none = none.with(0, &["no projects"]);
    assert_eq!(none.out, "");
    let shown = place.out(&["project", "show", "shop"]);
    assert!(shown.contains("state          ACTIVE"), "{shown}");
    place
        .run(&["project", "show", "shap"])
        .with(4, &["insula project list"]);
    place
        .run(&["project", "create", "shop"])
        .with(1, &["SLUG_TAKEN", "take another"]);

    let version = place.json(&["version", "--server"]);
    assert_eq!(version["version"], version["server"]);
    assert_eq!(place.json(&["health"])["ready"], true);
    made["apiKey"]["token"].as_str().unwrap().to_owned()
}

pub(crate) fn a_configuration_is_changed_and_brought_back(place: &Place) {
    let tried = place.json(&set(&["session.lifespan=12h", "--dry-run"]));
    assert_eq!(
        (&tried["dryRun"], &tried["configRevision"]),
        (&json!(true), &json!(1))
    );
    let made = place.run(&set(&[
        "session.lifespan=12h",
        "session.cookie.persistent=false",
    ]));
    let made = made.with(0, &["revision 2 of shop is in force"]);
    assert!(made.out.starts_with("+ /session"), "{}", made.out);
    place
        .run(&set(&["session.lifespan=12h"]))
        .with(0, &["no difference"]);

    place.write(
        "patch.yml",
        "# a change\nsession:\n  lifespan: 3h\n  cookie: ~\n",
    );
    let diff = ["project", "config", "diff", "shop", "patch.yml"];
    let compared = place.run(&diff).with(0, &["stays at revision 2"]);
    assert_eq!(
        compared.out,
        "~ /session/lifespan  \"3h\"\n- /session/cookie\n"
    );
    place.run(&[&diff[..], &["--check"]].concat()).with(3, &[]);
    place
        .run(&set(&["patch.yml", "--expected-revision", "2"]))
        .with(0, &["revision 3"]);
    place
        .run(&[&diff[..], &["--check"]].concat())
        .with(0, &["no difference"]);
    let late = set(&["session.lifespan=1h", "--expected-revision", "2"]);
    place
        .run(&late)
        .with(1, &["REVISION_CONFLICT", "--expected-revision 3"]);
    let config = place.out(&["project", "config", "get", "shop"]);
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["session"], json!({"lifespan": "3h"}));

    let replaced = place.with_input(
        r#"{"session": {"lifespan": "5h"}}"#,
        &set(&["-", "--replace", "--json"]),
    );
    let replaced: Value = serde_json::from_str(&replaced.with(0, &[]).out).unwrap();
    assert_eq!(replaced["configRevision"], 4);
    let bad = set(&["session.lifespan=soon", "sesion.lifespan=1h"]);
    place
        .run(&bad)
        .with(1, &["INVALID_INPUT", "\n  /session/lifespan: ", "sesion"]);
    place
        .run(&set(&["a=1", "patch.yml"]))
        .with(2, &["one file"]);
    place
        .run(&set(&["none.yml"]))
        .with(1, &["none.yml: No such file"]);
    an_earlier_revision_is_brought_back(place);
}

fn an_earlier_revision_is_brought_back(place: &Place) {
    let old = place.json(&["project", "config", "get", "shop", "--revision", "2"]);
    assert_eq!(old["session"]["lifespan"], "12h");
    place
        .run(&["project", "config", "get", "shop", "--revision", "9"])
        .with(4, &["config history"]);
    place
        .run(&restore(&["2", "--dry-run"]))
        .with(0, &["nothing was changed"]);
    let restored = place.json(&restore(&["2", "--expected-revision", "4"]));
    assert_eq!(restored["configRevision"], 5);
    place.run(&restore(&["9"])).with(4, &["config history"]);
    let history = place.json(&["project", "config", "history", "shop", "--first", "2"]);
    let numbers: Vec<_> = history["revisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["number"])
        .collect();
    assert_eq!(numbers, [5, 4]);
    let table = place.out(&["project", "config", "history", "shop", "--all"]);
    assert_eq!(table.lines().count(), 6, "{table}");
    assert!(
        table.contains("root key") && !table.contains("\"3h\""),
        "{table}"
    );
}

/// Sources by file lie beside the document, wherever the command runs.
pub(crate) fn a_document_is_read_from_where_it_lies(place: &Place) {
    fs::create_dir(place.folder().join("files")).unwrap();
    let schema = r#"{"type": "object", "properties": {"traits": {"type": "object", "properties": {"email":
        {"type": "string", "format": "email", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}}}}}}"#;
    place.write("files/person.json", schema);
    place.write(
        "files/shop.yml",
        "dsn: memory\nserve:\n  public: {port: 4433}\nidentity:\n  default_schema_id: person\n  schemas:\n  - id: person\n    url: file://person.json\n",
    );
    let create = ["project", "create", "files", "--config", "files/shop.yml"];
    let made = place.run(&create);
    made.with(
        0,
        &[
            "note: /identity/schemas/0/url: files/person.json was read",
            "note: `dsn` was left out: ",
            "note: `serve.public.port` was left out: ",
        ],
    );
    let shown = place.json(&["project", "show", "files"]);
    assert_eq!(
        shown["environment"], "DEVELOPMENT",
        "the usual one of --dev"
    );
    let person = [
        "identities",
        "create",
        "--project",
        "files",
        "--traits",
        r#"{"email": "ada@example.org"}"#,
    ];
    assert_eq!(place.json(&person)["schema_id"], "person");
    place.write(
        "files/patch.json",
        r#"{"identity": {"schemas": [{"id": "person", "url": "file://none.json"}]}}"#,
    );
    let set = ["project", "config", "set", "files", "files/patch.json"];
    place.run(&set).with(
        1,
        &["files/none.json (/identity/schemas/0/url): No such file"],
    );
}

pub(crate) fn a_project_goes_and_comes_back(place: &Place) {
    let suspended = place.json(&["project", "suspend", "shop"]);
    assert_eq!(suspended["state"], "SUSPENDED");
    assert_eq!(
        place.json(&["project", "resume", "shop"])["state"],
        "ACTIVE"
    );
    place
        .run(&["project", "delete", "shop"])
        .with(2, &["--yes"]);
    let deleted = place
        .run(&["project", "delete", "shop", "--yes"])
        .with(0, &[]);
    assert!(
        deleted.out.contains("insula project restore shop"),
        "{deleted:?}"
    );
    place.run(&["project", "suspend", "shop"]).with(4, &[]);
    assert_eq!(
        place.json(&["project", "restore", "shop"])["state"],
        "ACTIVE"
    );
}
