//! TLS with a certificate from files, and new ones without a restart.

use std::{path::Path, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::Bytes,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::support::server::{Folder, Server, failure, run};

struct Made {
    chain: String,
    key: String,
    der: CertificateDer<'static>,
}

fn make() -> Made {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["crm.acme.example".to_owned()]).unwrap();
    Made { chain: cert.pem(), key: signing_key.serialize_pem(), der: cert.der().clone() }
}

fn put(folder: &Path, chain: &str, key: &str) {
    std::fs::write(folder.join("tls.key"), key).unwrap();
    std::fs::write(folder.join("tls.crt"), chain).unwrap();
}

/// Somebody who trusts this certificate and no other.
async fn connect(
    server: &Server,
    trusted: &Made,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(&server.address).await?;
    let name = ServerName::try_from("crm.acme.example").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

fn question() -> Request<Full<Bytes>> {
    Request::post("https://crm.acme.example/graphql")
        .header("host", "crm.acme.example")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(b"{\"query\": \"{ __typename }\"}")))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_http_are_spoken_over_tls() {
    let folder = Folder::new();
    let good = make();
    put(&folder.0, &good.chain, &good.key);
    let server = serve(&folder.0);
    let stream = connect(&server, &good, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, driver) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let driving = tokio::spawn(driver);
    let answers = futures_util::future::join_all((0..8).map(|_| sender.send_request(question())));
    for answer in answers.await {
        let answer = answer.unwrap();
        assert!(answer.status() == 200 && answer.headers().contains_key("x-request-id"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"{\"data\":{\"__typename\":\"Query\"}"), "{body:?}");
    }
    drop(sender);
    driving.await.unwrap().unwrap();

    for protocols in [&["http/1.1"][..], &[]] {
        let stream = connect(&server, &good, protocols).await.unwrap();
        let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driving = tokio::spawn(driver);
        for _ in 0..2 {
            sender.ready().await.unwrap();
            let answer = sender.send_request(question()).await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.into_body().collect().await.unwrap();
        }
        drop(sender);
        driving.await.unwrap().unwrap();
    }
    // Without TLS there is nothing to be had.
    assert_eq!(server.http("GET", "/healthz", "", "").status, 0);
    assert!(server.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    let folder = Folder::new();
    let (old, new) = (make(), make());
    put(&folder.0, &old.chain, &old.key);
    let server = serve(&folder.0);
    assert!(connect(&server, &old, &[]).await.is_ok());
    assert!(connect(&server, &new, &[]).await.is_err(), "it checks");
    for (chain, key) in [
        (new.chain.as_str(), old.key.as_str()),
        ("nonsense", old.key.as_str()),
        (old.chain.as_str(), ""),
    ] {
        put(&folder.0, chain, key);
        let before = server.log().matches("tls.reload.failed").count();
        let began = std::time::Instant::now();
        while server.log().matches("tls.reload.failed").count() == before {
            assert!(began.elapsed() < Duration::from_secs(10), "{}", server.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(connect(&server, &old, &[]).await.is_ok(), "the old one stays");
    }
    assert!(!server.log().contains("PRIVATE KEY"));
    put(&folder.0, &new.chain, &new.key);
    server.logged("tls.reloaded", |_| true);
    assert!(connect(&server, &new, &[]).await.is_ok());
    assert!(connect(&server, &old, &[]).await.is_err());
    assert!(server.stop().success());
}

#[test]
fn a_certificate_that_is_no_good_is_said_at_the_start() {
    let folder = Folder::new();
    let (one, other) = (make(), make());
    let path = |name: &str| folder.0.join(name).to_str().unwrap().to_owned();
    let begin = || {
        let (chain, key) = (path("tls.crt"), path("tls.key"));
        let arguments =
            ["serve", "--listen", "127.0.0.1:0", "--tls-cert", &chain, "--tls-key", &key];
        failure(&run(&arguments))
    };
    assert!(begin().starts_with("KONTOR_TLS_CERT: cannot read "), "{}", begin());
    put(&folder.0, &one.chain, &other.key);
    assert!(begin().starts_with("Certificate and key do not go together"), "{}", begin());
    put(&folder.0, "", &one.key);
    assert!(begin().starts_with("There is no certificate"), "{}", begin());
    put(&folder.0, &one.chain, "-----BEGIN NOTHING-----");
    assert!(begin().starts_with("The certificate's key cannot be read"), "{}", begin());
    let alone = run(&["serve", "--tls-cert", &path("tls.crt")]);
    assert!(!alone.status.success(), "a certificate needs its key");
}

fn serve(folder: &Path) -> Server {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (data, chain, key) = (path("data"), path("tls.crt"), path("tls.key"));
    Server::start(&[
        "serve",
        "--demo",
        "--data-dir",
        &data,
        "--tls-cert",
        &chain,
        "--tls-key",
        &key,
    ])
}
