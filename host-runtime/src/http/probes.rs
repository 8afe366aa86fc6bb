//! What those ask who watch the server: is it alive, is it ready, what has it counted.
//!
//! The first two are answered to everybody, for they tell nothing else. Metrics have a
//! listener of their own, [`Watch`]: who may read them is decided by who can reach it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use super::{Front, Reply, reply};
use crate::Runtime;
use crate::metrics::CONTENT_TYPE;
use crate::readiness::Readiness;

impl Front {
    /// `GET /readyz`
    pub(super) async fn ready(&self) -> Reply {
        ready(&self.runtime).await
    }
}

/// `GET /healthz`: whoever reads this is answered, so it is alive.
pub fn alive() -> Reply {
    reply::text(StatusCode::OK, "ok\n")
}

async fn ready(runtime: &Runtime) -> Reply {
    let readiness = runtime.readiness().await;
    let status = match readiness {
        Readiness::Ready => StatusCode::OK,
        Readiness::Draining | Readiness::NoDatabase => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut answer = reply::text(status, readiness.as_str());
    reply::decorate(&mut answer);
    answer
}

/// The service of the listener for metrics: `/metrics`, `/healthz` and `/readyz`.
#[derive(Clone)]
pub struct Watch(Runtime);

impl Watch {
    /// Of this runtime.
    pub fn new(runtime: Runtime) -> Self {
        Self(runtime)
    }

    async fn answer(&self, method: &Method, path: &str) -> Reply {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return reply::text(
                StatusCode::METHOD_NOT_ALLOWED,
                "this listener answers GET\n",
            );
        }
        match path {
            "/healthz" => alive(),
            "/readyz" => ready(&self.0).await,
            "/metrics" => match self.0.metrics().text() {
                Ok(text) => reply::ok(HeaderValue::from_static(CONTENT_TYPE), text),
                Err(_) => reply::text(StatusCode::INTERNAL_SERVER_ERROR, "no metrics\n"),
            },
            _ => reply::text(
                StatusCode::NOT_FOUND,
                "here are `/metrics`, `/healthz` and `/readyz`\n",
            ),
        }
    }
}

impl<B: Send + 'static> tower::Service<Request<B>> for Watch {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let watch = self.clone();
        let (parts, _) = request.into_parts();
        Box::pin(async move {
            let answer = watch.answer(&parts.method, parts.uri.path()).await;
            Ok(answer.map(Full::new))
        })
    }
}
