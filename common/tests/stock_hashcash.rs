//! Tests that our stamps are valid hashcash: Debian's program `hashcash` accepts the stamps of our
//! solver and refuses wrong ones, and we accept the stamps that this program mints.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{self, Command, Output};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use powtcp_common::hashcash::{
    Challenge, Dialect, Difficulty, Kernel, Puzzle, RAND_LEN, Stamp, Terms, Watch, solve,
};

const BITS: u32 = 12;

/// Addresses of clients, and the field RESOURCE for each of them.
const CLIENTS: [(&str, &str); 5] = [
    ("127.0.0.1:52386", "127.0.0.1/52386"),
    ("[::1]:80", "--1/80"),
    ("[2001:db8::7]:52386", "2001-db8--7/52386"),
    ("[::ffff:10.1.2.3]:5", "10.1.2.3/5"),
    (
        "[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
        "1111-2222-3333-4444-5555-6666-7777-8888/65535",
    ),
];

/// The program `hashcash` with its own database of spent stamps.
struct Stock {
    directory: PathBuf,
}

impl Stock {
    /// Returns `None` if the program is not installed. In CI it must be.
    fn find(test: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let missing = Command::new("hashcash")
            .arg("-h")
            .output()
            .is_err_and(|error| {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
                true
            });
        if missing {
            assert!(env::var_os("CI").is_none(), "CI lacks the program hashcash");
            eprintln!("{test} is skipped: the program hashcash is not installed");
            return None;
        }
        let count = COUNT.fetch_add(1, Relaxed);
        let directory = env::temp_dir().join(format!("powtcp-stock-{}-{count}", process::id()));
        fs::create_dir(&directory).expect("a directory for temporary files");
        Some(Self { directory })
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("hashcash")
            .args(["-f", "spent"])
            .args(arguments)
            .current_dir(&self.directory)
            .output()
            .expect("the program that was found before")
    }

    /// Runs the command that the protocol documents: `hashcash -c -d -b BITS -r RESOURCE STAMP`.
    fn accepts(&self, bits: u32, resource: &str, stamp: &str) -> bool {
        let bits = bits.to_string();
        let arguments = ["-c", "-d", "-b", &bits, "-r", resource, stamp];
        self.run(&arguments).status.success()
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        // A directory that cannot be removed is no reason to fail a test.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Returns a puzzle for `client` that is issued now: the program refuses stamps with an old date.
fn puzzle(client: &str, rand: u8) -> Puzzle {
    let client: SocketAddr = client.parse().expect("an address");
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let issued = now.expect("a clock after 1970").as_secs();
    let terms = Terms {
        dialect: Dialect::Hashcash,
        difficulty: Difficulty::from_bits(BITS).expect("fewer bits than SHA-1 has"),
    };
    Puzzle::new(terms, client.into(), issued, |_| [rand; RAND_LEN])
}

/// Solves `puzzle` with our solver and returns the stamp. Gives up after a thousand times the
/// average work.
fn solved(puzzle: &Puzzle) -> String {
    let challenge = Challenge::parse(puzzle.to_string().as_bytes()).expect("a puzzle of our own");
    let (one, watch) = (NonZero::<usize>::MIN, Watch::new());
    let counter = thread::scope(|scope| {
        let solver = scope.spawn(|| solve(&challenge, Kernel::best(), one, &watch));
        while !solver.is_finished() {
            if watch.attempts() > 1_000 << BITS {
                watch.cancel();
            }
            thread::yield_now();
        }
        solver.join().expect("a search does not panic")
    });
    let stamp = challenge.stamp(counter.expect("a solution within the bound"));
    String::from_utf8(stamp).expect("ASCII")
}

#[test]
fn the_stock_program_accepts_our_stamps() {
    let Some(stock) = Stock::find("the_stock_program_accepts_our_stamps") else {
        return;
    };
    for (client, resource) in CLIENTS {
        for rand in [0, 0x5a, 0xfb, 0xff] {
            let stamp = solved(&puzzle(client, rand));
            assert!(stock.accepts(BITS, resource, &stamp), "{stamp}");
            assert!(!stock.accepts(BITS, resource, &stamp), "spent: {stamp}");
        }
    }
}

#[test]
fn the_stock_program_refuses_wrong_stamps() {
    let Some(stock) = Stock::find("the_stock_program_refuses_wrong_stamps") else {
        return;
    };
    let (client, resource) = CLIENTS[0];
    let puzzle = puzzle(client, 1);
    assert!(!stock.accepts(BITS, resource, &puzzle.to_string()));
    let stamp = solved(&puzzle);
    assert!(!stock.accepts(BITS, "127.0.0.1/52387", &stamp));
    assert!(!stock.accepts(BITS + 1, resource, &stamp));
    assert!(stock.accepts(BITS, resource, &stamp));
}

#[test]
fn we_accept_what_the_stock_program_mints() {
    let Some(stock) = Stock::find("we_accept_what_the_stock_program_mints") else {
        return;
    };
    let difficulty = Difficulty::from_bits(BITS).expect("fewer bits than SHA-1 has");
    for (_, resource) in CLIENTS {
        // With `-Z 1` the program does not pad its counter to a whole block of SHA-1.
        let bits = BITS.to_string();
        let arguments = ["-m", "-q", "-u", "-Z", "1", "-z", "12", "-b", &bits];
        let output = stock.run(&[&arguments[..], &["-r", resource]].concat());
        let minted = String::from_utf8(output.stdout).expect("ASCII");
        let text = minted.lines().next().expect("a stamp");
        let stamp = Stamp::parse(text.as_bytes()).expect("a stamp of the stock program");
        assert!(difficulty.is_met_by(stamp.text()), "{text}");
        let challenge = Challenge::parse(text.as_bytes()).expect("a layout that we know");
        assert_eq!(challenge.difficulty(), difficulty, "{text}");
        assert_eq!(challenge.dialect(), Dialect::Hashcash, "{text}");
    }
}
