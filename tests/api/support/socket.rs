//! A client that speaks graphql-transport-ws.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

/// On a socket where nothing happens the server only asks now and then whether somebody is there.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Socket(WebSocketStream<TcpStream>);

/// What comes from the server.
#[derive(Debug)]
pub enum Heard {
    Said(Json),
    /// It closed, with this code.
    Closed(u16),
    /// It is gone, without a word.
    Gone,
}

impl Heard {
    /// A message of this type.
    pub fn said(self, kind: &str) -> Json {
        match self {
            Self::Said(message) if message["type"] == kind => message,
            other => panic!("no {kind}: {other:?}"),
        }
    }

    pub fn code(self) -> u16 {
        match self {
            Self::Closed(code) => code,
            other => panic!("not closed: {other:?}"),
        }
    }
}

impl Socket {
    pub async fn open(address: &str) -> Result<Self, Error> {
        Self::open_with(address, TcpSocket::new_v4().unwrap()).await
    }

    /// On a connection whose buffers were set.
    pub async fn open_with(address: &str, socket: TcpSocket) -> Result<Self, Error> {
        let stream = socket.connect(address.parse().unwrap()).await?;
        let mut request = format!("ws://{address}/graphql/ws").into_client_request()?;
        let protocol = "graphql-transport-ws".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        Ok(Self(client_async(request, stream).await?.0))
    }

    /// Signed in by this token, and let in.
    pub async fn ready(address: &str, token: &str) -> Self {
        let mut socket = Self::open(address).await.unwrap();
        socket.init(token).await;
        socket.next().await.said("connection_ack");
        socket
    }

    pub async fn init(&mut self, token: &str) {
        let payload = json!({ "authorization": format!("Bearer {token}") });
        self.say(&json!({ "type": "connection_init", "payload": payload })).await;
    }

    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Json) {
        let payload = json!({ "query": query, "variables": variables });
        self.say(&json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// Whoever is gone is noticed by [`Self::next`].
    pub async fn say(&mut self, message: &Json) {
        let _ = self.0.send(Message::text(message.to_string())).await;
    }

    /// The next message; pings are answered.
    pub async fn next(&mut self) -> Heard {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.0.next());
            match next.await.expect("nothing came") {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Said(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(Some(frame)))) => return Heard::Closed(frame.code.into()),
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Heard::Gone,
                Some(Ok(_)) => {}
            }
        }
    }

    /// As the protocol has it.
    pub async fn close(mut self) {
        let _ = self.0.close(None).await;
        while let Some(Ok(_)) = self.0.next().await {}
    }
}
