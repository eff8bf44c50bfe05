//! Making, checking and spending puzzles. A puzzle carries a signature, so that nothing is stored for it
//! until it is spent.
//!
//! RAND consists of 3 bytes of the fraction of DATE's second, 1 byte of the level, and the first 8 bytes of
//! an HMAC-SHA1 (RFC 2104) over the text before RAND, these 4 bytes and the client's source.

use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use powtcp_common::address::ClientAddr;
use powtcp_common::hashcash::{Dialect, Difficulty, Puzzle, RAND_LEN, Stamp, Terms};
use powtcp_common::refusal::Refusal;
use sha1::Sha1;

use super::Rules;
use super::spent::SpentPuzzles;
use crate::admission::Price;
use crate::time::{IssueTime, Moment};

/// How far the clock of another instance with the same secret may be ahead of ours. It
/// bounds how long a puzzle that is dated too late outlives its TTL.
const MAX_AHEAD: Duration = Duration::from_secs(10);

/// Makes puzzles under a secret, and recognizes their stamps.
#[derive(Debug)]
pub struct Mint {
    /// An HMAC that has already absorbed the secret.
    keyed: Hmac<Sha1>,
    /// The wall clock at [`Moment::START`], since the Unix epoch.
    start: Duration,
    /// The time of issue of the last puzzle.
    newest: IssueTime,
    spent: SpentPuzzles,
    /// Every deadline up to this moment was acted on.
    acted_until: Moment,
}

/// A right stamp, which can be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    rand: [u8; RAND_LEN],
    issued: IssueTime,
    /// What the puzzle cost.
    pub price: Price,
    /// The time from the puzzle to its stamp.
    pub solved_in: Duration,
}

impl Mint {
    /// Creates a mint that signs with `secret`. `start` is the wall clock at [`Moment::START`], since
    /// the Unix epoch.
    pub fn new(secret: &[u8], start: Duration) -> Self {
        // An HMAC takes a key of any length (RFC 2104), so this never fails.
        let keyed = Hmac::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Self {
            keyed,
            start,
            newest: IssueTime::MIN,
            spent: SpentPuzzles::new(),
            acted_until: Moment::START,
        }
    }

    /// Makes a puzzle for `client`. Its time of issue is later than that of all puzzles before.
    pub fn make(
        &mut self,
        client: ClientAddr,
        dialect: Dialect,
        price: Price,
        now: Moment,
    ) -> (Puzzle, IssueTime) {
        let terms = Terms {
            dialect,
            difficulty: price.difficulty,
        };
        let issued = self.issue_time(now).max(self.newest.next());
        self.newest = issued;
        let puzzle = Puzzle::new(terms, client, issued.seconds(), |head| {
            let [high, middle, low] = issued.fraction();
            let mut rand = [0; RAND_LEN];
            let (signed, signature) = rand.split_at_mut(4);
            signed.copy_from_slice(&[high, middle, low, price.level.bits()]);
            let mac = self.signature(head, signed, client).finalize().into_bytes();
            signature.copy_from_slice(&mac[..signature.len()]);
            rand
        });
        (puzzle, issued)
    }

    /// Checks a stamp from `client`, cheapest check first. `first_issue` is the time of issue of the first
    /// puzzle that the connection got: its own puzzles are good for as long as it is open, unless they have
    /// become too cheap, so that `ttl_of` their difficulty is less than the TTL.
    ///
    /// # Errors
    /// The reason to refuse the stamp.
    pub fn check(
        &self,
        stamp: &Stamp<'_>,
        client: ClientAddr,
        rules: &Rules,
        first_issue: Option<IssueTime>,
        ttl_of: impl FnOnce(Difficulty) -> Duration,
        now: Moment,
    ) -> Result<Payment, Refusal> {
        let now = self.issue_time(now);
        let (rand, issued, terms) = self
            .recognize(stamp, client)
            .filter(|(_, issued, terms)| {
                terms.dialect == rules.dialect && issued.since(now) <= MAX_AHEAD
            })
            .ok_or(Refusal::StampNotFound)?;
        let is_own = || first_issue.is_some_and(|first| issued >= first) && stamp.names(client);
        let ttl = ttl_of(terms.difficulty);
        let is_expired = now >= issued.after(ttl) && (ttl < rules.ttl || !is_own());
        if is_expired || self.spent.may_have_forgotten(issued) {
            return Err(Refusal::PuzzleExpired);
        }
        if self.spent.contains(&rand) {
            return Err(Refusal::StampNotFound);
        }
        if !terms.difficulty.is_met_by(stamp.text()) {
            return Err(Refusal::StampNotCorrect);
        }
        Ok(Payment {
            rand,
            issued,
            price: Price {
                difficulty: terms.difficulty,
                // It is signed, so it is a level of ours.
                level: Difficulty::from_bits(rand[3].into()).unwrap_or(terms.difficulty),
            },
            solved_in: now.since(issued),
        })
    }

    /// Spends a payment: no stamp of its puzzle is right from now on.
    pub fn spend(&mut self, payment: &Payment, rules: &Rules) {
        let expired = self.issue_time(self.acted_until).before(rules.ttl);
        self.spent.insert(payment.rand, payment.issued, expired);
    }

    /// Makes a payment good again, because the upstream was not connected.
    pub fn unspend(&mut self, payment: &Payment) {
        self.spent.remove(&payment.rand);
    }

    /// Notes that the server has acted on every deadline up to `until`. Only then can no connection
    /// present a puzzle that has expired by then.
    pub fn on_deadlines_acted(&mut self, until: Moment) {
        self.acted_until = until;
    }

    /// Returns what a stamp says of its puzzle, if this mint made that puzzle for the source of `client`.
    fn recognize(
        &self,
        stamp: &Stamp<'_>,
        client: ClientAddr,
    ) -> Option<([u8; RAND_LEN], IssueTime, Terms)> {
        let rand = stamp.rand()?;
        let (signed, signature) = rand.split_at(4);
        let mac = self.signature(stamp.head(), signed, client);
        mac.verify_truncated_left(signature).ok()?;
        let [high, middle, low, ..] = rand;
        let issued = IssueTime::from_parts(stamp.issued()?, [high, middle, low]);
        Some((rand, issued, stamp.terms()?))
    }

    fn signature(&self, head: &[u8], signed: &[u8], client: ClientAddr) -> Hmac<Sha1> {
        let mac = self.keyed.clone().chain_update(head).chain_update(signed);
        match client.ip() {
            IpAddr::V4(ip) => mac.chain_update(ip.octets()),
            IpAddr::V6(ip) => mac.chain_update(&ip.octets()[..8]),
        }
    }

    fn issue_time(&self, now: Moment) -> IssueTime {
        IssueTime::new(self.start.saturating_add(now.since(Moment::START)))
    }
}
