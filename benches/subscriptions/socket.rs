//! A follower: a socket that speaks graphql-transport-ws.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Signed in, and let in.
    pub async fn open(address: &str, token: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let small = WebSocketConfig::default().read_buffer_size(4096);
        let opened = client_async_with_config(request, stream, Some(small)).await;
        let mut socket = Self(opened.unwrap().0);
        let payload = json!({ "authorization": format!("Bearer {token}") });
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        socket.hear("connection_ack").await;
        socket
    }

    pub async fn ask(&mut self, id: &str, query: &str) {
        let payload = json!({ "query": query });
        self.say(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// The next message, which is of this type; pings are answered.
    pub async fn hear(&mut self, kind: &str) -> Value {
        loop {
            if let Message::Text(text) = self.0.next().await.unwrap().unwrap() {
                let message: Value = serde_json::from_str(&text).unwrap();
                assert!(message["type"] == kind && !text.contains("\"errors\""), "{text}");
                return message;
            }
        }
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }
}
