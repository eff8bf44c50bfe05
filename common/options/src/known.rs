//! The variables of all programs of powtcp, and what looks like one of them.

use crate::spec::VARIABLE_PREFIX;

/// The variable of each option of the server, the client and the load test. A program knows the
/// variables of the others too, because one file or one environment may serve all of them. Tests of
/// each program check that its options are in the list.
const KNOWN: &[&str] = &[
    // Of each program.
    "POWTCP_CONFIG",
    // Of the server.
    "POWTCP_ACCEPT_PROXY",
    "POWTCP_BITS",
    "POWTCP_CHECK",
    "POWTCP_CONNECT_TIMEOUT",
    "POWTCP_DIALECT",
    "POWTCP_EXEMPT",
    "POWTCP_HANDSHAKE_TIMEOUT",
    "POWTCP_IDLE_TIMEOUT",
    "POWTCP_LISTEN",
    "POWTCP_LOG_FORMAT",
    "POWTCP_LOG_LEVEL",
    "POWTCP_MAX_CONNECTIONS",
    "POWTCP_MAX_CONNECTIONS_PER_IP",
    "POWTCP_MAX_PUZZLES",
    "POWTCP_MAX_RELAYS",
    "POWTCP_MAX_RELAYS_PER_IP",
    "POWTCP_METRICS",
    "POWTCP_RESOURCES",
    "POWTCP_REUSE_PORT",
    "POWTCP_SECRET",
    "POWTCP_SEND_PROXY",
    "POWTCP_SHUTDOWN_TIMEOUT",
    "POWTCP_TARGET_RATE",
    "POWTCP_TTL",
    "POWTCP_UPSTREAM",
    "POWTCP_WHEN_FULL",
    // Of the client.
    "POWTCP_KERNEL",
    "POWTCP_MAX_BITS",
    "POWTCP_QUIET",
    "POWTCP_RETRY",
    "POWTCP_SERVER",
    "POWTCP_SOLVE_TIMEOUT",
    "POWTCP_STDIO",
    "POWTCP_THREADS",
    "POWTCP_TIMEOUT",
    "POWTCP_VERBOSE",
    // Of the load test.
    "POWTCP_ATTACK",
    "POWTCP_ATTACK_CONNECTIONS",
    "POWTCP_ATTACK_RATE",
    "POWTCP_ATTACK_THREADS",
    "POWTCP_ATTACK_TIME",
    "POWTCP_CONCURRENCY",
    "POWTCP_HANDSHAKES",
    "POWTCP_HONEST_RATE",
    "POWTCP_IDLE",
    "POWTCP_JSON",
    "POWTCP_PROGRAM",
    "POWTCP_PROXIED",
    "POWTCP_RELAY",
    "POWTCP_SOURCES",
];

/// A name that needs more edits than this is a different name, and not a typing error.
const MOST_EDITS: usize = 2;

/// What the name of a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// A variable of one of our programs.
    Known,
    /// Almost the name of this variable of ours.
    NearMiss(&'static str),
    /// No variable of ours, but one with our prefix.
    Unknown,
    /// A variable of another software.
    Foreign,
}

impl Name {
    /// Classifies the name of a variable.
    pub(crate) fn of(name: &str) -> Self {
        if KNOWN.contains(&name) {
            return Self::Known;
        }
        let folded = name.to_ascii_uppercase().replace('-', "_");
        let nearest = KNOWN
            .iter()
            .map(|known| (edits(&folded, known), *known))
            .min();
        match nearest {
            Some((0..=MOST_EDITS, known)) => Self::NearMiss(known),
            _ if name.starts_with(VARIABLE_PREFIX) => Self::Unknown,
            _ => Self::Foreign,
        }
    }
}

/// Returns how many characters to insert, delete, replace or swap with their neighbour to make
/// `other` of `one`: the optimal string alignment distance. More than [`MOST_EDITS`] are not exact.
fn edits(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // A long name in the environment must not cost much.
    if one.len().abs_diff(other.len()) > MOST_EDITS {
        return one.len().abs_diff(other.len());
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, &a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &b) in other.iter().enumerate() {
            let replaced = last[j] + usize::from(a != b);
            let mut fewest = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == other[j - 1] && one[i - 1] == b {
                fewest = fewest.min(before_last[j - 1] + 1);
            }
            row.push(fewest);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        let cases = [
            ("", "", 0),
            ("BITS", "BITS", 0),
            ("BIT", "BITS", 1),
            ("BITSS", "BITS", 1),
            ("BITZ", "BITS", 1),
            ("BTIS", "BITS", 1),
            ("BT", "BITS", 2),
            ("IBTSS", "BITS", 2),
            ("TTL", "BITS", 3),
            ("A", "ABCD", 3),
        ];
        for (one, other, count) in cases {
            assert_eq!(edits(one, other), count, "{one} {other}");
            assert_eq!(edits(other, one), count, "{other} {one}");
        }
    }

    #[test]
    fn near_misses_are_told_from_variables_of_other_software() {
        for known in KNOWN {
            assert_eq!(Name::of(known), Name::Known);
            let lower = known.to_lowercase();
            assert_eq!(Name::of(&lower), Name::NearMiss(known));
        }
        for (name, known) in [
            ("POWTCP_BIT", "POWTCP_BITS"),
            ("POWTCP_Bits", "POWTCP_BITS"),
            ("POWTCP_MAX-BITS", "POWTCP_MAX_BITS"),
            ("POWTPC_BITS", "POWTCP_BITS"),
            ("POWTCPBITS", "POWTCP_BITS"),
            ("POWTCP_LSITEN", "POWTCP_LISTEN"),
            ("POWTCP_MAX_CONECTION", "POWTCP_MAX_CONNECTIONS"),
        ] {
            assert_eq!(Name::of(name), Name::NearMiss(known), "{name}");
        }
    }

    /// Kubernetes and Docker set these for a service called powtcp.
    #[test]
    fn variables_of_container_platforms_are_no_near_misses() {
        for name in [
            "POWTCP_PORT",
            "POWTCP_PORT_8080_TCP",
            "POWTCP_PORT_8080_TCP_ADDR",
            "POWTCP_PORT_8080_TCP_PORT",
            "POWTCP_PORT_8080_TCP_PROTO",
            "POWTCP_SERVICE_HOST",
            "POWTCP_SERVICE_PORT",
            "POWTCP_SERVICE_PORT_HTTP",
            "POWTCP_SERVER_PORT",
            "POWTCP_SERVER_SERVICE_HOST",
            "POWTCP_NAME",
            "POWTCP_ENV_PATH",
        ] {
            assert_eq!(Name::of(name), Name::Unknown, "{name}");
        }
        for name in ["PATH", "BITS", "POW", "", "TCP_BITS_X", "POWERSHELL_HOME"] {
            assert_eq!(Name::of(name), Name::Foreign, "{name}");
        }
    }
}
