//! Mail: one kind of job. With an SMTP server it is sent; without, each mail is a file in a
//! folder and a line in the log, so that whoever tries the product finds it.

use std::{path::PathBuf, sync::Arc};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::header::ContentType,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock::Clock,
    db::TenantConn,
    error::{Error, Result},
    ids::new_uuid,
    jobs::{NewJob, Work, enqueue},
};

/// The kind of job.
pub const MAIL: &str = "mail.send";

/// A mail to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl Mail {
    /// In the transaction that wants it sent.
    pub async fn enqueue(&self, conn: &TenantConn, clock: &Clock) -> Result<()> {
        let payload = serde_json::to_value(self).map_err(Error::internal)?;
        enqueue(conn, clock, NewJob { kind: MAIL, payload, due_at: clock.now() }).await
    }
}

/// Where mail goes.
#[derive(Clone)]
pub struct Mailer(Arc<Way>);

enum Way {
    Smtp { transport: AsyncSmtpTransport<Tokio1Executor>, from: String },
    Folder { folder: PathBuf, clock: Clock },
}

impl Mailer {
    /// `smtps://user:password@host` or `smtp://host?tls=required`.
    pub fn smtp(url: &str, from: &str) -> Result<Self> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        let transport = transport.map_err(|error| {
            Error::internal(format!("KONTOR_SMTP_URL cannot be used: {error}."))
        })?;
        let way = Way::Smtp { transport: transport.build(), from: from.to_owned() };
        Ok(Self(Arc::new(way)))
    }

    pub fn folder(folder: PathBuf, clock: Clock) -> Self {
        Self(Arc::new(Way::Folder { folder, clock }))
    }

    /// Does a job of the kind [`MAIL`].
    pub async fn deliver(self, work: Work) -> Result<()> {
        let mail: Mail = serde_json::from_value(work.payload).map_err(Error::internal)?;
        match &*self.0 {
            Way::Smtp { transport, from } => {
                let message = Message::builder()
                    .from(from.parse().map_err(Error::internal)?)
                    .to(mail.to.parse().map_err(Error::internal)?)
                    .subject(mail.subject)
                    .header(ContentType::TEXT_PLAIN)
                    .body(mail.text)
                    .map_err(Error::internal)?;
                transport.send(message).await.map_err(Error::internal)?;
            }
            Way::Folder { folder, clock } => {
                let name: Uuid = new_uuid(clock);
                let file = folder.join(format!("{name}.txt"));
                let text = format!("To: {}\nSubject: {}\n\n{}\n", mail.to, mail.subject, mail.text);
                tokio::fs::create_dir_all(folder).await.map_err(Error::internal)?;
                tokio::fs::write(&file, text).await.map_err(Error::internal)?;
                tracing::info!(file = %file.display(), subject = mail.subject, "mail.kept");
            }
        }
        Ok(())
    }
}
