//! Networks whose connections do not begin with the protocol, as an operator writes them.

use powtcp_options::{Options, UsageError};

use crate::admission::{Access, Networks};

/// Reads `--accept-proxy` and `--exempt`, of a server that is a gate or not.
///
/// # Errors
/// A network is wrong, or the two options contradict each other or the rest.
pub(super) fn access(options: &Options, is_gate: bool) -> Result<Access, UsageError> {
    let access = Access {
        accept_proxy: networks(options, "--accept-proxy")?,
        exempt: networks(options, "--exempt")?,
    };
    if access.exempt.is_empty() {
        return Ok(access);
    }
    if !is_gate {
        let reason = "only a gate relays clients, so --upstream must be given too";
        return Err(options.unusable("--exempt", reason));
    }
    if access.accept_proxy.covers_the_internet() {
        let reason =
            "with --accept-proxy for the whole internet, any client can name an exempt address";
        return Err(options.unusable("--exempt", reason));
    }
    Ok(access)
}

fn networks(options: &Options, name: &str) -> Result<Networks, UsageError> {
    let parsed = options.value(name, Networks::EXPECTED, |text| Some(Networks::parse(text)))?;
    let networks = parsed.transpose();
    networks
        .map(Option::unwrap_or_default)
        .map_err(|error| options.unusable(name, error))
}
