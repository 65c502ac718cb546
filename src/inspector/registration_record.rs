//! Registrations as records.

use super::scribe::Scribe;
use crate::engine::registration::Registration;
use crate::report::{
    BindingRecord, RegistrationEventRecord, RegistrationRecord, milliseconds, rounded,
};
use crate::time::{Timestamp, millis};

impl Scribe {
    pub(super) fn registration(
        &self,
        registration: Registration,
        now: Timestamp,
    ) -> RegistrationRecord {
        let point = registration.first.capture_point;
        let seconds = |span: Option<i64>| span.map(|span| rounded(millis(span) / 1000.0, 3));
        let state = registration.state(now).to_owned();
        RegistrationRecord {
            id: format!("registration-{}", registration.serial + 1),
            call_ids: registration.call_ids,
            address_of_record: registration.address_of_record,
            registrar_ip: registration.registrar.ip.to_string(),
            registrar_port: registration.registrar.port,
            source_ip: registration.source.ip.to_string(),
            source_port: registration.source.port,
            received_ip: registration.received.map(|at| at.ip.to_string()),
            received_port: registration.received.map(|at| at.port),
            instance: registration.instance,
            user_agent: registration.user_agent,
            state,
            last_status: registration.last_status,
            expires_requested_s: registration.expires_requested,
            expires_granted_s: registration.expires_granted,
            refreshes: registration.refreshes,
            refresh_interval_s: seconds(registration.refresh_interval_ns),
            gap_s: seconds(registration.gap_ns),
            attempts: registration.attempts,
            failures: registration.failures,
            challenges: registration.challenges,
            auth_failures: registration.auth_failures,
            auth_user: registration.auth_user,
            auth_realm: registration.auth_realm,
            auth_algorithm: registration.auth_algorithm,
            stale: registration.stale,
            register_delay_ms: registration.delay_ns.map(milliseconds),
            keepalive_interval_s: seconds(
                registration
                    .keep_alives
                    .iter()
                    .find_map(crate::engine::registration::KeepAlives::interval_ns),
            ),
            keepalives: registration.keep_alives.iter().map(|kept| kept.count).sum(),
            bindings: registration
                .bindings
                .into_iter()
                .map(|binding| BindingRecord {
                    source: if Some(&binding.contact) == registration.contact.as_ref() {
                        "own"
                    } else {
                        "other"
                    }
                    .to_owned(),
                    contact: binding.contact,
                    expires_s: binding.expires,
                })
                .collect(),
            contact: registration.contact,
            events: registration
                .events
                .iter()
                .map(|event| RegistrationEventRecord {
                    at: self.stamp(event.at.capture_point, event.at.timestamp),
                    kind: event.kind.name().to_owned(),
                    status: event.status,
                    frame: event.at.number,
                })
                .collect(),
            events_total: registration.events_total,
            started: self.stamp(point, registration.first.timestamp),
            diagnostics: Vec::new(),
        }
    }
}
