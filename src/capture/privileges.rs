//! Root is needed to open an interface, not to read strangers' packets: it is
//! given up in between.

use nix::sys::prctl::set_no_new_privs;
use nix::unistd::{Gid, Uid, User, geteuid, setgid, setgroups, setuid};

/// Why privileges could not be given up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivilegeError {
    /// There is no such user.
    #[error("there is no user {0}")]
    NoSuchUser(String),
    /// The system refuses.
    #[error("the system refuses to become {user}: {reason}")]
    Refused {
        /// Who.
        user: String,
        /// Its words.
        reason: String,
    },
}

/// Who the program becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// The user's name.
    pub name: String,
    uid: Uid,
    gid: Gid,
}

impl Successor {
    /// Who is to go on in place of root: `user` if one is named, else whoever
    /// called `sudo` (`sudo_uid`), else `nobody`. `None` if the program is not
    /// root, or if root is named.
    ///
    /// # Errors
    ///
    /// There is no such user.
    pub fn of(user: Option<&str>, sudo_uid: Option<&str>) -> Result<Option<Self>, PrivilegeError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let sudo_uid = sudo_uid.and_then(|uid| uid.parse().ok()).map(Uid::from_raw);
        let found = match (user, sudo_uid) {
            (Some(name), _) => User::from_name(name),
            (None, Some(uid)) if !uid.is_root() => User::from_uid(uid),
            (None, _) => User::from_name("nobody"),
        };
        let name = user.unwrap_or("nobody");
        let found = found
            .ok()
            .flatten()
            .ok_or_else(|| PrivilegeError::NoSuchUser(name.to_owned()))?;
        Ok((!found.uid.is_root()).then_some(Self {
            name: found.name,
            uid: found.uid,
            gid: found.gid,
        }))
    }

    /// Gives a file that root made to them.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn own(&self, file: &std::fs::File) -> std::io::Result<()> {
        std::os::unix::fs::fchown(file, Some(self.uid.as_raw()), Some(self.gid.as_raw()))
    }

    /// Gives root up, for good.
    ///
    /// # Errors
    ///
    /// When the system refuses, or root could be had again.
    pub fn take_over(&self) -> Result<(), PrivilegeError> {
        let refused = |error: nix::Error| PrivilegeError::Refused {
            user: self.name.clone(),
            reason: error.to_string(),
        };
        setgroups(&[self.gid]).map_err(refused)?;
        setgid(self.gid).map_err(refused)?;
        setuid(self.uid).map_err(refused)?;
        set_no_new_privs().map_err(refused)?;
        if setuid(Uid::from_raw(0)).is_ok() {
            return Err(PrivilegeError::Refused {
                user: self.name.clone(),
                reason: "root can be had again".to_owned(),
            });
        }
        Ok(())
    }
}
