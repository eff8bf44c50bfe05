//! Measures how many counters per second are tried: by each kernel of this machine and by the
//! oracle on one thread, by the best kernel on all threads, and by the stock program `hashcash` if
//! it is installed. The contenders run alternately, so that changes in the speed of the machine
//! affect all of them, and the medians are compared.
//!
//! `--short` takes about a second. `--check` fails if the best kernel is much slower than expected.

use std::io;
use std::num::NonZero;
use std::process::{Command, ExitCode};
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use powtcp_common::hashcash::{Challenge, Difficulty, Kernel, Watch, solve};

/// A puzzle that is too hard to be solved: the kernels run until they are cancelled.
const PUZZLE: &[u8] = b"1:64:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:MA==";

/// The speed of each kernel when it was written, as a multiple of the portable kernel's, on an AMD
/// EPYC (Zen 4). Less than a third of this is a defect and not noise.
const REACHED: [(Kernel, f64); 3] = [
    (Kernel::Avx512, 9.9),
    (Kernel::Avx2, 5.0),
    (Kernel::Portable, 1.0),
];

/// A program or function that tries counters.
#[derive(PartialEq, Eq)]
enum Contender {
    Kernel(Kernel, NonZero<usize>),
    Oracle,
    Stock,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let (rounds, time) = if has("--short") {
        (3, Duration::from_millis(100))
    } else {
        (9, Duration::from_millis(500))
    };
    let one = NonZero::<usize>::MIN;
    let all = available_parallelism().unwrap_or(one);
    let mut contenders: Vec<_> = Kernel::available()
        .map(|kernel| Contender::Kernel(kernel, one))
        .collect();
    contenders.push(Contender::Oracle);
    if !has("--short") {
        contenders.push(Contender::Kernel(Kernel::best(), all));
        contenders.push(Contender::Stock);
    }

    let mut samples = vec![Vec::new(); contenders.len()];
    for round in 0..rounds {
        for (contender, samples) in contenders.iter().zip(&mut samples) {
            samples.extend(contender.rate(round, time));
        }
    }
    let medians: Vec<_> = samples.into_iter().map(median).collect();
    let rate_of = |wanted: &Contender| {
        let index = contenders
            .iter()
            .position(|contender| contender == wanted)?;
        medians[index]
    };
    let portable = rate_of(&Contender::Kernel(Kernel::Portable, one)).unwrap_or(f64::NAN);
    println!("{:28} {:>10} {:>12}", "", "MH/s", "x portable");
    for (contender, rate) in contenders.iter().zip(&medians) {
        let name = contender.name();
        match rate {
            Some(rate) => println!("{name:28} {:10.2} {:12.2}", rate / 1e6, rate / portable),
            None => println!("{name:28} not installed"),
        }
    }
    let best = Kernel::best();
    if !has("--short") {
        let columns = [
            Contender::Kernel(best, one),
            Contender::Kernel(best, all),
            Contender::Stock,
        ];
        print_costs(&columns.map(|contender| rate_of(&contender)));
    }
    let ratio = rate_of(&Contender::Kernel(best, one)).unwrap_or_default() / portable;
    let reached = REACHED
        .iter()
        .find(|(kernel, _)| *kernel == best)
        .map_or(1.0, |(_, ratio)| *ratio);
    if has("--check") && ratio < reached / 3.0 {
        eprintln!("{best} is {ratio:.2} x portable, expected about {reached:.2} x");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

impl Contender {
    fn name(&self) -> String {
        match self {
            Self::Kernel(kernel, threads) => match threads.get() {
                1 => format!("{kernel}, one thread"),
                count => format!("{kernel}, {count} threads"),
            },
            Self::Oracle => "oracle: the whole stamp".to_string(),
            Self::Stock => "hashcash, the program".to_string(),
        }
    }

    /// Returns the attempts per second, or `None` if the program is not installed.
    fn rate(&self, round: u32, time: Duration) -> Option<f64> {
        match self {
            Self::Kernel(kernel, threads) => Some(rate_of_kernel(*kernel, *threads, time)),
            Self::Oracle => Some(rate_of_oracle(time)),
            Self::Stock => rate_of_stock(round).ok(),
        }
    }
}

fn challenge() -> Challenge {
    Challenge::parse(PUZZLE).expect("a puzzle")
}

fn rate_of_kernel(kernel: Kernel, threads: NonZero<usize>, time: Duration) -> f64 {
    let (challenge, watch, start) = (challenge(), Watch::new(), Instant::now());
    thread::scope(|scope| {
        scope.spawn(|| solve(&challenge, kernel, threads, &watch));
        thread::sleep(time);
        let rate = watch.attempts() as f64 / start.elapsed().as_secs_f64();
        watch.cancel();
        rate
    })
}

fn rate_of_oracle(time: Duration) -> f64 {
    let (challenge, start) = (challenge(), Instant::now());
    let mut attempts = 0;
    while start.elapsed() < time {
        attempts += 1000;
        for counter in attempts - 1000..attempts {
            std::hint::black_box(challenge.is_solved_by(counter));
        }
    }
    attempts as f64 / start.elapsed().as_secs_f64()
}

/// Mints one stamp of 23 bits. The program prints how many tries it took.
fn rate_of_stock(round: u32) -> io::Result<f64> {
    let start = Instant::now();
    let output = Command::new("hashcash")
        .args(["-mvb23", &format!("bench{round}")])
        .output()?;
    let elapsed = start.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    let tries = said.lines().find_map(|line| {
        line.strip_prefix("tries: ")?
            .split(' ')
            .next()?
            .parse()
            .ok()
    });
    tries
        .map(|tries: f64| tries / elapsed)
        .ok_or_else(|| io::Error::other("no tries in its output"))
}

/// Prints the time for a puzzle on one core, on all cores and with the stock program, in Markdown.
fn print_costs(rates: &[Option<f64>; 3]) {
    println!("\n| bits | hashes | one core | all cores | stock hashcash |");
    println!("| --- | --- | --- | --- | --- |");
    for bits in [16, 20, 24, 26, 28, 30, 32] {
        let hashes = Difficulty::from_bits(bits).map_or(f64::NAN, Difficulty::expected_hashes);
        let cost = |rate: Option<f64>| rate.map_or("?".to_string(), |rate| seconds(hashes / rate));
        println!("| {bits} | {hashes} | {} |", rates.map(cost).join(" | "));
    }
}

/// Writes a time with two digits and a unit.
fn seconds(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    let digits = if value < 10.0 { 1 } else { 0 };
    format!("{value:.digits$} {unit}")
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
