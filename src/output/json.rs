//! One document.

use std::io::{self, Write};

use super::Sink;
use super::escape::write_json;
use super::spool::Spool;
use crate::report::{Document, Record, SCHEMA, Summary};

/// Gathers sections, and writes them in one document at the end.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
    calls: Spool,
    transactions: Spool,
    streams: Spool,
    connections: Spool,
    registrations: Spool,
    stun: Spool,
    limits: Spool,
    messages: Option<Spool>,
    summary: Option<Box<Summary>>,
    line: Vec<u8>,
}

impl<W: Write> Json<W> {
    /// A document into `out`; with the section `messages` if they are wanted.
    pub fn new(out: W, with_messages: bool) -> Self {
        Self {
            out,
            calls: Spool::default(),
            transactions: Spool::default(),
            streams: Spool::default(),
            connections: Spool::default(),
            registrations: Spool::default(),
            stun: Spool::default(),
            limits: Spool::default(),
            messages: with_messages.then(Spool::default),
            summary: None,
            line: Vec::new(),
        }
    }

    fn section(&mut self, name: &str) -> io::Result<()> {
        let spool = match name {
            "calls" => Some(&mut self.calls),
            "transactions" => Some(&mut self.transactions),
            "rtp_streams" => Some(&mut self.streams),
            "connections" => Some(&mut self.connections),
            "registrations" => Some(&mut self.registrations),
            "stun_exchanges" => Some(&mut self.stun),
            "limits" => Some(&mut self.limits),
            "messages" => self.messages.as_mut(),
            _ => None,
        };
        write!(self.out, ",\n\"{name}\":[")?;
        if let Some(spool) = spool {
            spool.write(&mut self.out, b",\n")?;
        }
        self.out.write_all(b"]")
    }
}

/// The number at the end of an id, by which records are ordered.
fn place(id: &str) -> u64 {
    id.rsplit('-')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(u64::MAX)
}

impl<W: Write> Sink for Json<W> {
    fn record(&mut self, record: Record) -> io::Result<()> {
        self.line.clear();
        let line = &mut self.line;
        let (spool, place) = match &record {
            Record::Call(call) => {
                write_json(line, call)?;
                (&mut self.calls, call.index)
            }
            Record::Transaction(transaction) => {
                write_json(line, transaction)?;
                (&mut self.transactions, place(&transaction.id))
            }
            Record::RtpStream(stream) => {
                write_json(line, stream)?;
                (&mut self.streams, place(&stream.id))
            }
            Record::Connection(connection) => {
                write_json(line, connection)?;
                (&mut self.connections, place(&connection.id))
            }
            Record::Registration(registration) => {
                write_json(line, registration)?;
                (&mut self.registrations, place(&registration.id))
            }
            Record::StunExchange(exchange) => {
                write_json(line, exchange)?;
                (&mut self.stun, place(&exchange.id))
            }
            Record::Limit(limit) => {
                write_json(line, limit)?;
                (&mut self.limits, place(&limit.id))
            }
            Record::Message(message) => {
                let Some(messages) = &mut self.messages else {
                    return Ok(());
                };
                write_json(line, message)?;
                (messages, place(&message.id))
            }
            Record::Summary(_) => {
                if let Record::Summary(summary) = record {
                    self.summary = Some(summary);
                }
                return Ok(());
            }
        };
        spool.push(place, &self.line)
    }

    fn finish(&mut self) -> io::Result<()> {
        write!(self.out, "{{\"schema\":\"{SCHEMA}\"")?;
        for name in Document::SECTIONS {
            self.section(name)?;
        }
        if self.messages.is_some() {
            self.section("messages")?;
        }
        if let Some(summary) = self.summary.take() {
            self.out.write_all(b",\n\"summary\":")?;
            write_json(&mut self.out, &summary)?;
        }
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }
}
