//! `kontor serve`.

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{DEMO_PASSWORD, demo, insist, seed_demo, start_own, surroundings::Surroundings, tell};
use crate::{
    accounts::{Links, Passwords, RESET, Resets},
    audit::Sealing,
    buckets::Buckets,
    clock::Clock,
    config::{Config, ServeArgs},
    db::{Db, Migrator, Settings, inspect, probe_trust},
    error::{Error, Result},
    graphql::{Api, Bounds, Parts},
    http::{self, Browsers, Edge, Lines, Operations, SocketTimes},
    jobs::{Worker, tell_standing, upkeep},
    keys::{Keys, REENCRYPT, Reencryption},
    leads::{Chores, work},
    mail::{MAIL, Mailer},
    sso::Providers,
    telemetry::Log,
};

/// How long open requests may take to finish once we are told to stop.
const DRAIN: Duration = Duration::from_secs(15);

pub(super) async fn serve(config: &Config, args: ServeArgs, log: &Log) -> Result<()> {
    if args.demo && config.is_production() {
        return Err(Error::internal("Production refuses the demo."));
    }
    // First, so that a taken port is told before a database is started.
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        let address = args.listen;
        Error::internal(match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!(
                    "{address} is taken. Choose another one with --listen, such as 127.0.0.1:8081."
                )
            }
            _ => format!("Cannot listen on {address}: {error}."),
        })
    })?;
    let edge = Surroundings::of(config, log)?;
    let mut stopped = Stop::new()?;
    let own = match config.database_url {
        Some(_) => None,
        None => Some(start_own(config).await?),
    };
    let url = own.as_ref().map(crate::db::Embedded::url).or_else(|| config.database_url.clone());
    let settings = config.settings(url.unwrap_or_default());
    let served = run(config, &args, &settings, (listener, edge), &mut stopped).await;
    if let Some(own) = own {
        tell("Stopping the database …");
        own.stop().await?;
    }
    served
}

async fn run(
    config: &Config,
    args: &ServeArgs,
    settings: &Settings,
    (listener, edge): (TcpListener, Surroundings),
    stopped: &mut Stop,
) -> Result<()> {
    let clock = Clock::system();
    let passwords = Passwords::new(config.bcrypt_cost);
    if args.demo {
        let applied = Migrator::open(settings).await?.up(&clock).await?;
        if !applied.is_empty() {
            tell("The database's schema is up to date.");
        }
        if seed_demo(settings, &clock, &passwords).await? {
            tell("Filled the database with the demo.");
        }
    }
    let (inspection, state) = inspect(settings).await?;
    insist(config, &inspection, &state)?;
    if config.is_production() && probe_trust(&settings.url).await? {
        return Err(Error::internal(
            "Production refuses this database: it lets anybody in, whatever the password \
             (trust authentication). Mend its pg_hba.conf.",
        ));
    }
    let keys = Arc::new(Keys::new(&config.secret(), config.secret_previous.as_ref()));
    let links = Links(config.public_url.trim_end_matches('/').into());
    let db = Db::new(settings)?;
    // A secret that opens nothing is told now, and not to the first person who signs in.
    keys.ring(&db, &clock).await?;
    let worker = worker(config, &db, &clock, &keys, &links)?;
    let providers = Providers::new(!config.is_production());
    let limits = config.limits.clone();
    let limits = if args.demo { limits.for_demo() } else { limits };
    let buckets = match &config.redis_url {
        Some(url) => Buckets::shared(clock.clone(), url.expose_secret())?,
        None => Buckets::own(clock.clone()),
    };
    let parts = Parts { db, clock, keys, passwords, links, providers, limits, buckets };
    let bounds = Bounds {
        time: Duration::from_millis(config.operations.operation_timeout),
        ..Bounds::of(&parts.limits)
    };
    let api = Api::bounded(parts, bounds);
    let address = listener.local_addr().map_err(Error::internal)?;
    let scheme = if edge.certificates.is_some() { "https" } else { "http" };
    welcome(args, &format!("{scheme}://{address}"));
    tracing::info!(%address, "serve.started");
    let (stop_work, work_stops) = watch::channel(false);
    let (stop_later, later_stops) = watch::channel(false);
    let registry = api.registry().clone();
    let uses = registry.run(api.db().clone(), api.clock().clone(), later_stops.clone());
    let sharing = api.buckets().clone().run(later_stops.clone());
    let later = api.later().clone().run(api.db().clone(), api.clock().clone(), later_stops);
    let working = worker.run(work_stops.clone());
    let queue = tell_standing(api.db().clone(), api.clock().clone(), work_stops.clone());
    let commits = api.db().commits().clone().run(api.db().clone(), settings.clone(), work_stops);
    let trusted_proxies = config.trusted_proxies.clone().into();
    let browsers = Browsers { origins: origins(config)?, tls_only: config.is_production() };
    let (drain, draining) = watch::channel(false);
    let rules = edge.connections(config, draining.clone())?;
    let around = edge.work(draining.clone());
    let operations = Operations::new(edge.rules(config));
    let (lines, demo) = (Lines::default(), args.demo.then(|| Arc::new(demo())));
    let sockets = SocketTimes::DEFAULT;
    let edge = Edge { api, trusted_proxies, browsers, lines, sockets, draining, demo, operations };
    let router = http::router(edge);
    #[expect(clippy::disallowed_methods, reason = "waited for below, when it is told to stop")]
    let working = tokio::spawn(async {
        futures_util::join!(working, queue, later, uses, sharing, commits, around)
    });
    let mut server = std::pin::pin!(http::serve(listener, router, rules));
    tokio::select! {
        () = &mut server => {}
        () = stopped.wait() => {}
    }
    let _ = stop_work.send(true);
    tell("Stopping: open requests are finished first …");
    let _ = drain.send(true);
    tokio::select! {
        () = &mut server => {}
        () = tokio::time::sleep(DRAIN) => tracing::warn!("serve.drain.timeout"),
        () = stopped.wait() => tracing::warn!("serve.drain.skipped"),
    }
    // What the last requests wanted written down is written.
    let _ = stop_later.send(true);
    working.await.map_err(Error::internal)?;
    tracing::info!("serve.stopped");
    Ok(())
}

/// Where front ends come from, as browsers say it.
fn origins(config: &Config) -> Result<Vec<axum::http::HeaderValue>> {
    let read = |origin: &String| {
        let plain = origin.starts_with("https://") || origin.starts_with("http://");
        let bare = origin.matches('/').count() == 2;
        origin.parse().ok().filter(|_| plain && bare).ok_or_else(|| {
            Error::internal(format!(
                "KONTOR_CORS_ORIGINS: \"{origin}\" is no origin; one looks like https://crm.acme.example."
            ))
        })
    };
    config.cors_origins.iter().map(read).collect()
}

/// Who does which kind of work.
fn worker(
    config: &Config,
    db: &Db,
    clock: &Clock,
    keys: &Arc<Keys>,
    links: &Links,
) -> Result<Worker> {
    let mailer = match &config.smtp_url {
        Some(url) => Mailer::smtp(url.expose_secret(), &config.mail_from)?,
        None => Mailer::folder(config.data.join("mail"), clock.clone()),
    };
    let (db, clock, links) = (db.clone(), clock.clone(), links.clone());
    let anew = Reencryption { db: db.clone(), clock: clock.clone(), keys: keys.clone() };
    let resets = Resets { db: db.clone(), clock: clock.clone(), links };
    let chores = Chores { db: db.clone(), clock: clock.clone() };
    let (scorer, ageing) = (chores.clone(), chores.clone().ageing());
    let months = config.audit_months;
    let sealing = Sealing { db: db.clone(), clock: clock.clone(), keys: keys.clone(), months };
    let [sealed, retired] = sealing.schedules();
    Ok(Worker::new(db.clone(), clock.clone())
        .every(upkeep(db, clock))
        .every(sealed)
        .every(retired)
        .every(ageing)
        .on(MAIL, move |work| mailer.clone().deliver(work))
        .on(work::WAKE, move |work| chores.clone().wake(work))
        .on(work::RESCORE, move |work| scorer.clone().rescore(work))
        .on(REENCRYPT, move |work| anew.clone().run(work))
        .on(RESET, move |work| resets.clone().send(work)))
}

fn welcome(args: &ServeArgs, address: &str) {
    tell(&format!("\nKontor is ready.\n\n  API        {address}/graphql"));
    tell(&format!("  Playground {address}/playground"));
    tell(&format!("  State      {address}/readyz"));
    if args.demo {
        tell("\n  This is a DEMO. Its people, in the tenants acme and globex:");
        tell("    owner@ admin@ manager@ rep@ rep2@ finance@ operations@ field@ viewer@");
        tell("    acme.test and globex.test, for example owner@acme.test");
        tell(&format!("    password {DEMO_PASSWORD}"));
    }
    tell("\nStop it with Ctrl-C.\n");
}

/// Ctrl-C or SIGTERM.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).map_err(Error::internal);
        let (interrupt, terminate) =
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
