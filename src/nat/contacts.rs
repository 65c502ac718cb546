//! Who sent to whom, found by either end.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::engine::nat::Contact;
use crate::net::{Endpoint, Flow};
use crate::packet::CapturePoint;

type Places<K> = HashMap<K, SmallVec<[u32; 4]>, RandomState>;

/// Contacts in the order of first packets.
#[derive(Debug)]
pub struct Contacts {
    list: Vec<Contact>,
    by_src: Places<Endpoint>,
    by_dst: Places<Endpoint>,
    by_dst_ip: Places<IpAddr>,
}

impl Contacts {
    /// Finds them later by either end.
    #[must_use]
    pub fn new(list: Vec<Contact>) -> Self {
        let (mut by_src, mut by_dst) = (Places::default(), Places::default());
        let mut by_dst_ip = Places::default();
        for (place, own) in (0..).zip(&list) {
            by_src.entry(own.flow.src).or_default().push(place);
            by_dst.entry(own.flow.dst).or_default().push(place);
            by_dst_ip.entry(own.flow.dst.ip).or_default().push(place);
        }
        Self {
            list,
            by_src,
            by_dst,
            by_dst_ip,
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Contact> {
        self.list.iter()
    }

    /// Those of a sender.
    pub fn from(&self, src: Endpoint) -> impl Iterator<Item = &Contact> {
        self.at(self.by_src.get(&src))
    }

    /// Those toward a receiver.
    pub fn to(&self, dst: Endpoint) -> impl Iterator<Item = &Contact> {
        self.at(self.by_dst.get(&dst))
    }

    /// Those toward any port of a host.
    pub fn to_host(&self, ip: IpAddr) -> impl Iterator<Item = &Contact> {
        self.at(self.by_dst_ip.get(&ip))
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

    fn at<'s>(
        &'s self,
        places: Option<&'s SmallVec<[u32; 4]>>,
    ) -> impl Iterator<Item = &'s Contact> {
        places
            .into_iter()
            .flatten()
            .filter_map(|place| self.list.get(*place as usize))
    }
}
