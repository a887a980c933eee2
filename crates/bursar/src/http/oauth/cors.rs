//! What pages of other origins may read (Fetch standard, CORS): what programs in browsers need, never with cookies, and
//! never the pages people see.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use futures::future::{Either, Map, Ready, ready};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
};
use http::{HeaderValue, Method, StatusCode};
use tower_layer::layer_fn;
use tower_service::Service;

/// Every page may call these routes: who calls proves itself in the request and not by cookies.
pub(super) fn open<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.route_layer(layer_fn(Open))
}

/// A route that answers every origin.
#[derive(Clone, Debug)]
struct Open<T>(T);

impl<T> Service<Request> for Open<T>
where
    T: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Map<Either<Ready<Result<Response, Infallible>>, T::Future>, Answered>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answering = if request.method() == Method::OPTIONS {
            Either::Left(ready(Ok(permission())))
        } else {
            Either::Right(self.0.call(request))
        };
        let open: Answered = |answered| answered.map(opened);
        answering.map(open)
    }
}

type Answered = fn(Result<Response, Infallible>) -> Result<Response, Infallible>;

/// What browsers ask for before they ask.
fn permission() -> Response {
    let mut answer = StatusCode::NO_CONTENT.into_response();
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, DELETE"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, dpop, mcp-protocol-version"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    answer
}

fn opened(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("www-authenticate, dpop-nonce, retry-after, bursar-correlation-id"),
    );
    response
}
