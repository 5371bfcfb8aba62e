//! What can be seen of a cluster. Looking changes nothing.

use std::time::Duration;

use ibn_core::units::{Bytes, CpuMillis};

use super::Cluster;
use crate::account::{Bin, Span};
use crate::error::Result;
use crate::histogram::Histogram;
use crate::log::Event;
use crate::metrics::Metrics;
use crate::pod::PodView;
use crate::request::Request;
use crate::spec::{PodSize, WorkloadSpec};
use crate::time::{SimTime, nanos};

/// What a workload is given and has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Pods asked for.
    pub replicas: u32,
    /// What each pod should have.
    pub size: PodSize,
    /// Rises with every change of either.
    pub version: u64,
    /// Pods that take requests.
    pub ready: u32,
    /// Pods that aren't stopping, ready or not.
    pub pods: u32,
    /// Requests in flight.
    pub in_flight: u64,
}

/// Room on the nodes that no pod has reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    /// CPU.
    pub cpu: CpuMillis,
    /// Memory.
    pub memory: Bytes,
}

impl Cluster {
    /// What a workload is given and has.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn status(&mut self, name: &str) -> Result<Status> {
        let now = self.now;
        let workload = self.get_mut(name)?;
        Ok(Status {
            replicas: workload.replicas,
            size: workload.size,
            version: workload.version,
            ready: workload.ready(),
            pods: workload.live() as u32,
            in_flight: workload.in_flight(now),
        })
    }

    /// The pods of a workload, by their number.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn pods(&mut self, name: &str) -> Result<Vec<PodView>> {
        let now = self.now;
        let workload = self.get_mut(name)?;
        workload.in_flight(now);
        Ok(workload
            .pods
            .iter()
            .map(|pod| pod.view(&workload.spec.memory))
            .collect())
    }

    /// CPU that each pod used on average over the last `window` of whole bins, in cores, by pod number; `None` for a
    /// pod that is younger. This is what a metrics server would say of it; its time is the end of the last bin.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn pod_cpu(&self, name: &str, window: Duration) -> Result<Vec<(u64, Option<f64>)>> {
        let bin = nanos(self.accounting.bin);
        let bins = (nanos(window) / bin).max(1);
        let cores = |used: u64| used as f64 / (bins * bin) as f64;
        let workload = self.get(name)?;
        Ok(workload
            .pods
            .iter()
            .map(|pod| (pod.id, pod.cpu_in_last(bins as usize).map(cores)))
            .collect())
    }

    /// The end of the last closed bin.
    #[must_use]
    pub fn last_bin_end(&self) -> SimTime {
        SimTime::from_nanos(self.now - self.now % nanos(self.accounting.bin))
    }

    /// The specification of a workload.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn spec(&self, name: &str) -> Result<&WorkloadSpec> {
        self.get(name).map(|workload| &workload.spec)
    }

    /// The closed bins that are kept, oldest first.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn bins(&self, name: &str) -> Result<impl Iterator<Item = &Bin>> {
        self.get(name)
            .map(|workload| workload.account.bins().iter())
    }

    /// The closed bins within `window` before now as one; `None` where there are none.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn span(&self, name: &str, window: Duration) -> Result<Option<Span>> {
        self.span_at(name, self.now(), window)
    }

    /// The closed bins that are kept and lie within `window` before `at` as one; `None` where there are none.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn span_at(&self, name: &str, at: SimTime, window: Duration) -> Result<Option<Span>> {
        self.get(name)
            .map(|workload| workload.account.span(at, window))
    }

    /// What was counted and used since the start.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn metrics(&mut self, name: &str) -> Result<Metrics> {
        let now = self.now;
        let workload = self.get_mut(name)?;
        let in_flight = workload.in_flight(now);
        workload.meter.advance(now);
        Ok(Metrics::new(workload, now, in_flight))
    }

    /// Response times of the requests that were served since the start.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn latencies(&self, name: &str) -> Result<Histogram> {
        self.get(name).map(|workload| workload.account.latencies())
    }

    /// Keeps every request of a workload from now on, for [`take_requests`](Self::take_requests). It changes nothing of the run.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn keep_requests(&mut self, name: &str) -> Result<()> {
        self.get_mut(name)
            .map(|workload| workload.account.keep_requests())
    }

    /// Takes the requests that were kept and are done by now, by arrival.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ibn_sim::{Cluster, ClusterSpec, Fate, Law, RateCurve, SimTime, Traffic, WorkloadSpec};
    /// let ms = Duration::from_millis;
    /// let mut web = WorkloadSpec::new("web", RateCurve::constant(0.0)?);
    /// web.traffic = Traffic::Times(vec![ms(5), ms(7)]);
    /// web.service = Law::Constant { mean: ms(10) };
    /// web.concurrency = Some(1);
    /// let mut cluster = Cluster::new(&ClusterSpec::on_one_node(vec![web]), 1)?;
    /// cluster.keep_requests("web")?;
    /// cluster.advance_to(SimTime::from_secs(1));
    /// let fates: Vec<Fate> = cluster.take_requests("web")?.into_iter().map(|request| request.fate).collect();
    /// assert_eq!(fates[0], Fate::Served(ms(10)));
    /// # Ok::<(), ibn_sim::Error>(())
    /// ```
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn take_requests(&mut self, name: &str) -> Result<Vec<Request>> {
        let now = self.now;
        let workload = self.get_mut(name)?;
        workload.in_flight(now);
        Ok(workload.account.take_requests())
    }

    /// The last events of a workload other than closed bins, oldest first.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn recent_events(&self, name: &str) -> Result<impl Iterator<Item = &Event>> {
        self.get(name).map(|workload| workload.log.recent().iter())
    }

    /// Hash (XXH3) of everything that happened up to the last closed bin or later event, over all workloads.
    #[must_use]
    pub fn event_hash(&self) -> u64 {
        let hashes: Vec<u8> = self
            .workloads
            .iter()
            .flat_map(|workload| workload.log.hash().to_le_bytes())
            .collect();
        xxhash_rust::xxh3::xxh3_64(&hashes)
    }

    /// Room on all nodes together that no pod has reserved.
    #[must_use]
    pub fn free(&self) -> Free {
        let there = || {
            self.nodes
                .iter()
                .filter(|node| node.lost.is_none() && !node.is_gone)
        };
        Free {
            cpu: there().map(|node| CpuMillis::new(node.cpu_free())).sum(),
            memory: there().map(|node| Bytes::new(node.memory_free())).sum(),
        }
    }
}
