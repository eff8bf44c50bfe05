//! The table of attackers that pay: one row for the fixed difficulty, one for the price that follows the
//! load.

use super::attacks::add_failures;
use super::table::{Table, cell};
use crate::attack::paid::PaidRow;
use crate::config::{Config, PaidPlan, SOURCES};
use crate::honest::results::Results;

const COLUMNS: [&str; 11] = [
    "bits",
    "attackers/s",
    "refused",
    "solved bits",
    "first",
    "highest",
    "last",
    "served",
    "unserved",
    "p50 ms",
    "p99 ms",
];

/// Returns a line with the strength of the attack, a row for each price, and the failures.
pub(crate) fn text(config: &Config, plan: &PaidPlan, rows: &[PaidRow]) -> String {
    let mut table = Table::default();
    table.wide_row(COLUMNS.map(String::from));
    for row in rows {
        let (honest, attackers) = (&row.honest, &row.attack);
        let bits = honest.puzzles();
        let number = |bits: Option<&u8>| cell(bits.copied().map(f64::from), 0);
        let wait = |share| cell(honest.wait(share).map(|wait| wait.as_secs_f64() * 1e3), 1);
        let solved = attackers.iter().flat_map(Results::puzzles);
        table.wide_row([
            row.name.clone(),
            cell(Some(attackers.iter().map(Results::rate).sum()), 1),
            attackers
                .iter()
                .map(Results::failed)
                .sum::<usize>()
                .to_string(),
            number(solved.max()),
            number(bits.first()),
            number(bits.iter().max()),
            number(bits.last()),
            honest.succeeded().to_string(),
            honest.failed().to_string(),
            wait(0.5),
            wait(0.99),
        ]);
    }
    let mut text = format!(
        "{} honest clients a second; attackers: {} thread(s), {} address(es), {} s\n\n{table}",
        config.rate,
        plan.threads,
        config.sources.unwrap_or(SOURCES),
        plan.time.as_secs_f64(),
    );
    add_failures(&mut text, rows);
    text
}
