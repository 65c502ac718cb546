//! Secrets that the user gives, to read what is encrypted.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::args::KeyArgs;
use super::{ExitStatus, notices};
use crate::engine::Config as EngineConfig;
use crate::inspector::Config;
use crate::tls::KeyLog;

/// The longest key log that is read: some 100,000 sessions.
const MAX_OCTETS: u64 = 64 * 1024 * 1024;

impl KeyArgs {
    /// What is wanted of a run where nothing but secrets is asked for.
    ///
    /// # Errors
    ///
    /// As [`KeyArgs::load`].
    pub(super) fn config(&self) -> Result<Config, ExitStatus> {
        let engine = EngineConfig {
            keys: self.load()?,
            ..EngineConfig::default()
        };
        Ok(Config {
            engine,
            ..Config::default()
        })
    }

    /// Reads the key logs that are named, and the one that `SSLKEYLOGFILE` names
    /// where it is there.
    ///
    /// # Errors
    ///
    /// The status to exit with, after it has been said what can't be read.
    pub(super) fn load(&self) -> Result<Arc<KeyLog>, ExitStatus> {
        let mut log = KeyLog::default();
        for path in &self.keylog {
            if let Err(error) = read(path, &mut log) {
                notices::error(&format!("{}: can't be read: {error}", path.display()));
                return Err(ExitStatus::Usage);
            }
            if log.is_empty() {
                notices::warning(&format!(
                    "{}: holds no secret of a TLS session; a key log has lines such as \
                     CLIENT_RANDOM <hexadecimal> <hexadecimal>",
                    path.display()
                ));
            }
        }
        if self.keylog.is_empty()
            && let Some(path) = std::env::var_os("SSLKEYLOGFILE")
        {
            // Programs write it when they run; it need not be there.
            let _ = read(Path::new(&path), &mut log);
        }
        if log.unread > 0 {
            notices::warning(&format!("{} lines of the key log are none", log.unread));
        }
        if log.dropped > 0 {
            notices::warning(&format!(
                "{} sessions of the key log are too many",
                log.dropped
            ));
        }
        Ok(Arc::new(log))
    }
}

fn read(path: &Path, log: &mut KeyLog) -> std::io::Result<()> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_OCTETS).read_to_end(&mut text)?;
    log.add(&text);
    Ok(())
}
