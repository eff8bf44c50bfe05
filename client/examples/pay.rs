//! Pays a powtcp server, and prints what it sends.
//!
//! `cargo run --release --package powtcp-client --example pay 127.0.0.1:8080`

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::time::Duration;

use powtcp_client::{Payer, Progress};

fn main() -> Result<(), Box<dyn Error>> {
    let server = env::args().nth(1);
    let server = server.unwrap_or_else(|| "127.0.0.1:8080".to_string());
    let payer = Payer::new()
        .max_bits(26)
        .timeout(Duration::from_secs(10))
        .solve_timeout(Duration::from_secs(30))
        .on_progress(|progress| {
            if let Progress::Solved(effort) = progress {
                eprintln!("solved {effort}");
            }
        });
    let paid = payer.connect(&server)?;
    let (mut bytes, mut stream, read_ahead) = paid.into_parts();

    // What arrived behind the resource comes before what is still to be read.
    bytes.push(b'\n');
    bytes.extend(read_ahead);
    stream.read_to_end(&mut bytes)?;
    io::stdout().write_all(&bytes)?;
    Ok(())
}
