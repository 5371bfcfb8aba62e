//! The page, the API and the metrics of the live demo.

use std::sync::Arc;

use ibn_core::roles::Translator;
use ibn_runtime::PacedDriver;
use ibn_server::{
    Board, DriverPace, DurationHistogram, RequestCounts, ServerConfig, ServerState,
    WorkloadMetrics, WorkloadSample,
};
use ibn_sim::{Histogram, SimulatedCluster};
use tokio::sync::watch;

use crate::exit::{Exit, Failure};
use crate::output;

/// Listens to the signals that end a process, and serves until one comes.
pub(super) struct Server {
    runtime: tokio::runtime::Runtime,
    stop: watch::Receiver<bool>,
    /// Whether anything is left of the run when it stops.
    keeps: bool,
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::because(Exit::Failed, "the server failed", error)
}

impl Server {
    /// Listens to signals from now on; `keeps` is whether anything is left of the run when it stops.
    pub(super) fn new(keeps: bool) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let (tell, stop) = watch::channel(false);
        let signal = {
            let _inside = runtime.enter();
            crate::signals::stop().map_err(|error| failed(&error))?
        };
        runtime.spawn(async move {
            signal.await;
            // Nobody may be waiting any more.
            let _ = tell.send(true);
        });
        Ok(Self {
            runtime,
            stop,
            keeps,
        })
    }

    /// Whether the process has been told to stop.
    pub(super) fn is_told_to_stop(&self) -> bool {
        *self.stop.borrow()
    }

    /// Serves until the process is told to stop.
    pub(super) fn until_stopped(
        self,
        paced: &PacedDriver,
        speed: f64,
        board: Board,
        translator: Arc<dyn Translator>,
        cluster: &SimulatedCluster,
        listen: &str,
    ) -> Result<(), Failure> {
        let config = ServerConfig {
            place: "simulated cluster".to_owned(),
            // Where it is told to listen under a name, requests to that name are meant for it.
            hosts: Arc::new([listen
                .rsplit_once(':')
                .map_or(listen, |(name, _)| name)
                .to_owned()]),
            ..ServerConfig::default()
        };
        let state = ServerState::new(Arc::new(paced.handle()), translator, board)
            .with_aliases(cluster.aliases())
            .with_metrics(Arc::new(Simulated(cluster.clone())))
            .with_pace(Arc::new(DriverPace::new(paced.handle(), speed)))
            .with_config(config);
        let mut stop = self.stop;
        self.runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(listen)
                .await
                .map_err(|error| {
                    let help = match error.kind() {
                        std::io::ErrorKind::AddrInUse => {
                            "stop what listens there, or name another address, such as `--listen 127.0.0.1:0` for any free port"
                        }
                        _ => super::LISTEN_HELP,
                    };
                    Failure::because(Exit::Usage, format!("can't listen on `{listen}`"), &error).help(help)
                })?;
            let address = listener.local_addr().map_err(|error| failed(&error))?;
            output::line(&format!("http://{address}"));
            output::note(if self.keeps {
                "Open it in a browser. Ctrl-C stops and keeps everything."
            } else {
                "Open it in a browser. Ctrl-C stops and keeps nothing: the state is in memory alone."
            });
            ibn_server::serve(listener, ibn_server::app(state), async move {
                    // Ends as well where nobody can tell it any more.
                    let _ = stop.wait_for(|told| *told).await;
                })
                .await
                .map_err(|error| failed(&error))
        })
    }
}

/// What the simulated pods count, for the metrics endpoint.
struct Simulated(SimulatedCluster);

impl WorkloadMetrics for Simulated {
    fn read(&self) -> Vec<WorkloadSample> {
        self.0
            .all_metrics()
            .into_iter()
            .filter_map(|metrics| {
                let workload = metrics.workload.parse().ok()?;
                let counts = &metrics.counts;
                let latencies = self.0.latencies(&workload)?;
                Some(WorkloadSample {
                    requests: Some(RequestCounts {
                        ok: counts.served,
                        failed: counts.lost,
                        dropped: counts.refused + counts.unrouted + counts.timed_out,
                    }),
                    duration: Some(DurationHistogram {
                        sum: metrics.mean.map_or(0.0, |mean| mean.as_secs_f64())
                            * counts.served as f64,
                        buckets: buckets(&latencies),
                        count: counts.served,
                    }),
                    cpu_seconds: Some(metrics.used_core_hours * 3600.0),
                    cpu_periods: Some(metrics.cpu_periods),
                    cpu_throttled_periods: Some(metrics.cpu_throttled_periods),
                    restarts: Some(metrics.restarts),
                    workload,
                })
            })
            .collect()
    }
}

/// Counts of response times between the bounds that dashboards and rules expect; each is within the histogram's own error.
fn buckets(latencies: &Histogram) -> Vec<(f64, u64)> {
    let mut counts = DurationHistogram::REQUEST_BOUNDS.map(|bound| (bound, 0));
    for (middle, count) in latencies.buckets() {
        let seconds = middle.as_secs_f64();
        if let Some((_, of)) = counts.iter_mut().find(|(bound, _)| seconds <= *bound) {
            *of += count;
        }
    }
    counts.to_vec()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn response_times_are_counted_between_thirteen_bounds() {
        let mut latencies = Histogram::default();
        for millis in [1, 4, 6, 120, 9_000, 60_000] {
            latencies.record(Duration::from_millis(millis));
        }
        let counted = buckets(&latencies);
        assert_eq!(counted.len(), 13);
        let filled: Vec<_> = counted
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect();
        // What is longer than the last bound is told by the count of all.
        assert_eq!(filled, [(0.005, 2), (0.01, 1), (0.15, 1), (10.0, 1)]);
    }
}
