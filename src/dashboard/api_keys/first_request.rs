//! The command that a new key is tried with: one line for a shell, ready to be
//! pasted.

use crate::domain::api_key::ApiKey;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::management::ManagementScope;

/// The service whose keys send messages.
pub(in crate::dashboard) const SMS: &str = "sms";
/// A number that is nobody's: those from +44 7700 900000 to 900999 are kept for
/// drama (Ofcom).
const NOBODYS: &str = "+447700900123";
/// The same, and one that the sandbox delivers to.
pub(in crate::dashboard) const REHEARSED: &str = "+447700900990";

/// What leads to the command, and the command; `rehearsed` says whether the sandbox
/// gets the message.
pub(super) fn first_request(
    base_url: &str,
    key: &ApiKey,
    secret: &KeySecret,
    rehearsed: bool,
) -> (&'static str, String) {
    let json = "Content-Type: application/json";
    let authorization = format!("Authorization: Bearer {}", secret.expose());
    if key.is_for_management() {
        return first_management_request(base_url, key, secret, &authorization);
    }
    if key.service != SMS {
        let body = format!(r#"{{"key":"{}"}}"#, secret.expose());
        let url = format!("{base_url}/v1/keys/verify");
        return ("Try it:", command(&["curl", &url, "-H", json, "-d", &body]));
    }
    let (invitation, to) = if rehearsed {
        ("Rehearse a first message (it reaches no phone):", REHEARSED)
    } else {
        ("Replace the number with yours and run:", NOBODYS)
    };
    let body = format!(r#"{{"to":"{to}","text":"Hello from Keyfob"}}"#);
    let url = format!("{base_url}/v1/sms/messages");
    (invitation, command(&["curl", &url, "-H", &authorization, "-H", json, "-d", &body]))
}

/// What a management key is tried with changes nothing, and is within its scopes.
fn first_management_request(
    base_url: &str,
    key: &ApiKey,
    secret: &KeySecret,
    authorization: &str,
) -> (&'static str, String) {
    let may = |scope: ManagementScope| key.scopes.names().any(|name| name == scope.as_str());
    if may(ManagementScope::KeysRead) {
        return ("List keys with it:", command(&["curl", &format!("{base_url}/v1/keys"), "-H", authorization]));
    }
    if may(ManagementScope::Introspect) {
        let (url, user) = (format!("{base_url}/v1/introspect"), format!("{}:{}", key.id, secret.expose()));
        let words = ["curl", &url, "-u", &user, "-d", "token=KEY"];
        return ("Put an API key in the place of KEY and run:", command(&words));
    }
    let url = format!("{base_url}/v1/keys/current");
    ("See what it may do:", command(&["curl", &url, "-H", authorization]))
}

/// A line that a shell takes apart into these words and no others.
fn command(words: &[&str]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/:.,@%+_-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_each_word_as_it_was() {
        for word in
            ["", "plain", "http://[::1]:8080/v1", "two words", "it's", r#"{"a":"$HOME `id` \n"}"#, "a\nb", "*", "!x"]
        {
            let output = Command::new("sh").args(["-c", &command(&["printf", "%s", word])]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), word);
        }
    }

    #[test]
    fn what_needs_no_quotes_has_none() {
        assert_eq!(
            command(&["curl", "http://127.0.0.1:8080/v1/sms/messages", "-H"]),
            "curl http://127.0.0.1:8080/v1/sms/messages -H"
        );
    }
}
