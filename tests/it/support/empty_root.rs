//! A root file system with the static program and `/data` in it, and nothing else, as a
//! container image has it: read-only but for `/data`. Of what every container engine adds, it
//! has the random numbers. Who runs the tests as root gets a user
//! of the program's own, others a user namespace, where they are the only user.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Ended, Process};

/// Written by `tests/deploy/static_program`, which `tests/run` calls.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/static/keyfob");

/// The user of the image.
pub const IMAGE_USER: u32 = 65532;

/// Mounts the root and becomes the program in it, so that a signal reaches the program.
const ENTER: &str = r#"
set -e
root=$1 program=$2 data=$3 etc=$4 user=$5
shift 5
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir "$root/data" "$root/dev" "$root/etc"
touch "$root/keyfob" "$root/dev/random" "$root/dev/urandom"
for name in random urandom; do mount --bind "/dev/$name" "$root/dev/$name"; done
cp "$etc"/* "$root/etc/" 2>/dev/null || true
mount --bind "$program" "$root/keyfob"
mount --bind "$data" "$root/data"
mount -o remount,ro "$root"
if [ "$user" = own ]; then exec setpriv --no-new-privs chroot "$root" /keyfob "$@"; fi
exec setpriv --no-new-privs chroot --userspec="$user:$user" --groups= "$root" /keyfob "$@"
"#;

/// Removed when the test ends.
pub struct EmptyRoot {
    folder: TempDir,
    user: u32,
}

impl EmptyRoot {
    /// One whose `/data` belongs to this user, who runs the program too.
    pub fn of(user: u32) -> Self {
        assert!(
            Path::new(PROGRAM).exists(),
            "the static program is missing: run tests/deploy/static_program, as tests/run does"
        );
        let root = Self { folder: tempfile::tempdir().unwrap(), user };
        for name in ["root", "data", "etc"] {
            fs::create_dir(root.folder.path().join(name)).unwrap();
        }
        root.give_data_to(user);
        root
    }

    /// What `/data` is outside.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Changes who owns `/data`, where the tests may.
    pub fn give_data_to(&self, user: u32) {
        if is_root() {
            chown(self.data(), Some(user), Some(user)).unwrap();
        }
    }

    /// Adds a file to the root's `/etc`.
    pub fn with_etc(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join("etc").join(name), text).unwrap();
        self
    }

    /// The program with these settings of the environment and no others, but with the image's
    /// database.
    pub fn keyfob(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new("unshare");
        let user = if is_root() {
            command.args(["--mount", "--propagation", "private"]);
            self.user.to_string()
        } else {
            command.args(["--user", "--map-root-user", "--mount", "--propagation", "private"]);
            "own".to_owned()
        };
        let part = |name: &str| self.folder.path().join(name);
        command.args(["sh", "-c", ENTER, "sh"]);
        command.args([part("root"), PROGRAM.into(), self.data(), part("etc")]).arg(user).args(arguments);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("DATABASE_URL", "sqlite:/data/keyfob.db");
        command.envs(settings.iter().copied());
        command
    }

    /// Serves on a free port.
    pub fn serve(&self, settings: &[(&str, &str)]) -> Process {
        Process::spawn(self.keyfob(&["serve"], settings).env("KEYFOB_LISTEN", "127.0.0.1:0"))
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Process::spawn(&mut self.keyfob(arguments, &[])).end()
    }
}

/// Whether the tests may become other users.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
