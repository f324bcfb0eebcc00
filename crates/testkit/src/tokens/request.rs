//! A parsed token request.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{Method, header};
use serde_json::{Value, json};

/// The grant of a token request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// GET without credentials.
    Anonymous,
    /// GET with Basic credentials, or POST with `grant_type=password`: the user's name.
    Password(String),
    /// POST with `grant_type=refresh_token`.
    Refresh,
    /// Any other request.
    Other,
}

/// A request for a token.
#[derive(Debug)]
pub(super) struct ParsedRequest {
    pub(super) grant: Grant,
    /// The password or the refresh token.
    pub(super) secret: String,
    pub(super) service: String,
    pub(super) scopes: Vec<String>,
    /// True if the client also requests a refresh token.
    pub(super) offline: bool,
}

impl ParsedRequest {
    pub(super) fn parse(parts: &Parts, body: &[u8]) -> Self {
        let is_post = parts.method == Method::POST;
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let fields = form_urlencoded::parse(if is_post { body } else { query });
        let (mut single, mut scopes) = (HashMap::new(), Vec::new());
        for (name, value) in fields {
            if name == "scope" {
                scopes.extend(
                    value
                        .split(' ')
                        .filter(|scope| !scope.is_empty())
                        .map(str::to_owned),
                );
            } else {
                single.insert(name.into_owned(), value.into_owned());
            }
        }
        let mut field = |name: &str| single.remove(name).unwrap_or_default();
        let (grant, secret) = if is_post {
            match field("grant_type").as_str() {
                "password" => (Grant::Password(field("username")), field("password")),
                "refresh_token" => (Grant::Refresh, field("refresh_token")),
                _ => (Grant::Other, String::new()),
            }
        } else {
            basic(parts)
        };
        Self {
            grant,
            secret,
            service: field("service"),
            scopes,
            offline: field("offline_token") == "true" || field("access_type") == "offline",
        }
    }

    /// Returns the `access` claim for the scopes, limited to the actions that `is_allowed` accepts. A
    /// scope is `TYPE:NAME:ACTION,ACTION`; the name may contain colons.
    pub(super) fn access(&self, is_allowed: impl Fn(&str) -> bool) -> Vec<Value> {
        let access = |scope: &String| {
            let (rest, actions) = scope.rsplit_once(':')?;
            let (kind, name) = rest.split_once(':')?;
            let actions: Vec<&str> = actions
                .split(',')
                .filter(|action| is_allowed(action))
                .collect();
            Some(json!({"type": kind, "name": name, "actions": actions}))
        };
        self.scopes.iter().filter_map(access).collect()
    }
}

fn basic(parts: &Parts) -> (Grant, String) {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return (Grant::Anonymous, String::new());
    };
    let decoded = value
        .to_str()
        .ok()
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .and_then(|decoded| String::from_utf8(decoded).ok());
    match decoded
        .as_deref()
        .and_then(|decoded| decoded.split_once(':'))
    {
        Some((user, password)) => (Grant::Password(user.to_owned()), password.to_owned()),
        None => (Grant::Other, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parse(method: &str, uri: &str, authorization: &str, body: &str) -> ParsedRequest {
        let mut request = Request::builder().method(method).uri(uri);
        if !authorization.is_empty() {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        ParsedRequest::parse(&request.body(()).unwrap().into_parts().0, body.as_bytes())
    }

    #[test]
    fn request_parses_every_grant() {
        let query =
            "/token?service=s&scope=repository:a/b:pull&scope=repository:c:pull,push%20x:y:z";
        let form = "service=s&scope=repository:a/b:pull+repository:c:pull,push+x:y:z";
        let password = format!("{form}&grant_type=password&username=u&password=p");
        let refresh = format!("{form}&grant_type=refresh_token&refresh_token=r");
        let user = Grant::Password("u".to_owned());
        let table = [
            (parse("GET", query, "", ""), Grant::Anonymous, ""),
            (parse("GET", query, "Basic dTpw", ""), user.clone(), "p"),
            (parse("GET", query, "Bearer x", ""), Grant::Other, ""),
            (parse("POST", "/token", "", &password), user, "p"),
            (parse("POST", "/token", "", &refresh), Grant::Refresh, "r"),
        ];
        for (request, grant, secret) in table {
            assert_eq!((&request.grant, request.secret.as_str()), (&grant, secret));
            assert_eq!(request.service, "s");
            assert_eq!(
                request.scopes,
                ["repository:a/b:pull", "repository:c:pull,push", "x:y:z"]
            );
        }
    }

    #[test]
    fn access_omits_actions_that_are_not_allowed() {
        let request = parse("GET", "/?scope=repository:host:1/a:pull,push", "", "");
        assert_eq!(
            request.access(|action| action == "pull"),
            [json!({"type": "repository", "name": "host:1/a", "actions": ["pull"]})]
        );
    }
}
