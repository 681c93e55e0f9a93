//! The keyboard.

use serde_json::{Value, json};

use super::Browser;

impl Browser {
    /// Presses a key or a chord: `"Tab"`, `"Shift+Tab"`, `"Escape"`, `"Ctrl+V"`, `"a"`.
    #[track_caller]
    pub fn press(&self, chord: &str) {
        let keys: Vec<String> = match chord {
            "+" => vec!["+".to_owned()],
            chord => chord.split('+').map(|name| code(name, chord)).collect(),
        };
        let down = keys.iter().map(|key| stroke("keyDown", key));
        let up = keys.iter().rev().map(|key| stroke("keyUp", key));
        let actions: Vec<Value> = down.chain(up).collect();
        self.act(&json!({ "type": "key", "id": "keyboard", "actions": actions }));
    }

    /// Performs the actions of one input device.
    #[track_caller]
    pub(super) fn act(&self, device: &Value) {
        self.post("actions", &json!({ "actions": [device] }));
    }
}

fn stroke(kind: &str, key: &str) -> Value {
    json!({ "type": kind, "value": key })
}

/// The character `WebDriver` knows a key by. A letter in a chord is the key, not its capital.
#[track_caller]
fn code(name: &str, chord: &str) -> String {
    let special = match name {
        "Backspace" => '\u{e003}',
        "Tab" => '\u{e004}',
        "Enter" => '\u{e007}',
        "Shift" => '\u{e008}',
        "Ctrl" => '\u{e009}',
        "Alt" => '\u{e00a}',
        "Escape" => '\u{e00c}',
        "Space" => ' ',
        "End" => '\u{e010}',
        "Home" => '\u{e011}',
        "ArrowLeft" => '\u{e012}',
        "ArrowUp" => '\u{e013}',
        "ArrowRight" => '\u{e014}',
        "ArrowDown" => '\u{e015}',
        "Delete" => '\u{e017}',
        letter if letter.chars().count() == 1 && letter == chord => return letter.to_owned(),
        letter if letter.chars().count() == 1 => return letter.to_lowercase(),
        _ => panic!("{name:?} in {chord:?} is no key this client knows"),
    };
    special.to_string()
}
