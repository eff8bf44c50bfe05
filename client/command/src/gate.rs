//! A connection through a gate.

use powtcp_client::{Paid, Payer};

use crate::complaint::complaint;
use crate::leg::Leg;

/// What a gate sends in place of a resource, when it has connected the client to the service.
const CONNECTED: &[u8] = b"connected";

/// A connection to the service behind a gate.
#[derive(Debug)]
pub struct Through {
    /// The connection.
    pub leg: Leg,
    /// The bytes of the service that have arrived already. They come before those of `leg`.
    pub read_ahead: Vec<u8>,
}

/// Pays `server` and returns the connection through it.
///
/// # Errors
/// What the command prints: the payment failed, or the server is no gate.
pub fn connect(payer: &Payer, server: &str) -> Result<Through, String> {
    let paid = payer.connect(server).map_err(|error| complaint(&error))?;
    through(paid)
}

/// Takes the connection, if a gate has sent its line.
fn through(paid: Paid) -> Result<Through, String> {
    if paid.resource() != CONNECTED {
        let text = "the server is no gate: it sent a resource and not 'connected'";
        return Err(text.to_string());
    }
    let (_, stream, read_ahead) = paid.into_parts();
    let leg = Leg::new(stream).map_err(|error| format!("the connection broke: {error}"))?;
    Ok(Through { leg, read_ahead })
}
