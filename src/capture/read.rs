//! Octets of a capture, decompressed on the way.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// Decompressed octets that raise no suspicion.
const UNSUSPICIOUS: u64 = 64 * 1024 * 1024;
/// Above that, so many times the compressed octets are a bomb.
const MAX_RATIO: u64 = 200;

/// A compressed file that would fill more than any capture can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "decompressing it gives {decompressed} octets from {compressed}: refused as a decompression bomb (raise --max-decompressed if it is none)"
)]
pub struct Bomb {
    /// Octets read.
    pub compressed: u64,
    /// Octets they gave.
    pub decompressed: u64,
}

/// Octets from anywhere, which any thread may read.
pub(super) type Input = Box<dyn Read + Send>;

/// How often a file that grows is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A file that somebody still writes: its end is waited for, until it is enough.
pub(super) struct Growing<R> {
    pub inner: R,
    pub enough: Arc<AtomicBool>,
}

impl<R: Read> Read for Growing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.inner.read(buffer)?;
            if length > 0 || buffer.is_empty() || self.enough.load(Ordering::Relaxed) {
                return Ok(length);
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Counts what passes.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Stops a decompressor that gives too much.
struct Guarded<R> {
    inner: R,
    compressed: Arc<AtomicU64>,
    decompressed: u64,
    limit: u64,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.decompressed += length as u64;
        let compressed = self.compressed.load(Ordering::Relaxed);
        let suspicious =
            self.decompressed > UNSUSPICIOUS && self.decompressed / MAX_RATIO > compressed.max(1);
        if self.decompressed > self.limit || suspicious {
            return Err(io::Error::other(Bomb {
                compressed,
                decompressed: self.decompressed,
            }));
        }
        Ok(length)
    }
}

/// Several Zstandard frames one after the other.
struct ZstdFrames<R: Read> {
    decoder: Option<StreamingDecoder<BufReader<R>, ruzstd::decoding::FrameDecoder>>,
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else {
                return Ok(0);
            };
            let length = decoder.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            let mut rest = match self.decoder.take() {
                Some(decoder) => decoder.into_inner(),
                None => return Ok(0),
            };
            if io::BufRead::fill_buf(&mut rest)?.is_empty() {
                return Ok(0);
            }
            self.decoder = Some(StreamingDecoder::new(rest).map_err(io::Error::other)?);
        }
    }
}

/// Reads until `into` is full or the input ends; says how much there was.
pub(super) fn fill(input: &mut Input, into: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while have < into.len() {
        match input.read(into.get_mut(have..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(length) => have += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(have)
}

/// What a capture's octets are read from; `consumed` counts the octets of the
/// file itself.
pub(super) fn decompressed(
    mut input: Input,
    consumed: &Arc<AtomicU64>,
    limit: u64,
) -> io::Result<Input> {
    let mut magic = [0; 4];
    let have = fill(&mut input, &mut magic)?;
    let head = Cursor::new(magic.get(..have).unwrap_or_default().to_vec());
    let whole = Counted {
        inner: head.chain(input),
        count: Arc::clone(consumed),
    };
    let guarded = |inner: Input| -> Input {
        Box::new(Guarded {
            inner,
            compressed: Arc::clone(consumed),
            decompressed: 0,
            limit,
        })
    };
    Ok(match magic {
        [0x1f, 0x8b, ..] => guarded(Box::new(MultiGzDecoder::new(BufReader::new(whole)))),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let decoder = StreamingDecoder::new(BufReader::new(whole)).map_err(io::Error::other)?;
            guarded(Box::new(ZstdFrames {
                decoder: Some(decoder),
            }))
        }
        _ => Box::new(whole),
    })
}
