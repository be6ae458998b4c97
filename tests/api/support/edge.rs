//! The edge in this process, on a port of its own, to turn its switches.

use std::time::Duration;

use kontor::http::{Browsers, Connections, Edge, Lines, Operations, Rules, SocketTimes};
use tokio::{net::TcpSocket, sync::watch, task::JoinHandle};

use super::TestApp;

pub struct Local {
    pub address: String,
    pub lines: Lines,
    /// It is to stop: it says that it is not ready, and ends its sockets.
    pub drain: watch::Sender<bool>,
    /// Nobody new comes in.
    pub stop: watch::Sender<bool>,
    pub serving: JoinHandle<()>,
}

impl Local {
    pub async fn start(app: &TestApp, sockets: SocketTimes) -> Self {
        let rules = Rules {
            metrics: None,
            metrics_from: Vec::new(),
            in_flight: 4,
            arrival: Duration::from_secs(1),
            slow: None,
        };
        let ((drain, draining), (stop, stopping)) = (watch::channel(false), watch::channel(false));
        let lines = Lines::default();
        let edge = Edge {
            api: app.api.clone(),
            trusted_proxies: Vec::new().into(),
            browsers: Browsers::default(),
            lines: lines.clone(),
            sockets,
            draining,
            demo: None,
            operations: Operations::new(rules),
        };
        let socket = TcpSocket::new_v4().unwrap();
        // The system keeps little for whoever does not read.
        socket.set_send_buffer_size(16 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(100).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let patience = Duration::from_secs(5);
        let connections = Connections { most: 100, patience, tls: None, draining: stopping };
        let router = kontor::http::router(edge);
        let serving = tokio::spawn(kontor::http::serve(listener, router, connections));
        Self { address, lines, drain, stop, serving }
    }
}
