//! A made-up configuration, decoded with the toolkit as other crates do it.

use std::collections::BTreeMap;
use std::time::Duration;

use ibn_core::diagnostic::Code;
use ibn_core::read::{Decode, Node, Reader, quote};
use ibn_core::units::{Bytes, format_duration};
use jiff::Timestamp;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    pub(crate) name: String,
    pub(crate) workers: u8,
    pub(crate) threshold: f64,
    pub(crate) verbose: bool,
    pub(crate) period: Duration,
    pub(crate) timeout: Duration,
    pub(crate) memory: Bytes,
    pub(crate) mode: Mode,
    pub(crate) since: Option<Timestamp>,
    pub(crate) server: Option<Server>,
    pub(crate) probes: Vec<Probe>,
    pub(crate) labels: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Steady,
    Bursty,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) requests: u64,
    pub(crate) burst: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Probe {
    pub(crate) path: String,
    pub(crate) every: Duration,
    pub(crate) retries: u32,
}

impl Decode for Config {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(
            node,
            &[
                "name",
                "workers",
                "threshold",
                "verbose",
                "period",
                "timeout",
                "memory",
                "mode",
                "since",
                "server",
                "probes",
                "labels",
            ],
        )?;
        let name = fields.required("name");
        let workers = fields.required_with("workers", |node, reader| reader.whole(node, 1..=16));
        let threshold =
            fields.optional_with("threshold", |node, reader| reader.number(node, 0.0..=1.0));
        let verbose = fields.or_default("verbose");
        let period = fields.or("period", Duration::from_secs(60));
        let timeout = fields.optional_with("timeout", timeout);
        let memory = fields.or("memory", Bytes::new(1 << 30));
        let mode = fields.or("mode", Mode::Steady);
        let since = fields.optional("since");
        let server = fields.optional("server");
        let probes = fields.or_default("probes");
        let labels = fields.or_default("labels");
        Some(Self {
            name: name?,
            workers: workers?,
            threshold: threshold?.unwrap_or(0.5),
            verbose: verbose?,
            period: period?,
            timeout: timeout?.unwrap_or(Duration::from_secs(60)),
            memory: memory?,
            mode: mode?,
            since: since?,
            server: server?,
            probes: probes?,
            labels: labels?,
        })
    }
}

/// A rule of its own, reported like those of the toolkit.
fn timeout(node: &Node, reader: &mut Reader) -> Option<Duration> {
    let timeout = Duration::decode(node, reader)?;
    let most = Duration::from_secs(3600);
    if timeout < Duration::from_secs(1) || timeout > most {
        let message = format!("{} is out of range", quote(&format_duration(timeout)));
        reader.error(
            node,
            Code::OutOfRange,
            message,
            "a duration from `1s` to `1h`",
        );
    }
    Some(timeout)
}

impl Decode for Mode {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.one_of(node, &[("steady", Self::Steady), ("bursty", Self::Bursty)])
    }
}

impl Decode for Server {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["host", "port", "limits"])?;
        let host = fields.or("host", "localhost".to_owned());
        let port = fields.required("port");
        let limits = fields.optional_with("limits", |node, reader| {
            let mut fields = reader.fields(node, &["requests", "burst"])?;
            let requests = fields.or("requests", 100);
            let burst = fields.or("burst", 1.0);
            Some((requests?, burst?))
        });
        let (requests, burst) = limits?.unwrap_or((100, 1.0));
        Some(Self {
            host: host?,
            port: port?,
            requests,
            burst,
        })
    }
}

impl Decode for Probe {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["path", "every", "retries"])?;
        let path = fields.required("path");
        let every = fields.required("every");
        let retries = fields.or_default("retries");
        Some(Self {
            path: path?,
            every: every?,
            retries: retries?,
        })
    }
}
