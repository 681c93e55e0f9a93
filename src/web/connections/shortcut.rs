//! A way around the HTTP library, for what is asked so often that its time
//! counts. What is ordinary is answered at once; everything else, and all that
//! is odd, is the library's.

use std::mem;
use std::net::SocketAddr;

use super::Connection;

/// A request longer than this, in bytes, is not waited for.
const LONGEST: usize = 8 * 1024;

/// Answers some requests before the library has them.
pub trait Shortcut {
    /// Looks at all that was sent since the last request, and writes the answer
    /// to it, if it has one.
    fn answer(&self, sent: &[u8], client: Option<SocketAddr>, answer: &mut Vec<u8>) -> Outcome;
}

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// One request, whole, with nothing behind it, that is answered.
    Answered,
    /// The same, for the library, which has all of its answer at once.
    Lent,
    /// The beginning of a request that may be answered.
    Begun,
    /// Anything else.
    Foreign,
}

/// For sites that have none.
#[derive(Debug, Clone, Copy)]
pub struct NoShortcut;

impl Shortcut for NoShortcut {
    fn answer(&self, _: &[u8], _: Option<SocketAddr>, _: &mut Vec<u8>) -> Outcome {
        Outcome::Foreign
    }
}

/// Whose a connection is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Owner {
    #[default]
    Shortcut,
    /// The library's, until its one request is answered.
    Borrower,
    /// The library's for good: it may have a part of a request, or an answer
    /// that comes in pieces.
    Library,
}

/// Shares out what is read from a connection.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    owner: Owner,
    /// The beginning of a request.
    begun: Vec<u8>,
    /// For the library, before all that is read later.
    owed: Vec<u8>,
}

impl Sharing {
    /// Whether what was just read goes to the library, as it is. An empty read is
    /// the end.
    pub(super) fn is_for_library(
        &mut self,
        read: &[u8],
        connection: &Connection,
        shortcut: impl FnOnce(&[u8]) -> Outcome,
    ) -> bool {
        if self.owner == Owner::Borrower && connection.is_between_requests() {
            self.owner = Owner::Shortcut;
        }
        if read.is_empty() {
            return self.give_away(Owner::Library);
        }
        connection.hears();
        match self.owner {
            Owner::Shortcut => self.try_shortcut(read, connection, shortcut),
            Owner::Borrower | Owner::Library => self.give_away(Owner::Library),
        }
    }

    fn try_shortcut(&mut self, read: &[u8], connection: &Connection, shortcut: impl FnOnce(&[u8]) -> Outcome) -> bool {
        // Most often a request comes in one piece, which is not copied.
        let is_first = self.begun.is_empty();
        if !is_first {
            self.begun.extend_from_slice(read);
        }
        let sent = if is_first { read } else { &self.begun };
        match shortcut(sent) {
            Outcome::Answered => {
                self.begun = Vec::new();
                connection.is_answered();
                false
            }
            Outcome::Begun if sent.len() < LONGEST => {
                if is_first {
                    self.begun.extend_from_slice(read);
                }
                false
            }
            Outcome::Lent => self.give_away(Owner::Borrower),
            Outcome::Begun | Outcome::Foreign => self.give_away(Owner::Library),
        }
    }

    /// What was read before goes first, and has what was just read at its end.
    fn give_away(&mut self, owner: Owner) -> bool {
        self.owner = owner;
        self.owed = mem::take(&mut self.begun);
        self.owed.is_empty()
    }

    /// What the library is owed, so many bytes at most.
    pub(super) fn pay(&mut self, most: usize) -> Vec<u8> {
        let rest = self.owed.split_off(most.min(self.owed.len()));
        mem::replace(&mut self.owed, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of what is read, piece by piece: `L` is the library's as it
    /// is, `-` is not; behind each, what the library is owed.
    fn shares(connection: &Connection, sharing: &mut Sharing, reads: &[(&str, Outcome)]) -> Vec<String> {
        let share = |(read, outcome): &(&str, Outcome)| {
            let is_for_library = sharing.is_for_library(read.as_bytes(), connection, |_| *outcome);
            let owed = String::from_utf8(sharing.pay(usize::MAX)).unwrap();
            format!("{}{owed}", if is_for_library { 'L' } else { '-' })
        };
        reads.iter().map(share).collect()
    }

    #[test]
    fn the_library_gets_all_of_what_the_shortcut_does_not_answer() {
        use Outcome::{Answered, Begun, Foreign};
        let (connection, mut sharing) = (Connection::default(), Sharing::default());

        let reads = [("whole", Answered), ("ha", Begun), ("lf", Answered), ("a", Begun), ("b", Begun), ("c", Foreign)];

        assert_eq!(shares(&connection, &mut sharing, &reads), ["-", "-", "-", "-", "-", "-abc"]);
        assert_eq!(shares(&connection, &mut sharing, &[("d", Answered), ("", Answered)]), ["L", "L"]);
    }

    #[test]
    fn a_request_that_ends_in_the_middle_is_the_librarys_to_complain_about() {
        let (connection, mut sharing) = (Connection::default(), Sharing::default());

        let reads = [("half", Outcome::Begun), ("", Outcome::Begun), ("", Outcome::Begun)];

        assert_eq!(shares(&connection, &mut sharing, &reads), ["-", "-half", "L"]);
    }

    #[test]
    fn a_beginning_has_its_bounds() {
        let (connection, mut sharing) = (Connection::default(), Sharing::default());
        let part = "a".repeat(LONGEST / 2);

        let shares = shares(&connection, &mut sharing, &[(&part, Outcome::Begun), (&part, Outcome::Begun)]);

        assert_eq!(shares, ["-".to_owned(), format!("-{part}{part}")]);
    }

    #[test]
    fn a_lent_request_comes_back_when_it_is_answered_and_not_before() {
        use Outcome::{Answered, Lent};
        let (connection, mut sharing) = (Connection::default(), Sharing::default());

        assert_eq!(shares(&connection, &mut sharing, &[("one", Lent)]), ["L"]);
        connection.is_answered();
        assert_eq!(shares(&connection, &mut sharing, &[("two", Answered), ("three", Lent)]), ["-", "L"]);
        assert_eq!(shares(&connection, &mut sharing, &[("four", Answered)]), ["L"], "it is not answered yet");
        connection.is_answered();
        assert_eq!(shares(&connection, &mut sharing, &[("five", Answered)]), ["L"], "four may be there in part");
    }

    #[test]
    fn nothing_comes_back_behind_a_last_answer_or_one_that_has_not_left() {
        for hold in [
            |connection: &Connection| connection.is_closing.set(true),
            |connection: &Connection| connection.is_writing.set(true),
        ] {
            let (connection, mut sharing) = (Connection::default(), Sharing::default());
            shares(&connection, &mut sharing, &[("one", Outcome::Lent)]);
            connection.is_answered();
            hold(&connection);
            assert_eq!(shares(&connection, &mut sharing, &[("two", Outcome::Answered)]), ["L"]);
        }
    }

    #[test]
    fn what_is_owed_is_paid_in_parts_where_there_is_little_room() {
        let (connection, mut sharing) = (Connection::default(), Sharing::default());
        sharing.is_for_library(b"abc", &connection, |_| Outcome::Begun);
        sharing.is_for_library(b"de", &connection, |_| Outcome::Foreign);

        assert_eq!([sharing.pay(2), sharing.pay(2), sharing.pay(2), sharing.pay(2)], [&b"ab"[..], b"cd", b"e", b""]);
    }
}
