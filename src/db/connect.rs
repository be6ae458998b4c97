//! Connections: TLS, roles, session settings, and the pool's view of them.

use std::{
    future::poll_fn,
    net::IpAddr,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bb8::ManageConnection;
use diesel::ConnectionError;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, NoTls, Socket, config::Host, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Settings,
    watch::{Tally, Watch, Watching},
};
use crate::error::{Error, Result};

/// How the statements of requests are planned: once, whatever is bound to them.
pub(super) const KEPT: &str = "force_generic_plan";
/// Notes that were heard and not yet looked at.
const HEARD: usize = 256;

/// The roles of DATABASE: each connection works as exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppRole {
    /// Owns everything; migrations only.
    Owner,
    /// Every request. Row level security binds it.
    App,
    /// The operator's commands and dispatch between tenants; never a request.
    Worker,
}

impl AppRole {
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "kontor_owner",
            Self::App => "kontor_app",
            Self::Worker => "kontor_worker",
        }
    }
}

/// Opens connections to one URL.
#[derive(Clone)]
pub(super) struct Connector {
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
    settings: Settings,
}

/// An open connection, and whether its socket has ended.
pub(super) struct Opened {
    pub conn: AsyncPgConnection,
    pub watch: Arc<Watch>,
    pub closed: Arc<AtomicBool>,
}

/// What is told on a channel, until the connection ends.
pub(super) struct Listening {
    /// The connection ends without it.
    _client: Client,
    heard: mpsc::Receiver<String>,
}

impl Listening {
    pub async fn next(&mut self) -> Option<String> {
        self.heard.recv().await
    }
}

impl Connector {
    pub fn new(settings: &Settings, url: &SecretString) -> Result<Self> {
        let mut config = parse(url)?;
        config.application_name("kontor");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(settings.acquire_timeout);
        }
        Ok(Self { config, tls: MakeRustlsConnect::new(tls_config()?), settings: settings.clone() })
    }

    /// Is the database on this machine?
    pub fn is_here(&self) -> bool {
        self.config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
            Host::Unix(_) => true,
        })
    }

    /// A connection that works as `role`.
    pub async fn open_as(&self, role: AppRole) -> Result<Opened, ConnectionError> {
        let mut opened = self.open().await?;
        let millis = self.settings.statement_timeout.as_millis();
        let role_name = role.name();
        let limits = match role {
            // A cancelled request's statement ends soon after its socket does. A statement is planned
            // once, and not with each use: that would often take longer than to run it.
            AppRole::App => format!(
                "SET statement_timeout = {millis}; SET client_connection_check_interval = '1s'; \
                 SET plan_cache_mode = {KEPT};"
            ),
            AppRole::Owner | AppRole::Worker => String::new(),
        };
        // Where the login is the role itself (behind PgBouncer, say) this changes nothing.
        let setup = format!("SET ROLE {role_name}; SET search_path = kontor; {limits}");
        opened
            .conn
            .batch_execute(&setup)
            .await
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        opened.conn.set_instrumentation(Watching(opened.watch.clone()));
        Ok(opened)
    }

    /// A connection as the URL's own user.
    pub async fn open(&self) -> Result<Opened, ConnectionError> {
        // A socket in the file system has no name that a certificate could be for.
        let (client, closed) = match has_address(&self.config) {
            true => self.connect(self.tls.clone()).await?,
            false => self.connect(NoTls).await?,
        };
        let conn = AsyncPgConnection::try_from(client).await?;
        Ok(Opened { conn, watch: Arc::new(Watch::new(&self.settings)), closed })
    }

    /// A connection that hears what is told on a channel. Where connections are shared between
    /// transactions (PgBouncer) it hears nothing.
    pub async fn listen(&self, channel: &str) -> Result<Listening, ConnectionError> {
        match has_address(&self.config) {
            true => self.hear(self.tls.clone(), channel).await,
            false => self.hear(NoTls, channel).await,
        }
    }

    async fn hear<T>(&self, tls: T, channel: &str) -> Result<Listening, ConnectionError>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, mut driver) = self.config.connect(tls).await.map_err(told)?;
        let (sender, heard) = mpsc::channel(HEARD);
        #[expect(clippy::disallowed_methods, reason = "ends with its connection, which it drives")]
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|cx| driver.poll_message(cx)).await {
                if let AsyncMessage::Notification(note) = message
                    && sender.send(note.payload().to_owned()).await.is_err()
                {
                    break;
                }
            }
        });
        client.batch_execute(&format!("LISTEN {channel}")).await.map_err(told)?;
        Ok(Listening { _client: client, heard })
    }

    async fn connect<T>(&self, tls: T) -> Result<(Client, Arc<AtomicBool>), ConnectionError>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, driver) = self.config.connect(tls).await.map_err(told)?;
        let closed = Arc::new(AtomicBool::new(false));
        let ended = closed.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with its connection, which it drives")]
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(error = %error, "db.connection.ended");
            }
            ended.store(true, Relaxed);
        });
        Ok((client, closed))
    }
}

fn has_address(config: &tokio_postgres::Config) -> bool {
    config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)))
}

fn told(error: tokio_postgres::Error) -> ConnectionError {
    let reason = match error.as_db_error() {
        Some(db) => db.message().to_owned(),
        None => {
            let source = std::error::Error::source(&error);
            source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
        }
    };
    ConnectionError::BadConnection(reason)
}

fn parse(url: &SecretString) -> Result<tokio_postgres::Config> {
    tokio_postgres::Config::from_str(url.expose_secret()).map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        Error::internal(format!("The database URL cannot be read ({source})."))
    })
}

fn tls_config() -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    // The system's, or the file that SSL_CERT_FILE names.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Does the server let anybody in? Tried with a wrong password over TCP; a local socket is
/// guarded by the file system and is not asked.
pub async fn probe_trust(url: &SecretString) -> Result<bool> {
    let mut config = parse(url)?;
    if !has_address(&config) {
        return Ok(false);
    }
    config.password("wrong-on-purpose").connect_timeout(Duration::from_secs(3));
    let plain = config.connect(NoTls).await.is_ok();
    Ok(plain || config.connect(MakeRustlsConnect::new(tls_config()?)).await.is_ok())
}

/// A pooled connection. It is in use from checkout until its transaction has ended well; one
/// that comes back in use was dropped in the middle and is closed.
pub(super) struct Conn {
    pub pg: AsyncPgConnection,
    pub in_use: AtomicBool,
    watch: Arc<Watch>,
    closed: Arc<AtomicBool>,
}

impl Conn {
    /// From now on it is somebody's; `counts` where nobody else counts their statements.
    pub fn begin(&self, tally: Arc<Tally>, counts: bool) {
        self.in_use.store(true, Relaxed);
        self.watch.begin(tally, counts);
    }
}

/// bb8's manager. diesel-async's own asks its transaction manager whether a connection is
/// broken; ours begins transactions together with the first statement, which that does not see.
pub(super) struct Manager {
    connector: Connector,
}

impl Manager {
    pub fn new(connector: Connector) -> Self {
        Self { connector }
    }
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = ConnectionError;

    async fn connect(&self) -> Result<Conn, ConnectionError> {
        let Opened { conn, watch, closed } = self.connector.open_as(AppRole::App).await?;
        Ok(Conn { pg: conn, in_use: AtomicBool::new(false), watch, closed })
    }

    /// Without a round trip: the driver notices at once when the server goes away.
    async fn is_valid(&self, conn: &mut Conn) -> Result<(), ConnectionError> {
        match conn.closed.load(Relaxed) {
            false => Ok(()),
            true => Err(ConnectionError::BadConnection("closed by the server".into())),
        }
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        conn.in_use.load(Relaxed) || conn.closed.load(Relaxed)
    }
}

/// Why the pool could not connect, once each, in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogErrors;

impl bb8::ErrorSink<ConnectionError> for LogErrors {
    fn sink(&self, error: ConnectionError) {
        tracing::warn!(error = %error, "db.connection.failed");
    }

    fn boxed_clone(&self) -> Box<dyn bb8::ErrorSink<ConnectionError>> {
        Box::new(*self)
    }
}
