//! TLS: a certificate and its key from files, read anew when the files change.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, Result};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The certificate that is shown now, and where it came from.
pub struct Certificates {
    chain: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
    /// What was looked at last, for whoever goes on looking.
    tried: Mutex<Option<Files>>,
}

/// What was in the files.
#[derive(PartialEq, Eq)]
struct Files {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Certificates {
    /// Reads the files; what is wrong with them is said in one sentence.
    pub fn open(chain: &Path, key: &Path) -> Result<Arc<Self>> {
        let read = |setting: &str, path: &Path| {
            std::fs::read(path).map_err(|error| {
                Error::internal(format!("{setting}: cannot read {}: {error}.", path.display()))
            })
        };
        let files =
            Files { chain: read("KONTOR_TLS_CERT", chain)?, key: read("KONTOR_TLS_KEY", key)? };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let current = RwLock::new(certified(&files, &provider)?);
        let (chain, key, tried) = (chain.to_owned(), key.to_owned(), Mutex::new(Some(files)));
        Ok(Arc::new(Self { chain, key, provider, current, tried }))
    }

    /// Shakes hands with whatever certificate is the current one; HTTP/2 where the client can.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Looks at the files until it is told to stop. New ones that are no good, or do not belong
    /// together (yet), change nothing.
    pub async fn keep_current(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        // What changed since they were opened is news.
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner).take();
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.changed() => return,
            }
            let files = match self.files().await {
                Ok(files) => files,
                Err(error) => {
                    // Once: the next look at missing files finds nothing new.
                    if tried.take().is_some() {
                        tracing::warn!(error = %error, "tls.reload.failed");
                    }
                    continue;
                }
            };
            if tried.as_ref() == Some(&files) {
                continue;
            }
            match certified(&files, &self.provider) {
                Ok(certified) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = certified;
                    tracing::info!(chain = %self.chain.display(), "tls.reloaded");
                }
                Err(error) => tracing::warn!(error = ?error, "tls.reload.failed"),
            }
            tried = Some(files);
        }
    }

    async fn files(&self) -> std::io::Result<Files> {
        let chain = tokio::fs::read(&self.chain).await?;
        Ok(Files { chain, key: tokio::fs::read(&self.key).await? })
    }
}

fn certified(files: &Files, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>> {
    let told = |what: &str, why: &dyn fmt::Display| Error::internal(format!("{what}: {why}."));
    let chain = CertificateDer::pem_slice_iter(&files.chain)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| told("The certificate cannot be read", &error))?;
    if chain.is_empty() {
        return Err(Error::internal(
            "There is no certificate (PEM) in the file of KONTOR_TLS_CERT.",
        ));
    }
    let key = PrivateKeyDer::from_pem_slice(&files.key)
        .map_err(|error| told("The certificate's key cannot be read", &error))?;
    let certified = CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| told("Certificate and key do not go together", &error))?;
    Ok(Arc::new(certified))
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("chain", &self.chain).finish_non_exhaustive()
    }
}
