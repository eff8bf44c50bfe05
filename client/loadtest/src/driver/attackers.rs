//! What a load does with attackers.

use std::io;
use std::net::Ipv4Addr;

use super::connection::LoadConnection;
use super::{Driver, dial};
use crate::attack::Attack;
use crate::attack::attacker::Attacker;

impl Driver {
    /// Returns how many attackers have connected so far.
    pub(crate) fn attackers_connected(&self) -> u64 {
        self.attackers_connected
    }

    /// Connects an attacker from `source`. One that the server or the kernel turns away is no error.
    ///
    /// # Errors
    /// There is no free descriptor, or the poll's.
    pub(crate) fn open_attacker(
        &mut self,
        attack: &'static Attack,
        source: Ipv4Addr,
    ) -> io::Result<()> {
        match self.target.dial(source) {
            Ok(dialed) => {
                let attacker = Attacker::new(dialed, attack);
                self.add(LoadConnection::Hostile(attacker))?;
            }
            Err(error) if dial::is_exhausted(&error) => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    /// Makes the attacker at `key`, if there is one, send what it sends once a second.
    pub(crate) fn send_as_attacker(&mut self, key: usize) {
        let attacker = self.slots.get_mut(key).map(|slot| &mut slot.connection);
        if let Some(LoadConnection::Hostile(attacker)) = attacker
            && attacker.send_again().is_break()
        {
            self.slots.remove(key);
        }
    }

    /// Closes every attacker with an RST.
    pub(crate) fn reset_attackers(&mut self) {
        self.slots.retain(|_, slot| match &slot.connection {
            LoadConnection::Hostile(attacker) => {
                attacker.set_reset();
                false
            }
            LoadConnection::Honest(_) => true,
        });
    }
}
