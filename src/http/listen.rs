//! Connections: so many at once, over TLS or not, each with its patience; and their end, when the
//! server is told to stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::ConnectInfo,
    http::{Request, StatusCode},
};
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;

use super::patience::{Patient, Times, Turns};
use crate::measure::Open;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection may wait for its next request: longer than load balancers keep theirs,
/// so that they close first and send no request into a closing connection.
const IDLE: Duration = Duration::from_secs(75);
/// How long somebody may take nothing of an answer.
const TAKING: Duration = Duration::from_secs(30);
/// How often HTTP/2 asks whether the other end is there.
const PING: Duration = Duration::from_secs(30);
/// When the system has no room for another connection.
const BREATH: Duration = Duration::from_millis(100);

/// How connections are taken.
#[derive(Clone)]
pub struct Connections {
    /// The most at once; further ones wait in the system's queue.
    pub most: usize,
    /// How long a request's head may take to arrive.
    pub patience: Duration,
    pub tls: Option<TlsAcceptor>,
    pub draining: watch::Receiver<bool>,
}

/// A connection's place, in the extensions of each of its requests. Whoever goes on with the
/// connection after the answer (a socket) keeps it: it counts, and the server's end waits for it.
#[derive(Clone)]
pub struct Held {
    _place: Arc<(OwnedSemaphorePermit, Open)>,
}

/// Serves until it is told to stop, and then until the last connection has ended.
pub async fn serve(listener: TcpListener, router: Router, rules: Connections) {
    let most = u32::try_from(rules.most).unwrap_or(u32::MAX).max(1);
    let places = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS)));
    let mut draining = rules.draining.clone();
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let next = tokio::select! {
            next = next => next,
            // Whoever could tell is gone, which is the same.
            _ = draining.wait_for(|draining| *draining) => None,
        };
        match next {
            Some((place, Ok((stream, peer)))) => {
                let held = Held { _place: Arc::new((place, Open::connection())) };
                let served = connection(stream, peer, router.clone(), held, rules.clone());
                #[expect(clippy::disallowed_methods, reason = "its place is waited for below")]
                tokio::spawn(served);
            }
            Some((_, Err(error))) => {
                tracing::warn!(error = %error, "connection.refused");
                tokio::time::sleep(BREATH).await;
            }
            None => break,
        }
    }
    drop(listener);
    let _all = places.acquire_many(most).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    held: Held,
    rules: Connections,
) {
    // Answers are written whole; waiting to send them with others saves nothing.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &rules.tls else {
        return speak(stream, peer, router, held, &rules).await;
    };
    match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, peer, router, held, &rules).await,
        failed => {
            crate::measure::handshake_failed();
            let error = failed.ok().and_then(Result::err).map(|error| error.to_string());
            tracing::debug!(%peer, error, "connection.handshake.failed");
        }
    }
}

/// HTTP/1.1 or HTTP/2, whichever the other end speaks.
async fn speak<S>(stream: S, peer: SocketAddr, router: Router, held: Held, rules: &Connections)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let turns = Arc::new(Turns::default());
    let stream =
        Patient::new(stream, turns.clone(), Times { head: rules.patience, taking: TAKING });
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let turn = turns.begin();
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(peer));
        extensions.insert(held.clone());
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            if answer.as_ref().is_ok_and(|it| it.status() == StatusCode::SWITCHING_PROTOCOLS) {
                turn.upgrade();
            }
            answer
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
    let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    let mut draining = rules.draining.clone();
    let told = async { drop(draining.wait_for(|draining| *draining).await) };
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = told => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error = %error, "connection.ended");
    }
}
