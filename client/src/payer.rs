//! The settings of a payment, and the two ways to make one.

use std::fmt;
use std::net::TcpStream;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use powtcp_common::hashcash::Kernel;

use crate::cancel::Cancel;
use crate::error::PayError;
use crate::paid::Paid;
use crate::payment::Payment;
use crate::progress::Progress;
use crate::search::Means;
use crate::turn::Turns;

/// Pays powtcp servers with CPU time.
///
/// A payer holds settings, each with a default. It can be used for any number of payments, from several
/// threads at the same time. It keeps no connections and starts no threads between payments.
///
/// ```
/// use std::time::Duration;
/// use powtcp_client::Payer;
///
/// let payer = Payer::new()
///     .max_bits(26)
///     .threads(4)
///     .timeout(Duration::from_secs(10))
///     .solve_timeout(Duration::from_secs(30));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Payer(Settings);

/// The settings of a payment.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) max_bits: u8,
    pub(crate) threads: NonZero<usize>,
    pub(crate) kernel: Kernel,
    pub(crate) timeout: Duration,
    pub(crate) solve_timeout: Duration,
    pub(crate) retries: u32,
    pub(crate) cancel: Cancel,
    /// Payments solve one after the other if they share this.
    pub(crate) turns: Option<Turns>,
    observer: Option<Arc<Observer>>,
}

type Observer = dyn Fn(&Progress<'_>) + Send + Sync;

/// The longest time that can be set. It keeps all points in time within the range of the clock.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Payer {
    /// Creates a payer with the default settings.
    pub fn new() -> Self {
        Self(Settings {
            max_bits: 32,
            threads: available_parallelism().unwrap_or(NonZero::<usize>::MIN),
            kernel: Kernel::best(),
            timeout: Duration::from_secs(10),
            solve_timeout: Duration::from_secs(60),
            retries: 2,
            cancel: Cancel::new(),
            turns: None,
            observer: None,
        })
    }

    /// Sets the difficulty in bits of the hardest puzzle that is solved; the default is 32. A harder
    /// one is refused before the first hash, which stops a server that asks for endless work, and is a
    /// reason to retry, because the price of a server falls when its load does.
    pub fn max_bits(mut self, bits: u8) -> Self {
        self.0.max_bits = bits;
        self
    }

    /// Sets the number of threads that solve; 0 stands for the default, which is as many as this
    /// process may run at the same time. If the system does not start them, fewer solve.
    pub fn threads(mut self, threads: usize) -> Self {
        let all = || available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        self.0.threads = NonZero::new(threads).unwrap_or_else(all);
        self
    }

    /// Sets the instructions to solve with. The default is [`Kernel::best`], the fastest of this
    /// machine.
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.0.kernel = kernel;
        self
    }

    /// Sets how long looking up the name and connecting may take together, and how long each answer of
    /// the server may take; the default is 10 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout = timeout.min(LONGEST);
        self
    }

    /// Sets how long solving one puzzle may take; the default is 60 seconds. A puzzle whose expected
    /// time is more than ten times as long is given up when the rate of this machine has been
    /// measured, after about 0.2 seconds.
    pub fn solve_timeout(mut self, timeout: Duration) -> Self {
        self.0.solve_timeout = timeout.min(LONGEST);
        self
    }

    /// Lets this payer and its clones solve one puzzle at a time; each still uses all threads. Two at once
    /// would have half of the processors each, and more often miss the limit that
    /// [`solve_timeout`](Self::solve_timeout) sets. The wait for the turn is not part of that limit. By
    /// default, payments on several threads solve at the same time.
    pub fn solve_in_turn(mut self) -> Self {
        self.0.turns = Some(Turns::default());
        self
    }

    /// Sets how often [`connect`](Self::connect) connects again after an error that
    /// [is transient](PayError::is_transient); the default is 2.
    ///
    /// A puzzle and its stamp survive the connection: the payer keeps solving, and presents the stamp
    /// on the next connection, first to the address that issued the puzzle. If the server does not
    /// know the stamp any more, the next retry asks for a new puzzle. Before each retry the payer
    /// waits for a random time: up to 0.1 seconds before the first one, with a maximum that doubles
    /// up to 10 seconds.
    ///
    /// A payment takes at most `(retries + 1) * (3 * timeout + solve_timeout) + retries * 10 s`.
    pub fn retries(mut self, retries: u32) -> Self {
        self.0.retries = retries;
        self
    }

    /// Sets a function that is told each step of a payment. It is called on the thread that pays, so a
    /// slow function delays the payment. By default, nothing is told.
    ///
    /// ```
    /// use powtcp_client::{Payer, Progress};
    ///
    /// let payer = Payer::new().on_progress(|progress| {
    ///     if let Progress::Solving(effort) = progress {
    ///         eprintln!("{:.0} % of the expected work", 100.0 * effort.share());
    ///     }
    /// });
    /// ```
    pub fn on_progress(mut self, tell: impl Fn(&Progress<'_>) + Send + Sync + 'static) -> Self {
        self.0.observer = Some(Arc::new(tell));
        self
    }

    /// Sets the handle that ends payments of this payer. By default, nothing ends them from outside.
    pub fn cancel_with(mut self, cancel: &Cancel) -> Self {
        self.0.cancel = cancel.clone();
        self
    }

    /// Connects to `server`, `HOST:PORT`, and pays. Blocks until the server has sent the resource.
    ///
    /// The host is a name, an IPv4 address, or an IPv6 address in brackets, which may have a scope:
    /// `[fe80::1%eth0]:8080`. The addresses of a name are tried in parallel, each 250 milliseconds
    /// after the one before, and the first that accepts is used (RFC 8305).
    ///
    /// # Errors
    /// The error of the last try, or the first one that another try cannot help with.
    pub fn connect(&self, server: &str) -> Result<Paid, PayError> {
        Payment::new(&self.0).pay(server)
    }

    /// Pays on a connection that is already open, and makes it blocking. There is no retry, because
    /// there is no other connection.
    ///
    /// # Errors
    /// The first error. The connection is closed then.
    pub fn over(&self, stream: TcpStream) -> Result<Paid, PayError> {
        let inspect = || {
            stream.set_nonblocking(false)?;
            let timeouts = (stream.read_timeout()?, stream.write_timeout()?);
            Ok((timeouts, stream.peer_addr()?))
        };
        let ((read, write), address) = inspect().map_err(PayError::Broken)?;
        let paid = Payment::new(&self.0).pay_over(stream, &address.to_string(), address)?;
        paid.with_timeouts(read, write)
    }
}

impl Default for Payer {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// Returns how to solve.
    pub(crate) fn means(&self) -> Means {
        Means {
            threads: self.threads,
            kernel: self.kernel,
            allowed: self.solve_timeout,
        }
    }

    /// Tells a step of a payment.
    pub(crate) fn tell(&self, progress: Progress<'_>) {
        if let Some(observer) = &self.observer {
            observer(&progress);
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("max_bits", &self.max_bits)
            .field("threads", &self.threads)
            .field("kernel", &self.kernel)
            .field("timeout", &self.timeout)
            .field("solve_timeout", &self.solve_timeout)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}
