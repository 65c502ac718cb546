//! Who sent to whom, found by either end.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::engine::nat::Contact;
use crate::net::{Endpoint, Flow};
use crate::packet::CapturePoint;

type Places<K> = HashMap<K, SmallVec<[u32; 4]>, RandomState>;

/// Contacts in the order of first packets. Where no NAT is seen, hardly anybody asks for
/// them by an end.
#[derive(Debug)]
pub struct Contacts {
    list: Vec<Contact>,
    by_src: OnceCell<Places<Endpoint>>,
    by_dst: OnceCell<Places<Endpoint>>,
    by_dst_ip: OnceCell<Places<IpAddr>>,
}

impl Contacts {
    /// Finds them later by either end.
    #[must_use]
    pub const fn new(list: Vec<Contact>) -> Self {
        Self {
            list,
            by_src: OnceCell::new(),
            by_dst: OnceCell::new(),
            by_dst_ip: OnceCell::new(),
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Contact> {
        self.list.iter()
    }

    /// Those of a sender.
    pub fn from(&self, src: Endpoint) -> impl Iterator<Item = &Contact> {
        self.at(&self.by_src, |own| own.flow.src, src)
    }

    /// Those toward a receiver.
    pub fn to(&self, dst: Endpoint) -> impl Iterator<Item = &Contact> {
        self.at(&self.by_dst, |own| own.flow.dst, dst)
    }

    /// Those toward any port of a host.
    pub fn to_host(&self, ip: IpAddr) -> impl Iterator<Item = &Contact> {
        self.at(&self.by_dst_ip, |own| own.flow.dst.ip, ip)
    }

    /// Those of one way, wherever they were captured.
    pub fn of(&self, flow: Flow) -> impl Iterator<Item = &Contact> {
        self.from(flow.src).filter(move |own| own.flow == flow)
    }

    /// What comes back where a contact was captured.
    #[must_use]
    pub fn back(&self, there: &Contact) -> Option<&Contact> {
        let point: CapturePoint = there.capture_point;
        self.of(there.flow.reversed())
            .find(|own| own.capture_point == point)
    }

    fn at<'s, K: Hash + Eq>(
        &'s self,
        places: &'s OnceCell<Places<K>>,
        key_of: impl Fn(&Contact) -> K,
        wanted: K,
    ) -> impl Iterator<Item = &'s Contact> {
        let places = places.get_or_init(|| {
            let mut places = Places::default();
            for (place, own) in (0..).zip(&self.list) {
                places.entry(key_of(own)).or_default().push(place);
            }
            places
        });
        let places = places.get(&wanted).into_iter().flatten();
        places.filter_map(|place| self.list.get(*place as usize))
    }
}
