//! `serve`: the other end for probes.

use std::path::Path;

use super::probe_args::{MIRROR_AWAY, Serve};
use super::{ExitStatus, notices};
use crate::net::Endpoint;
use crate::serve::Served;
use crate::serve::digest::Users;
use crate::serve::stun::Addresses;

/// Runs the verb.
pub(super) fn run(args: &Serve) -> ExitStatus {
    let primary = Endpoint::new(args.stun.ip(), args.stun.port());
    let alternate = args
        .alternate
        .filter(|_| !args.no_alternate)
        .map(|own| Endpoint::new(own.ip(), own.port()));
    if let Some(other) = alternate
        && (other.ip == primary.ip || other.port == primary.port)
    {
        notices::error("serve: the alternate must differ in both address and port (RFC 5780, 4.2)");
        return ExitStatus::Usage;
    }
    let sip = Endpoint::new(args.sip.ip(), args.sip.port());
    if [Some(primary), alternate, Some(sip)]
        .into_iter()
        .flatten()
        .any(|own| own.ip.is_unspecified() || own.ip.is_multicast())
    {
        notices::error(
            "serve: name the addresses to answer at; an answer must come from one of them",
        );
        return ExitStatus::Usage;
    }
    let users = match &args.credentials {
        None => None,
        Some(path) => match users(path) {
            Ok(users) => Some(users),
            Err(status) => return status,
        },
    };
    let stun = Addresses { primary, alternate };
    let mirror = args.mirror.map_or_else(
        || Endpoint::new(sip.ip, sip.port.saturating_add(MIRROR_AWAY)),
        |own| Endpoint::new(own.ip(), own.port()),
    );
    let served = Served {
        stun,
        sip,
        mirror,
        users,
    };
    let served = crate::serve::run(served, || {
        let all: Vec<String> = stun.all().iter().map(ToString::to_string).collect();
        notices::notice(&format!(
            "STUN over UDP and TCP at {}; SIP at {sip}",
            all.join(", ")
        ));
    });
    match served {
        Ok(()) => ExitStatus::Done,
        Err(error) => {
            notices::error(&format!("serve: {error}"));
            ExitStatus::Capture
        }
    }
}

fn users(path: &Path) -> Result<Users, ExitStatus> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        notices::error(&format!("{}: can't be read: {error}", path.display()));
        ExitStatus::Input
    })?;
    Users::parse(&text).map_err(|line| {
        notices::error(&format!("{}:{line}: not USER:PASSWORD", path.display()));
        ExitStatus::Usage
    })
}
