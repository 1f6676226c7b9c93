//! The document as one HTML page, without scripts: operations by tag, then schemas, all to unfold.
//! Knows the document alone, and of OpenAPI what the document uses.

mod types;

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("page/page.css");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Nothing but the page's own style.
pub(super) fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
}

/// One operation and where it is.
struct Operation<'d> {
    method: &'d str,
    path: &'d str,
    item: &'d Value,
    is: &'d Value,
}

impl Operation<'_> {
    fn id(&self) -> &str {
        text(&self.is["operationId"])
    }
}

/// The whole page.
pub(super) fn html(document: &Value) -> String {
    let title = text(&document["info"]["title"]);
    let version = text(&document["info"]["version"]);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} API</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<a class=\"skip\" href=\"#content\">To the content</a>\n\
         <header><h1>{title} API</h1><p>Version {version} · <a href=\"openapi.json\">openapi.json</a> (OpenAPI {})</p></header>\n",
        text(&document["openapi"])
    );
    let operations = operations(document);
    let tags = items(&document["tags"]);
    contents(&mut page, tags, &operations);
    page.push_str("<main id=\"content\" tabindex=\"-1\">\n");
    page.push_str(&prose(text(&document["info"]["description"])));
    for tag in tags {
        let name = text(&tag["name"]);
        let about = prose(text(&tag["description"]));
        let _ = write!(page, "<section>\n<h2 id=\"{name}\">{name}</h2>\n{about}");
        for operation in operations.iter().filter(|o| o.is["tags"][0] == *name) {
            show(&mut page, document, operation);
        }
        page.push_str("</section>\n");
    }
    page.push_str("<section>\n<h2 id=\"schemas\">schemas</h2>\n");
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let _ = write!(
            page,
            "<details class=\"schema\"><summary><code>{name}</code></summary>\n<div id=\"{name}\">\n{}</div></details>\n",
            types::schema(schema)
        );
    }
    page.push_str("</section>\n</main>\n</body>\n</html>\n");
    page
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| {
            let is = item.get(method)?;
            Some(Operation {
                method,
                path,
                item,
                is,
            })
        })
    });
    all.collect()
}

/// What there is, as links: a column where there is room (and the style can unfold it), else to unfold.
fn contents(page: &mut String, tags: &[Value], operations: &[Operation<'_>]) {
    page.push_str("<nav aria-label=\"Contents\"><details><summary>Contents</summary>\n");
    for tag in tags {
        let name = text(&tag["name"]);
        let _ = write!(page, "<p><a href=\"#{name}\">{name}</a></p>\n<ul>\n");
        for operation in operations.iter().filter(|o| o.is["tags"][0] == *name) {
            let id = operation.id();
            let _ = writeln!(page, "<li><a href=\"#{id}\">{id}</a></li>");
        }
        page.push_str("</ul>\n");
    }
    page.push_str("<p><a href=\"#schemas\">schemas</a></p>\n</details></nav>\n");
}

fn show(page: &mut String, document: &Value, operation: &Operation<'_>) {
    let Operation {
        method,
        path,
        item,
        is,
    } = operation;
    let _ = write!(
        page,
        "<details class=\"operation\"><summary><span class=\"method {method}\">{method}</span> \
         <code>{}</code> <span class=\"summary\">{}</span></summary>\n<div id=\"{id}\">\n\
         <p class=\"name\">operationId <code>{id}</code></p>\n{}",
        escaped(path),
        inline(text(&is["summary"])),
        prose(text(&is["description"])),
        id = operation.id(),
    );
    credentials(page, is);
    let parameters = items(&item["parameters"])
        .iter()
        .chain(items(&is["parameters"]));
    let parameters: Vec<&Value> = parameters.map(|p| resolved(document, p)).collect();
    if !parameters.is_empty() {
        page.push_str("<h3>Parameters</h3>\n<dl>\n");
        for parameter in parameters {
            let needed = if parameter["required"] == true {
                "required"
            } else {
                "optional"
            };
            let _ = write!(
                page,
                "<dt><code>{}</code> <span>{} · {needed} · {}</span></dt>\n<dd>{}</dd>\n",
                escaped(text(&parameter["name"])),
                text(&parameter["in"]),
                types::label(&parameter["schema"]),
                inline(text(&parameter["description"])),
            );
        }
        page.push_str("</dl>\n");
    }
    if let Some(body) = is.get("requestBody") {
        page.push_str("<h3>Body</h3>\n");
        page.push_str(&prose(text(&body["description"])));
        page.push_str(&contents_of(body));
    }
    page.push_str("<h3>Answers</h3>\n<dl>\n");
    for (status, response) in is["responses"].as_object().into_iter().flatten() {
        answer(page, status, resolved(document, response));
    }
    page.push_str("</dl>\n</div></details>\n");
}

fn answer(page: &mut String, status: &str, response: &Value) {
    let class = status.get(..1).unwrap_or_default();
    let _ = write!(
        page,
        "<dt><span class=\"status s{class}\">{status}</span></dt>\n<dd>{}{}",
        prose(text(&response["description"])),
        contents_of(response)
    );
    let headers = response["headers"].as_object();
    if let Some(headers) = headers {
        page.push_str("<ul>\n");
        for (name, header) in headers {
            let says = inline(text(&header["description"]));
            let _ = writeln!(page, "<li>Header <code>{name}</code>: {says}</li>");
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</dd>\n");
}

/// Which credentials open it. None: it is open to all.
fn credentials(page: &mut String, operation: &Value) {
    let ways = items(&operation["security"]);
    let names: Vec<String> = ways
        .iter()
        .filter_map(|way| way.as_object()?.keys().next())
        .map(|name| format!("<code>{name}</code>"))
        .collect();
    if names.is_empty() {
        return;
    }
    let optional = ways
        .iter()
        .any(|way| way.as_object().is_some_and(Map::is_empty));
    let needs = if optional { "With or without" } else { "Needs" };
    let _ = writeln!(
        page,
        "<p class=\"needs\">{needs} {}.</p>",
        names.join(" or ")
    );
}

/// The media types of a body, and what each holds.
fn contents_of(body: &Value) -> String {
    let Some(content) = body["content"].as_object() else {
        return String::new();
    };
    let mut list = String::from("<ul>\n");
    for (media, is) in content {
        let label = types::label(&is["schema"]);
        let _ = writeln!(list, "<li><code>{media}</code>: {label}</li>");
    }
    list + "</ul>\n"
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let to = value["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
    to.and_then(|to| document.pointer(to)).unwrap_or(value)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// Paragraphs.
fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|p| !p.is_empty());
    paragraphs.fold(String::new(), |prose, p| {
        prose + "<p>" + &inline(p) + "</p>\n"
    })
}

/// The little Markdown that descriptions use: code, strong, emphasis. What has no end is left as it is.
fn inline(text: &str) -> String {
    marked(
        &escaped(text),
        &[("`", "code"), ("**", "strong"), ("*", "em")],
    )
}

fn marked(text: &str, marks: &[(&str, &str)]) -> String {
    let Some(((mark, tag), rest)) = marks.split_first() else {
        return text.to_owned();
    };
    let parts: Vec<&str> = text.split(mark).collect();
    if parts.len().is_multiple_of(2) {
        return marked(text, rest);
    }
    let part = |(n, part): (usize, &&str)| match n % 2 {
        0 => marked(part, rest),
        _ if *tag == "code" => format!("<code>{part}</code>"),
        _ => format!("<{tag}>{}</{tag}>", marked(part, rest)),
    };
    parts.iter().enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_marked_and_cannot_break_out() {
        assert_eq!(
            inline("*a* **b** `<**>` c* \"d\" & <"),
            "<em>a</em> <strong>b</strong> <code>&lt;**&gt;</code> c* &quot;d&quot; &amp; &lt;"
        );
        assert_eq!(prose("a\n\nb"), "<p>a</p>\n<p>b</p>\n");
    }

    /// Every link leads somewhere, and nothing is loaded from elsewhere.
    #[test]
    fn the_page_is_whole() {
        let page = html(&crate::openapi());
        let values = |name: &str| -> Vec<String> {
            let begins = format!(" {name}=\"");
            page.split(&begins)
                .skip(1)
                .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
                .collect()
        };
        let (ids, links) = (values("id"), values("href"));
        assert!(ids.len() > 50 && links.len() > 50);
        for to in &links {
            let known = match to.strip_prefix('#') {
                Some(to) => ids.iter().filter(|id| *id == to).count() == 1,
                None => ["data:,", "openapi.json"].contains(&to.as_str()),
            };
            assert!(known, "{to}");
        }
        for foreign in ["<script", " src=", " style=", "url(", "@import"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
