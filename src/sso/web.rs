//! The way out to identity providers. Their addresses come from tenants, so nothing inside is
//! reached by them: https only, public addresses only (looked at after the name is resolved, and
//! that very address is connected to), no redirects, five seconds, 256 KiB, no proxy. In
//! development everything may be local.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response,
    body::Bytes,
    client::conn::http1,
    header::{HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use openidconnect::{
    AsyncHttpClient, HttpRequest, HttpResponse,
    url::{Host, Url},
};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::values::{is_public, may_be_asked};

const PATIENCE: Duration = Duration::from_secs(5);
const MOST: usize = 256 * 1024;
const HEADERS: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error("{0} is not asked: it is not an https address on the internet")]
    Closed(String),
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    Slow,
    #[error("the conversation failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> WebError {
    WebError::Failed(error.into())
}

pub struct Web {
    pub allow_local: bool,
    tls: OnceLock<TlsConnector>,
}

impl Web {
    pub fn new(allow_local: bool) -> Self {
        Self { allow_local, tls: OnceLock::new() }
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, WebError> {
        timeout(PATIENCE, self.talk(request)).await.map_err(|_| WebError::Slow)?
    }

    async fn talk(&self, request: HttpRequest) -> Result<HttpResponse, WebError> {
        // One reading of the address decides whom to ask, and what to call them.
        let url = Url::parse(&request.uri().to_string()).map_err(failed)?;
        let closed = || WebError::Closed(url.to_string());
        if !may_be_asked(&url, self.allow_local) {
            return Err(closed());
        }
        let host = url.host().ok_or_else(closed)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(closed)?;
        let stream = self.connect(&host, port).await?.ok_or_else(closed)?;
        let (mut parts, body) = request.into_parts();
        let name = url.host_str().ok_or_else(closed)?;
        let name = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        parts.headers.insert(HOST, HeaderValue::from_str(&name).map_err(failed)?);
        let path = url
            .query()
            .map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        parts.uri = path.parse().map_err(failed)?;
        let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
        if url.scheme() == "http" {
            return exchange(stream, request).await;
        }
        let server = match host {
            Host::Domain(name) => ServerName::try_from(name).map_err(failed)?,
            Host::Ipv4(ip) => ServerName::from(IpAddr::V4(ip)),
            Host::Ipv6(ip) => ServerName::from(IpAddr::V6(ip)),
        };
        let stream = self.tls()?.connect(server, stream).await.map_err(failed)?;
        exchange(stream, request).await
    }

    /// `None`: some address of the name is inside. All of them are looked at, so that a name
    /// cannot lead outside once and inside the next time.
    async fn connect(&self, host: &Host, port: u16) -> Result<Option<TcpStream>, WebError> {
        let addresses: Vec<SocketAddr> = match host {
            Host::Domain(name) => {
                lookup_host((name.as_str(), port)).await.map_err(failed)?.collect()
            }
            Host::Ipv4(ip) => vec![(*ip, port).into()],
            Host::Ipv6(ip) => vec![(*ip, port).into()],
        };
        if !self.allow_local && !addresses.iter().all(|address| is_public(address.ip())) {
            return Ok(None);
        }
        TcpStream::connect(addresses.as_slice()).await.map(Some).map_err(failed)
    }

    /// The system's roots are read when they are first needed.
    fn tls(&self) -> Result<&TlsConnector, WebError> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(config))))
    }
}

/// One request on a connection of its own. A redirect is an answer like any other.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<HttpResponse, WebError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let answer = pin!(async move {
        let (parts, body) = sender.send_request(request).await.map_err(failed)?.into_parts();
        let body = Limited::new(body, MOST).collect().await.map_err(failed)?.to_bytes();
        Ok(Response::from_parts(parts, body.to_vec()))
    });
    match select(answer, pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        // Closed by the other side; what arrived before is still to be read.
        Either::Right((_, answer)) => answer.await,
    }
}

impl<'c> AsyncHttpClient<'c> for Web {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, WebError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name is innocent; what it leads to is not.
    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_asked() {
        for url in ["https://localhost:1/", "https://127.0.0.1:1/", "http://login.acme.example/"] {
            let request = openidconnect::http::Request::get(url).body(Vec::new()).unwrap();
            let refused = Web::new(false).ask(request).await;
            assert!(matches!(refused, Err(WebError::Closed(_))), "{url}: {refused:?}");
        }
    }
}
