//! The commands that call a running server, one file per noun: what each takes, asks for and prints. Rights
//! and rules are the server's.

pub(crate) mod config;
pub(crate) mod identities;
pub(crate) mod keys;
pub(crate) mod messages;
pub(crate) mod project;
pub(crate) mod version;

use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use crate::{
    Failure,
    args::output::OutputArgs,
    client::{Client, Operation},
    output::{self, Table},
    progress::Counter,
};

/// How many items a page has unless `--first` says otherwise.
const PAGE_DEFAULT: u16 = 20;
/// The largest page that GraphQL answers.
const PAGE_MAX: u16 = 100;
/// The largest page of the administrative REST.
const REST_PAGE_MAX: u16 = 500;

/// Which part of a list.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// How many, 1 to 100 [default: 20]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub first: Option<u16>,
    /// Go on behind this place: `next` of the list before
    #[arg(long, value_name = "PLACE")]
    pub after: Option<String>,
    /// The whole list, page after page
    #[arg(long, conflicts_with = "first")]
    pub all: bool,
}

impl ListArgs {
    fn size(&self) -> u16 {
        let rest = if self.all { PAGE_MAX } else { PAGE_DEFAULT };
        self.first.unwrap_or(rest)
    }
}

/// Items, and where the list goes on.
pub(crate) struct Listed {
    pub(crate) items: Vec<Value>,
    pub(crate) next: Option<String>,
}

impl Listed {
    /// A page of a connection, or all of them. `pointer` leads from `data` to the connection; a null above it
    /// means that there is no such project.
    pub(crate) async fn by_graphql(
        client: &Client,
        operation: &Operation,
        (pointer, noun): (&str, &'static str),
        (mut variables, list): (Map<String, Value>, &ListArgs),
    ) -> Result<Self, Failure> {
        let (mut items, mut counter) = (Vec::new(), Counter::of(noun));
        let mut after = list.after.clone();
        loop {
            variables.insert("first".to_owned(), json!(list.size()));
            variables.insert("after".to_owned(), json!(after));
            let data = client.graphql(operation, json!(variables)).await?;
            let connection = data.pointer(pointer).ok_or_else(no_project)?;
            let edges = connection["edges"].as_array().into_iter().flatten();
            let page: Vec<Value> = edges.map(|edge| edge["node"].clone()).collect();
            counter.add(page.len());
            items.extend(page);
            let info = &connection["pageInfo"];
            after = info["endCursor"].as_str().map(str::to_owned);
            let more = info["hasNextPage"] == true && after.is_some();
            if !list.all || !more {
                let next = after.filter(|_| more);
                return Ok(Self { items, next });
            }
        }
    }

    /// The same of a list of a project's administrative REST: `(project, path)`, what it holds, and who may
    /// see it.
    pub(crate) async fn by_rest(
        client: &Client,
        (project, path): (&str, &str),
        (noun, role): (&'static str, &'static str),
        (filter, list): (&[(&str, String)], &ListArgs),
    ) -> Result<Self, Failure> {
        let (mut items, mut counter) = (Vec::new(), Counter::of(noun));
        let size = if list.all { REST_PAGE_MAX } else { list.size() };
        let mut after = list.after.clone();
        loop {
            let mut query = Serializer::new(String::new());
            query.append_pair("page_size", &size.to_string());
            if let Some(after) = &after {
                query.append_pair("page_token", after);
            }
            query.extend_pairs(filter);
            let path = format!("{path}?{}", query.finish());
            let page = client
                .admin(Method::GET, (project, &path), None, role)
                .await?;
            let found = page.body.as_array().cloned().unwrap_or_default();
            counter.add(found.len());
            items.extend(found);
            if !list.all || page.next.is_none() {
                let next = page.next;
                return Ok(Self { items, next });
            }
            after = page.next;
        }
    }

    /// `{"<noun>": [...], "next": …}`, or a table and how to go on.
    pub(crate) fn print(
        self,
        output: OutputArgs,
        noun: &str,
        (mut table, row): (Table, impl Fn(&Value) -> Vec<String>),
    ) -> Result<(), Failure> {
        if output.json {
            return output::json(&json!({noun: self.items, "next": self.next}));
        }
        for item in &self.items {
            table.row(row(item));
        }
        table.print(&format!("no {noun}"))?;
        if let Some(next) = self.next {
            eprintln!("there are more: --after {next}, or --all");
        }
        Ok(())
    }
}

fn no_project() -> Failure {
    Failure::NotFound(
        "there is no such project, or not for this key\n  `insula project list` shows those it can see"
            .to_owned(),
    )
}
