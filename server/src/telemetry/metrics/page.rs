//! Metric families as lines of text, in the exposition format of Prometheus.

use std::fmt::{Display, Write};

use super::histogram::{Histogram, Quantity};

pub(super) const COUNTER: &str = "counter";
pub(super) const GAUGE: &str = "gauge";

/// A page under construction. Label values are names from this program, which need no escaping.
#[derive(Default)]
pub(super) struct Page(pub(super) String);

impl Page {
    pub(super) fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(COUNTER, name, help);
        self.push(format_args!("{name} {value}\n"));
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(GAUGE, name, help);
        self.push(format_args!("{name} {value}\n"));
    }

    /// Appends a metric with one label.
    pub(super) fn by<'a>(
        &mut self,
        kind: &str,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.family(kind, name, help);
        for (of, value) in values {
            self.push(format_args!("{name}{{{label}=\"{of}\"}} {value}\n"));
        }
    }

    pub(super) fn histogram<const N: usize, Q: Quantity>(
        &mut self,
        name: &str,
        help: &str,
        histogram: &Histogram<N, Q>,
    ) {
        self.family("histogram", name, help);
        for (bound, count) in histogram.cumulative() {
            self.push(format_args!("{name}_bucket{{le=\"{bound}\"}} {count}\n"));
        }
        let (count, sum) = (histogram.count(), histogram.sum());
        self.push(format_args!("{name}_bucket{{le=\"+Inf\"}} {count}\n"));
        self.push(format_args!("{name}_sum {sum}\n{name}_count {count}\n"));
    }

    fn family(&mut self, kind: &str, name: &str, help: &str) {
        self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a `String` never fails.
        let _ = self.0.write_fmt(text);
    }
}
