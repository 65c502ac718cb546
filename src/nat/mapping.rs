//! How a NAT maps an inside endpoint toward several remotes (RFC 4787, 4.1).

use std::collections::BTreeMap;

use super::behavior::{Dependence, Elimination};
use super::device::{Device, shows_mapping};
use crate::engine::nat::Binding;
use crate::net::Transport;
use crate::time::SECOND;

/// Many mappings are gone after half a minute without a packet (RFC 4787, REQ-5
/// asks for two); then two observations say nothing together.
const ALIVE_NS: i64 = 20 * SECOND;
/// Observations of one endpoint that are held against each other.
const MAX_SAMPLES: usize = 64;

/// What the bindings of a device leave possible.
#[must_use]
pub fn mapping(device: &Device<'_>, transport: Transport) -> Elimination {
    let mut left = Elimination::default();
    let mut by_inside: BTreeMap<_, Vec<&Binding>> = BTreeMap::new();
    for binding in &device.bindings {
        let to_itself = binding
            .remote
            .is_none_or(|remote| device.outside_ips.contains(&remote.ip));
        if shows_mapping(binding) && !to_itself && binding.transport == transport {
            by_inside.entry(binding.inside).or_default().push(binding);
        }
    }
    for samples in by_inside.values() {
        for (place, a) in samples.iter().enumerate().take(MAX_SAMPLES) {
            for b in samples.iter().skip(place + 1).take(MAX_SAMPLES) {
                compare(a, b, &mut left);
            }
        }
    }
    left
}

fn compare(a: &Binding, b: &Binding, left: &mut Elimination) {
    use Dependence::{Address, AddressAndPort, Endpoint};
    let (Some(to_a), Some(to_b)) = (a.remote, b.remote) else {
        return;
    };
    let began = a.first.timestamp.max(b.first.timestamp);
    let apart = began.since(a.last.min(b.last));
    if to_a == to_b || apart > ALIVE_NS {
        return;
    }
    let same = a.outside == b.outside;
    let possible: &[Dependence] = match (to_a.ip == to_b.ip, same) {
        (false, true) => &[Endpoint],
        (true, true) => &[Endpoint, Address],
        (true, false) => &[AddressAndPort],
        (false, false) => &[Address, AddressAndPort],
    };
    left.only(possible, b.first, || {
        if same {
            format!("{} is {} for {to_a} and for {to_b}", a.inside, a.outside)
        } else {
            format!(
                "{} is {} for {to_a} and {} for {to_b}",
                a.inside, a.outside, b.outside
            )
        }
    });
}
