//! `Link` and `X-Total-Count`.

use axum::{
    http::{HeaderValue, Uri, header},
    response::Response,
};

/// Tokens of the pages that a page leads to.
pub(super) struct Tokens<'t> {
    pub(super) first: &'t str,
    pub(super) next: Option<&'t str>,
}

/// `Link` of a page by token: the first page always, the next when there is more.
pub(super) fn write_tokens(uri: &Uri, size: i64, tokens: &Tokens<'_>, response: &mut Response) {
    let size = size.to_string();
    let to = |rel: &str, token: &str| {
        let set = [("page_size", size.as_str()), ("page_token", token)];
        link(uri, rel, &set)
    };
    let mut links = vec![to("first", tokens.first)];
    links.extend(tokens.next.map(|token| to("next", token)));
    write(response, &links.join(","));
}

/// `<path?query>; rel="…"`, every parameter of the request kept, sorted by name.
pub(super) fn link(uri: &Uri, rel: &str, set: &[(&str, &str)]) -> String {
    let query = uri.query().unwrap_or_default();
    let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !set.iter().any(|(n, _)| n == name))
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .chain(set.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
        .collect();
    pairs.sort();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("<{}?{query}>; rel=\"{rel}\"", uri.path())
}

/// `X-Total-Count`, and these links.
pub(super) fn write_total(response: &mut Response, total: i64, links: Vec<String>) {
    write(response, &links.join(","));
    response
        .headers_mut()
        .insert("x-total-count", HeaderValue::from(total));
}

fn write(response: &mut Response, link: &str) {
    if let Ok(link) = HeaderValue::try_from(link) {
        response.headers_mut().insert(header::LINK, link);
    }
}
