//! Capture filters in the language of libpcap, compiled by libpcap.

use std::collections::BTreeMap;

use pcap::{BpfProgram, Capture, Linktype};

use crate::packet::{LinkType, Packet};

/// A filter for packets of any link type; one program for each.
pub struct Filter {
    expression: String,
    programs: BTreeMap<LinkType, BpfProgram>,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter")
            .field("expression", &self.expression)
            .finish_non_exhaustive()
    }
}

/// An expression that libpcap does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FilterError(String);

impl Filter {
    /// Compiles an expression for the link types known now.
    ///
    /// # Errors
    ///
    /// When libpcap does not take the expression for one of them.
    pub fn compile(expression: &str, link_types: &[LinkType]) -> Result<Self, FilterError> {
        let mut filter = Self {
            expression: expression.to_owned(),
            programs: BTreeMap::new(),
        };
        for &link_type in link_types {
            filter.program(link_type)?;
        }
        Ok(filter)
    }

    fn program(&mut self, link_type: LinkType) -> Result<(), FilterError> {
        let number =
            i32::try_from(link_type.0).map_err(|_| FilterError("no such link type".into()))?;
        let capture =
            Capture::dead(Linktype(number)).map_err(|error| FilterError(error.to_string()))?;
        let program = capture
            .compile(&self.expression, true)
            .map_err(|error| FilterError(error.to_string()))?;
        self.programs.insert(link_type, program);
        Ok(())
    }

    /// Whether a packet passes. Of a link type that the expression does not
    /// fit, none does.
    pub fn passes(&mut self, packet: &Packet<'_>) -> bool {
        if !self.programs.contains_key(&packet.link_type) && self.program(packet.link_type).is_err()
        {
            return false;
        }
        self.programs
            .get(&packet.link_type)
            .is_some_and(|program| program.filter(packet.data))
    }
}
