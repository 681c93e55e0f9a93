//! Puts the files of `static/` into the binary, compressed and under a URL
//! that changes with their content, so that browsers may keep them for ever;
//! the licences, compressed too; and notes whether SQLite is built with its flags.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Placeholder in CSS and JavaScript for another file's URL: `asset:font.woff2`. It becomes
/// relative to the file that names it, so that it holds below a path of the host as well.
const REFERENCE: &str = "asset:";

/// What `keyfob licenses` prints, in this order.
const LICENCES: [&str; 2] = ["LICENSE", "THIRD-PARTY-NOTICES"];

/// Where SQLite's flags are written down, for cargo and for this script.
const SQLITE_FLAGS: &str = ".cargo/config.toml";

struct Asset {
    name: String,
    url: String,
    content: Vec<u8>,
}

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=static");
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=templates");
    note_sqlite_flags()?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("no OUT_DIR"))?);

    let mut assets: Vec<Asset> = Vec::new();
    for (name, content) in files()? {
        let content = resolve_references(content, &assets);
        let url = hashed_url(&name, &content);
        assets.push(Asset { name, url, content });
    }
    fs::write(out.join("assets.rs"), table(&assets, &out)?)?;
    fs::write(out.join("licences.gz"), gzip(&licences()?)?)
}

/// Cargo reads `.cargo/config.toml` where it is started and not where the sources are, so
/// `cargo install --git` and builds from another folder leave SQLite's flags out. Cargo may
/// hide the warning of a build from elsewhere, so the program is told as well.
fn note_sqlite_flags() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=LIBSQLITE3_FLAGS");
    println!("cargo::rerun-if-changed={SQLITE_FLAGS}");
    let given = std::env::var("LIBSQLITE3_FLAGS").unwrap_or_default();
    let written = fs::read_to_string(SQLITE_FLAGS)?;
    let mut flags = written.split(['"', ' ', '\n']).filter(|word| word.starts_with("-D") || word.starts_with("-U"));
    let are_all_given = flags.all(|flag| given.split_whitespace().any(|word| word == flag));
    println!("cargo::rustc-env=BUILT_WITH_SQLITE_FLAGS={}", if are_all_given { "given" } else { "missing" });
    if !are_all_given {
        println!(
            "cargo::warning=SQLite is built without the flags in {SQLITE_FLAGS}: Keyfob is as safe, but slower. \
             Start cargo in Keyfob's own folder, or set LIBSQLITE3_FLAGS as that file does."
        );
    }
    Ok(())
}

fn licences() -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    for name in LICENCES {
        println!("cargo::rerun-if-changed={name}");
        all.extend(fs::read(name)?);
        all.push(b'\n');
    }
    Ok(all)
}

/// Every file to serve: what is referred to first, then the one style sheet.
fn files() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for path in sorted(Path::new("static"))? {
        let served = path.extension().is_some_and(|kind| kind != "md");
        if path.is_file() && served {
            files.push((file_name(&path), fs::read(&path)?));
        }
    }
    let mut css = Vec::new();
    for path in sorted(Path::new("static/css"))? {
        css.extend(fs::read(path)?);
        css.push(b'\n');
    }
    files.push(("app.css".to_owned(), css));
    Ok(files)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn resolve_references(content: Vec<u8>, known: &[Asset]) -> Vec<u8> {
    match String::from_utf8(content) {
        Ok(text) => known
            .iter()
            .fold(text, |text, asset| {
                let url = asset.url.rsplit('/').next().unwrap_or_default();
                text.replace(&format!("{REFERENCE}{}", asset.name), url)
            })
            .into_bytes(),
        Err(binary) => binary.into_bytes(),
    }
}

fn hashed_url(name: &str, content: &[u8]) -> String {
    let hash: String = Sha256::digest(content).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    match name.rsplit_once('.') {
        Some((stem, kind)) => format!("/static/{stem}.{hash}.{kind}"),
        None => format!("/static/{name}.{hash}"),
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn table(assets: &[Asset], out: &Path) -> io::Result<String> {
    let mut code = String::from("&[\n");
    for Asset { name, url, content } in assets {
        let kind = content_type(name);
        let plain = store(out, name, "plain", content)?;
        let (br, gz) = if kind == "font/woff2" {
            ("None".to_owned(), "None".to_owned()) // compressed already
        } else {
            let br = store(out, name, "br", &brotli(content)?)?;
            let gz = store(out, name, "gz", &gzip(content)?)?;
            (format!("Some({br})"), format!("Some({gz})"))
        };
        let _ = writeln!(
            code,
            "Asset {{ name: {name:?}, url: {url:?}, content_type: {kind:?}, plain: {plain}, br: {br}, gz: {gz} }},"
        );
    }
    code.push(']');
    Ok(code)
}

fn store(out: &Path, name: &str, encoding: &str, content: &[u8]) -> io::Result<String> {
    let path = out.join(format!("{name}.{encoding}"));
    fs::write(&path, content)?;
    Ok(format!("include_bytes!({:?})", path.display().to_string()))
}

fn brotli(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let settings = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut &content[..], &mut packed, &settings)?;
    Ok(packed)
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}
