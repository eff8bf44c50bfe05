//! Guards the five README pages: tables equal what they describe, links lead to files, the newcomer's page
//! stays short, and the Python client works.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;

use powtcp_common::hashcash::{Dialect, Difficulty, Puzzle, RAND_LEN, Terms};
use powtcp_common::message::{MAX_CLIENT_LINE, MAX_SERVER_LINE};
use powtcp_common::refusal::Refusal;
use powtcp_server::config::PROGRAM;
use powtcp_server::protocol::proxy_header::Malformed;

use crate::support::client::Client;
use crate::support::page::Page;
use crate::support::server::{command, serve, serve_command};
use crate::support::tools::{installed, repository_file};

const PAGES: [&str; 5] = [
    "README.md",
    "server/README.md",
    "client/README.md",
    "common/README.md",
    "scripts/README.md",
];

/// The longest page that a newcomer reads in one go.
const MAX_LINES_OF_MAIN_PAGE: usize = 150;

fn page(path: &str) -> String {
    fs::read_to_string(repository_file(path)).expect("a page of this repository")
}

/// The rows of the one table of `page` with this header, without the row of dashes.
fn table(page: &str, header: &str) -> Vec<String> {
    let start = format!("\n{header}\n");
    let mut parts = page.split(&start);
    let table = parts.nth(1).unwrap_or_else(|| panic!("no table {header}"));
    assert_eq!(parts.next(), None, "two tables {header}");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.skip(1).map(String::from).collect()
}

#[test]
fn the_table_of_options_equals_the_help() {
    let rows = table(&page("server/README.md"), "| option | default | meaning |");
    let expected = PROGRAM.markdown_rows();
    assert_eq!(rows, expected, "expected:\n{}", expected.join("\n"));
}

#[test]
fn the_table_of_metrics_equals_the_metrics_page() {
    let mut server = serve(&["--metrics", "127.0.0.1:0"]);
    let text = Page::of(&mut server).text();
    let after = |start: &'static str| {
        text.lines()
            .filter_map(move |line| line.strip_prefix(start))
    };
    let expected: Vec<_> = after("# HELP ")
        .zip(after("# TYPE "))
        .map(|(help, kind)| {
            let (name, help) = help.split_once(' ').expect("a name and a text");
            let (of, kind) = kind.split_once(' ').expect("a name and a type");
            assert_eq!(name, of);
            format!("| `{name}` | {kind} | {help} |")
        })
        .collect();
    let rows = table(&page("server/README.md"), "| metric | type | meaning |");
    assert_eq!(rows, expected, "expected:\n{}", expected.join("\n"));
}

#[test]
fn the_table_of_label_values_equals_the_metrics_page() {
    let mut server = serve(&["--metrics", "127.0.0.1:0"]);
    let values = Page::of(&mut server).values();
    let labels = ["outcome", "state", "verdict"];
    let shown: BTreeSet<String> = values
        .keys()
        .filter_map(|series| series.split_once('{')?.1.strip_suffix("\"}"))
        .filter_map(|label| label.split_once("=\""))
        .filter(|(label, _)| labels.contains(label))
        .map(|(_, value)| value.to_string())
        .collect();
    let rows = table(&page("server/README.md"), "| label | value | meaning |");
    let described: BTreeSet<String> = rows
        .iter()
        .filter(|row| !row.starts_with("| `reason`"))
        .filter_map(|row| row.split('|').nth(2))
        .flat_map(|cell| cell.split(','))
        .map(|value| value.trim().trim_matches('`').to_string())
        .collect();
    assert_eq!(described, shown);
}

#[test]
fn the_table_of_errors_has_every_refusal() {
    let rows = table(
        &page("common/README.md"),
        "| reason | cause | what a client should do |",
    );
    let described: BTreeSet<_> = rows
        .iter()
        .filter_map(|row| row.split('`').nth(1))
        .collect();
    assert_eq!(described, Refusal::ALL.map(Refusal::text).into());
}

#[test]
fn the_table_of_bad_headers_has_every_reason() {
    let rows = table(&page("server/README.md"), "| reason | cause |");
    let described: BTreeSet<_> = rows
        .iter()
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert_eq!(described, Malformed::ALL.map(Malformed::text).into());
}

/// Returns the length of a stamp's prefix, which is a puzzle without its counter.
fn prefix_len(dialect: Dialect, bits: u32, client: &str) -> usize {
    let client: SocketAddr = client.parse().expect("an address");
    let terms = Terms {
        dialect,
        difficulty: Difficulty::from_bits(bits).expect("fewer bits than SHA-1 has"),
    };
    let puzzle = Puzzle::new(terms, client.into(), 0, |_| [0; RAND_LEN]);
    puzzle.to_string().trim_end_matches("MA==").len()
}

#[test]
fn the_table_of_lengths_is_right() {
    let shortest = prefix_len(Dialect::Hashcash, 1, "[::1]:1");
    let longest_address = "[1111:2222:3333:4444:5555:6666:7777:8888]:65535";
    let longest = prefix_len(Dialect::Powtcp, 64, longest_address);
    assert!(longest >= prefix_len(Dialect::Hashcash, 64, longest_address));
    let longest_reason = Refusal::ALL.map(|refusal| refusal.text().len());
    let longest_reason = longest_reason.iter().max().expect("a refusal");

    let rows = table(
        &page("common/README.md"),
        "| what | length in bytes | note |",
    );
    for row in [
        format!("| line from a client | {MAX_CLIENT_LINE} |"),
        format!(
            "| line from a server | {},{:03} |",
            MAX_SERVER_LINE / 1000,
            MAX_SERVER_LINE % 1000
        ),
        format!("| prefix of a stamp | {shortest} to {longest} |"),
        format!("| REASON | {longest_reason} |"),
    ] {
        assert!(rows.iter().any(|found| found.starts_with(&row)), "no {row}");
    }
}

#[test]
fn the_transcript_has_a_right_stamp() {
    let text = page("common/README.md");
    let line_after = |start: &str| {
        let rest = text.split_once(start).expect("a line of the transcript").1;
        rest.split('\n').next().unwrap_or_default().to_string()
    };
    let (puzzle, stamp) = (line_after("\n< 2:"), line_after("\n> 3:"));
    assert!(stamp.starts_with(puzzle.trim_end_matches("MA==")));
    let difficulty = Difficulty::from_bits(20).expect("fewer bits than SHA-1 has");
    assert!(difficulty.is_met_by(stamp.as_bytes()));
    assert!(text.contains(&format!(
        "\n    hashcash -c -d -b 20 -r 127.0.0.1/47038 {stamp}\n"
    )));
}

#[test]
fn the_main_page_is_short() {
    assert!(page("README.md").lines().count() <= MAX_LINES_OF_MAIN_PAGE);
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut checked = 0;
    for path in PAGES {
        let text = page(path);
        for target in text.split("](").skip(1) {
            let target = target.split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let file = repository_file(path);
            let folder = Path::new(&file).parent().expect("a file in a folder");
            assert!(folder.join(target).is_file(), "{path} links to {target}");
            checked += 1;
        }
    }
    assert!(checked >= PAGES.len(), "only {checked} links");
}

#[test]
fn the_installed_server_has_its_metrics_where_prometheus_looks() {
    let text = page("server/README.md");
    let word_after = |start: &str| {
        let rest = text.split_once(start).expect("an example").1;
        rest.split([' ', '"', '\n']).next().map(String::from)
    };
    assert_eq!(word_after("POWTCP_METRICS="), word_after("targets: [\""));
}

/// Runs the Python client of the protocol's page; `None` where there is no Python.
fn run_python_client(address: &str) -> Option<Output> {
    let text = page("common/README.md");
    let (_, after) = text.split_once("```python\n").expect("a block of Python");
    let (client, _) = after.split_once("```").expect("the end of the block");
    let output = installed("python3")?.args(["-c", client, address]).output();
    Some(output.expect("the program is installed"))
}

/// Asserts that the Python client gets one resource from the server at `address`.
fn assert_python_client_is_served(address: &str) {
    if let Some(output) = run_python_client(address) {
        assert!(output.status.success(), "{output:?}");
        let resource = String::from_utf8(output.stdout).expect("text in UTF-8");
        assert!(resource.trim_end().len() > 2, "{resource:?}");
        assert_eq!(resource.lines().count(), 1, "{resource:?}");
    }
}

#[test]
fn the_python_client_is_served_at_an_address_and_at_a_name() {
    let server = serve(&[]);
    assert_python_client_is_served(&server.address().to_string());
    assert_python_client_is_served(&format!("localhost:{}", server.address().port()));
}

#[test]
fn the_python_client_is_served_over_ipv6() {
    let arguments = ["--listen", "[::1]:0", "--bits", "8"];
    let server = serve_command(command(&arguments));
    assert_python_client_is_served(&server.address().to_string());
}

#[test]
fn the_python_client_is_served_in_the_powtcp_dialect() {
    let server = serve(&["--dialect", "powtcp"]);
    assert_python_client_is_served(&server.address().to_string());
}

#[test]
fn the_python_client_reports_a_refusal() {
    let server = serve(&["--max-connections", "1", "--when-full", "refuse"]);
    let mut holder = Client::connect(server.address());
    holder.puzzle();
    let Some(output) = run_python_client(&server.address().to_string()) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, b"");
    assert_eq!(output.stderr, b"server is busy\n", "{output:?}");
}
