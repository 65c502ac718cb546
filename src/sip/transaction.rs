//! The state machines of RFC 3261, 17, with RFC 6026, seen from outside.
//!
//! An observer has no timers to start; it follows the states that the two
//! sides must be in from the messages that pass.

/// RFC 3261, 17.1.1.1: the estimate of the round-trip time.
pub const T1_NS: i64 = 500_000_000;
/// How long an INVITE may go unanswered: Timer B, and others (64*T1).
pub const TRANSACTION_TIMEOUT_NS: i64 = 64 * T1_NS;

/// What happens to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The request again.
    Request,
    /// 1xx.
    Provisional,
    /// 2xx.
    Success,
    /// 3xx to 6xx.
    Failure,
    /// An ACK with the branch of the INVITE.
    Ack,
    /// 64*T1 passed without a final response.
    Timeout,
}

/// Where a transaction stands (RFC 3261, figures 5 to 8; RFC 6026).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// The request was sent: Calling or Trying.
    #[default]
    Trying,
    /// A provisional response came.
    Proceeding,
    /// An INVITE was accepted with a 2xx; its ACK is a transaction of its own.
    Accepted,
    /// A final response came.
    Completed,
    /// The ACK to a failed INVITE came.
    Confirmed,
    /// Nobody answered in time.
    TimedOut,
}

impl State {
    /// The state after `input`; responses after a final one change nothing.
    #[must_use]
    pub const fn after(self, is_invite: bool, input: Input) -> Self {
        match (self, input) {
            (Self::Trying, Input::Provisional) => Self::Proceeding,
            (Self::Trying | Self::Proceeding | Self::TimedOut, Input::Success) if is_invite => {
                Self::Accepted
            }
            (Self::Trying | Self::Proceeding | Self::TimedOut, Input::Success | Input::Failure) => {
                Self::Completed
            }
            (Self::Completed, Input::Ack) if is_invite => Self::Confirmed,
            (Self::Trying | Self::Proceeding, Input::Timeout) => Self::TimedOut,
            (state, _) => state,
        }
    }

    /// Whether a final response was seen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Accepted | Self::Completed | Self::Confirmed)
    }
}

#[cfg(test)]
mod tests {
    use super::Input::{Ack, Failure, Provisional, Request, Success, Timeout};
    use super::*;

    #[test]
    fn states_follow_the_figures() {
        let check = |is_invite, inputs: &[Input], expected| {
            let state = inputs.iter().fold(State::default(), |state, &input| {
                state.after(is_invite, input)
            });
            assert_eq!(state, expected, "{inputs:?}");
        };
        check(true, &[Request], State::Trying);
        check(true, &[Provisional, Provisional], State::Proceeding);
        check(true, &[Provisional, Success, Success], State::Accepted);
        check(true, &[Failure], State::Completed);
        check(
            true,
            &[Provisional, Failure, Ack, Failure],
            State::Confirmed,
        );
        check(true, &[Timeout], State::TimedOut);
        check(true, &[Timeout, Success], State::Accepted);
        check(true, &[Success, Timeout, Ack], State::Accepted);
        check(false, &[Success], State::Completed);
        check(false, &[Failure, Ack], State::Completed);
        check(false, &[Provisional, Timeout], State::TimedOut);
    }
}
