//! What was felt of the attacks, as a table or as JSON.

use std::fmt::Write;

use powtcp_common::log_line::escape_json;

use super::config::{AttackPlan, Config};
use super::honest::CLIENTS;
use super::siege::Row;
use super::table::Table;

const COLUMNS: [&str; 11] = [
    "attack",
    "opened",
    "tried",
    "succeeded",
    "p50 ms",
    "p99 ms",
    "max ms",
    "x none",
    "CPU %",
    "peak kB",
    "log B/min",
];

/// The report that `plan` asks for. The first of `rows` is the one that nobody attacked.
pub(super) fn text(config: &Config, plan: &AttackPlan, rows: &[Row]) -> String {
    match plan.json {
        true => json(config, plan, rows),
        false => table(config, plan, rows),
    }
}

fn table(config: &Config, plan: &AttackPlan, rows: &[Row]) -> String {
    let mut table = Table::default();
    table.wide_row(COLUMNS.map(String::from));
    for row in rows {
        table.wide_row([
            row.attack.to_string(),
            row.opened.to_string(),
            row.tried().to_string(),
            row.honest.succeeded().to_string(),
            format!("{:.2}", row.milliseconds(0.5)),
            format!("{:.2}", row.milliseconds(0.99)),
            format!("{:.1}", row.milliseconds(1.0)),
            row.ratio(rows)
                .map_or("-".to_string(), |ratio| format!("{ratio:.1}")),
            format!("{:.0}", row.cpu * 100.0),
            (row.peak / 1024).to_string(),
            format!("{:.0}", row.log),
        ]);
    }
    let AttackPlan {
        connections,
        rate,
        time,
        ..
    } = plan;
    let (bits, sources, time) = (config.bits, config.sources, time.as_secs_f64());
    let mut text = format!(
        "{CLIENTS} honest clients, {bits} bits; {connections} attacking connections from {sources} \
         addresses, {rate} a second, {time} s\n\n{table}"
    );
    for row in rows {
        for (kind, count) in &row.honest.failures {
            // Writing to a `String` never fails; so below.
            let _ = writeln!(text, "{}: {count} failed: {kind}", row.attack);
        }
    }
    text
}

fn json(config: &Config, plan: &AttackPlan, rows: &[Row]) -> String {
    let rows_text: Vec<_> = rows.iter().map(|row| json_row(row, rows)).collect();
    format!(
        "{{\"honest_clients\":{CLIENTS},\"bits\":{},\"attack_connections\":{},\"sources\":{},\
         \"attack_rate\":{},\"attack_seconds\":{},\"rows\":[\n{}\n]}}\n",
        config.bits,
        plan.connections,
        config.sources,
        plan.rate,
        plan.time.as_secs_f64(),
        rows_text.join(",\n")
    )
}

fn json_row(row: &Row, rows: &[Row]) -> String {
    let mut failures = String::new();
    for (kind, count) in &row.honest.failures {
        let comma = if failures.is_empty() { "" } else { "," };
        let mut name = String::new();
        escape_json(&mut name, kind.as_bytes());
        let _ = write!(failures, "{comma}\"{name}\":{count}");
    }
    let ratio = row.ratio(rows);
    format!(
        "{{\"attack\":\"{}\",\"opened\":{},\"tried\":{},\"succeeded\":{},\"p50_ms\":{:.3},\
         \"p99_ms\":{:.3},\"max_ms\":{:.3},\"p99_ratio\":{},\"server_cpu\":{:.4},\"resident_peak_bytes\":{},\
         \"log_bytes_a_minute\":{:.0},\"failures\":{{{failures}}}}}",
        row.attack,
        row.opened,
        row.tried(),
        row.honest.succeeded(),
        row.milliseconds(0.5),
        row.milliseconds(0.99),
        row.milliseconds(1.0),
        ratio.map_or("null".to_string(), |ratio| format!("{ratio:.3}")),
        row.cpu,
        row.peak,
        row.log,
    )
}

impl Row {
    fn tried(&self) -> usize {
        self.honest.succeeded() + self.honest.failed()
    }

    /// The latency that this share of the honest handshakes did not exceed.
    fn milliseconds(&self, share: f64) -> f64 {
        self.honest.latency(share).as_secs_f64() * 1e3
    }

    /// The p99 by that of the first of `rows`, if anybody was served in both.
    fn ratio(&self, rows: &[Self]) -> Option<f64> {
        let unattacked = rows.first()?.milliseconds(0.99);
        let attacked = self.milliseconds(0.99);
        (unattacked > 0.0 && attacked > 0.0).then(|| attacked / unattacked)
    }
}
