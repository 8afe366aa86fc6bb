//! How many connections there may be, of all and of one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::http::Network;

/// The places for connections.
pub struct Slots {
    all: Arc<Semaphore>,
    per_address: usize,
    places: Arc<Places>,
}

#[derive(Default)]
struct Places {
    /// Whoever has none is not in it, so it is as large as there are connections.
    open: Mutex<HashMap<IpAddr, usize>>,
    unbounded: Mutex<Vec<Network>>,
}

/// A place, until dropped.
pub struct Slot {
    _free: OwnedSemaphorePermit,
    address: IpAddr,
    places: Arc<Places>,
}

impl Slots {
    /// `most` of all, `per_address` of one address unless it is `unbounded`.
    pub fn new(most: usize, per_address: usize, unbounded: Vec<Network>) -> Self {
        Self {
            all: Arc::new(Semaphore::new(most)),
            per_address,
            places: Arc::new(Places {
                open: Mutex::default(),
                unbounded: Mutex::new(unbounded),
            }),
        }
    }

    /// Waits until there is a free place.
    pub async fn free(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.all.clone().acquire_owned().await
    }

    /// Takes it for an address; none if that has too many already.
    pub fn take(&self, free: OwnedSemaphorePermit, ip: IpAddr) -> Option<Slot> {
        let unbounded = {
            let networks = lock(&self.places.unbounded);
            networks.iter().any(|network| network.contains(ip))
        };
        let address = household(ip);
        let mut open = lock(&self.places.open);
        let count = open.get(&address).copied().unwrap_or(0);
        if count >= self.per_address && !unbounded {
            return None;
        }
        open.insert(address, count + 1);
        Some(Slot {
            _free: free,
            address,
            places: self.places.clone(),
        })
    }

    /// From now on these addresses may have all places.
    pub fn set_unbounded(&self, networks: Vec<Network>) {
        *lock(&self.places.unbounded) = networks;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = lock(&self.places.open);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// One subscriber of the IPv6 internet has a /64 to choose addresses from.
fn household(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Only whole values are put into what is guarded, so a panic elsewhere leaves it
/// usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    async fn take(slots: &Slots, ip: &str) -> Option<Slot> {
        let free = slots.free().await.unwrap();
        slots.take(free, ip.parse().unwrap())
    }

    #[tokio::test]
    async fn one_address_cannot_have_every_place() {
        let slots = Slots::new(4, 2, Vec::new());
        let first = take(&slots, "192.0.2.1").await.unwrap();
        let _second = take(&slots, "::ffff:192.0.2.1").await.unwrap();
        assert!(take(&slots, "192.0.2.1").await.is_none());
        let _other = take(&slots, "192.0.2.2").await.unwrap();
        drop(first);
        assert!(take(&slots, "192.0.2.1").await.is_some());
    }

    #[tokio::test]
    async fn addresses_of_one_ipv6_subscriber_count_together() {
        let slots = Slots::new(4, 1, Vec::new());
        let _one = take(&slots, "2001:db8::1").await.unwrap();
        assert!(take(&slots, "2001:db8::ffff:1").await.is_none());
        assert!(take(&slots, "2001:db8:0:1::1").await.is_some());
    }

    #[tokio::test]
    async fn a_proxy_that_is_trusted_may_have_every_place() {
        let slots = Slots::new(4, 1, vec!["10.0.0.0/8".parse().unwrap()]);
        let _one = take(&slots, "10.0.0.1").await.unwrap();
        assert!(take(&slots, "10.0.0.1").await.is_some());
        slots.set_unbounded(Vec::new());
        assert!(take(&slots, "10.0.0.1").await.is_none());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_addresses_that_are_gone() {
        let slots = Slots::new(4, 2, Vec::new());
        drop(take(&slots, "192.0.2.1").await);
        assert!(lock(&slots.places.open).is_empty());
    }
}
