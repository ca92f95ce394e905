//! Who may ask: whoever knows the token, by the server's own name.

use std::sync::Arc;

use anyhow::Result as AnyResult;
use axum::extract::{Request, State as Shared};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, LOCATION, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::State;
use super::budget::MAX_TIME;
use super::failure::Failure;

const TOKEN_BYTES: usize = 24;

/// What goes with every answer. The page may load nothing from elsewhere; H5Web's arrays (ndarray) make
/// functions from text.
const HEADERS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    // Pages of other servers on this machine are of the same site, and get the cookie sent along.
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

const POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; base-uri 'none'";
/// Pages of others may not have this one in a frame, unless they know the token.
const POLICY_OF_FRAMES: &str = "frame-ancestors 'none'";

/// A request whose path begins with the token. A notebook has the page in a frame, where browsers keep no cookie
/// of it, and may get to it through a proxy that has another name.
#[derive(Clone, Copy)]
struct InPath;

pub struct Guard {
    token: String,
    port: u16,
}

impl Guard {
    pub fn new(port: u16) -> AnyResult<Self> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self { token: bytes.iter().map(|b| format!("{b:02x}")).collect(), port })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.token)
    }

    /// A page of another site can have its own name lead to this machine; then this header has that name.
    fn knows_host(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        host.is_some_and(|host| {
            ["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{}", self.port))
        })
    }

    fn is_token(&self, text: &str) -> bool {
        text.as_bytes().ct_eq(self.token.as_bytes()).into()
    }

    /// The rest of an address whose path begins with the token.
    fn below_token(&self, uri: &Uri) -> Option<Uri> {
        let (token, rest) = uri.path().strip_prefix('/')?.split_once('/')?;
        let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
        let rest = || Uri::builder().path_and_query(format!("/{rest}{query}")).build();
        self.is_token(token).then(rest)?.ok()
    }

    /// Cookies are shared between the ports of a machine.
    fn cookie_name(&self) -> String {
        format!("h5h264-view-{}", self.port)
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let bearer = text(AUTHORIZATION).strip_prefix("Bearer ");
        let name = self.cookie_name();
        let mut cookies = text(COOKIE).split(';').filter_map(|cookie| cookie.trim().split_once('='));
        bearer.is_some_and(|token| self.is_token(token))
            || cookies.any(|(known, token)| known == name && self.is_token(token))
    }
}

/// Takes the token from the start of a path.
pub async fn strip(Shared(state): Shared<Arc<State>>, mut request: Request, next: Next) -> Response {
    if let Some(rest) = state.guard.below_token(request.uri()) {
        *request.uri_mut() = rest;
        request.extensions_mut().insert(InPath);
    }
    next.run(request).await
}

/// Lets requests through.
pub async fn check(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let is_known = request.extensions().get::<InPath>().is_some();
    let refused = if is_known { None } else { answer(&state.guard, &request) };
    let mut response = match refused {
        Some(response) => response,
        None => match tokio::time::timeout(MAX_TIME, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Failure::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("there was no answer within {} s: select fewer elements", MAX_TIME.as_secs()),
            )
            .into_response(),
        },
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if !is_known {
        headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY_OF_FRAMES));
    }
    response
}

/// The answer to requests that don't get through.
fn answer(guard: &Guard, request: &Request) -> Option<Response> {
    if !guard.knows_host(request.headers()) {
        return Some(Failure::forbidden("this server has another name").into_response());
    }
    let query = request.uri().query().unwrap_or_default();
    let token = query.split('&').find_map(|part| part.strip_prefix("token="));
    if request.uri().path() == "/" && token.is_some_and(|token| guard.is_token(token)) {
        // From now on the browser sends the token by itself, and the address bar does not show it.
        let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict", guard.cookie_name(), guard.token);
        return Some((StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, "/".into())]).into_response());
    }
    if guard.has_token(request.headers()) {
        return None;
    }
    let message = match token {
        Some(_) => "the token is not this server's: open the address that `h5h264 view` has printed last",
        None => "the token is missing: open the address that `h5h264 view` has printed",
    };
    Some(match request.uri().path().starts_with("/api/") {
        true => Failure::forbidden(message).into_response(),
        // People see it.
        false => (StatusCode::FORBIDDEN, message).into_response(),
    })
}
