//! Which file of `src` uses which, and the types that each one defines, read
//! from the text. A name that a module re-exports counts as a use of the file
//! that defines it, so that a `mod.rs` that only lists its files uses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::rust_tokens::{is_word, tokens, type_names};

/// A path of modules below the crate's root, and what follows it.
type ModulePath = Vec<String>;

/// One file of `src`, without its tests.
#[derive(Debug)]
pub struct SourceFile {
    /// Where it is.
    pub path: String,
    /// How many lines it has, with its tests.
    pub lines: usize,
    /// The names of its types.
    pub types: Vec<String>,
    module: ModulePath,
    /// Names that `use` brings in, and where they lead.
    imports: BTreeMap<String, ModulePath>,
    /// Modules of which `use` brings in everything.
    globs: Vec<ModulePath>,
    /// Names that `pub use` passes on, and where they lead.
    exports: BTreeMap<String, ModulePath>,
    /// Every path that the text names outside `pub use`.
    paths: BTreeSet<ModulePath>,
}

/// The files of `src`, and the arrows between them.
#[derive(Debug)]
pub struct SourceGraph {
    /// Every file that is not of tests alone.
    pub files: Vec<SourceFile>,
    /// Pairs of paths: the first uses the second.
    pub uses: BTreeSet<(String, String)>,
}

impl SourceGraph {
    /// Reads a folder with a crate's `lib.rs`.
    pub fn read(root: &str) -> Self {
        let mut files = Vec::new();
        read_folder(Path::new(root), &ModulePath::new(), &mut files);
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let modules: BTreeMap<ModulePath, usize> =
            files.iter().enumerate().map(|(at, file)| (file.module.clone(), at)).collect();
        let mut uses = BTreeSet::new();
        for file in &files {
            for path in file.paths.iter().chain(&file.globs) {
                let user = resolve(&files, &modules, file, path).filter(|used| *used != file.path);
                uses.extend(user.map(|used| (file.path.clone(), used)));
            }
        }
        Self { files, uses }
    }

    /// Arrows by which a file uses one that uses it, directly or through others.
    pub fn circular(&self) -> Vec<(&str, &str)> {
        let arrows: Vec<(&str, &str)> = self.uses.iter().map(|(user, used)| (user.as_str(), used.as_str())).collect();
        let mut used_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        arrows.iter().for_each(|(user, used)| used_by.entry(user).or_default().push(used));
        let reached_from = |start| {
            let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
            while let Some(path) = open.pop() {
                open.extend(used_by.get(path).into_iter().flatten().filter(|used| reached.insert(**used)));
            }
            reached
        };
        let reached: BTreeMap<&str, BTreeSet<&str>> = used_by.keys().map(|path| (*path, reached_from(*path))).collect();
        arrows.into_iter().filter(|(user, used)| reached.get(used).is_some_and(|all| all.contains(user))).collect()
    }

    /// The names of types that are defined more than once, with the files.
    pub fn ambiguous_types(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut types: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for file in &self.files {
            file.types.iter().for_each(|name| types.entry(name).or_default().push(&file.path));
        }
        types.retain(|_, files| files.len() > 1);
        types
    }
}

fn read_folder(folder: &Path, module: &[String], files: &mut Vec<SourceFile>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let child: ModulePath = module.iter().cloned().chain([stem.clone()]).collect();
        if path.is_dir() {
            read_folder(&path, &child, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") && stem != "tests" {
            let text = fs::read_to_string(&path).unwrap();
            let module = if ["lib", "mod"].contains(&&*stem) { module.to_vec() } else { child };
            files.push(SourceFile::parse(path.display().to_string(), module, &text));
        }
    }
}

/// The file that defines what `path` names, as `file` sees it; `None` for
/// what is no module of this crate.
fn resolve(
    files: &[SourceFile],
    modules: &BTreeMap<ModulePath, usize>,
    file: &SourceFile,
    path: &[String],
) -> Option<String> {
    let absolute = file.absolute(path, &|module| modules.contains_key(module))?;
    follow(files, modules, &absolute, 0)
}

fn follow(
    files: &[SourceFile],
    modules: &BTreeMap<ModulePath, usize>,
    path: &[String],
    passed_on: usize,
) -> Option<String> {
    let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
    let file = &files[modules[&path[..length]]];
    let is_passed_on = path
        .get(length)
        .and_then(|name| file.exports.get(name).or_else(|| file.imports.get(name)))
        .filter(|_| passed_on < 8);
    let target = is_passed_on.and_then(|target| {
        let rest = target.iter().chain(&path[length + 1..]).cloned().collect::<Vec<_>>();
        file.absolute(&rest, &|module| modules.contains_key(module))
    });
    match target {
        Some(target) => follow(files, modules, &target, passed_on + 1),
        // The module itself, imported by name: what is used of it is named where it is used.
        None if length == path.len() && !file.is_leaf() => None,
        None => Some(file.path.clone()),
    }
}

impl SourceFile {
    fn parse(path: String, module: ModulePath, text: &str) -> Self {
        let lines = text.lines().count();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let tokens = tokens(code);
        let mut file = Self {
            path,
            lines,
            types: type_names(&tokens),
            module,
            imports: BTreeMap::new(),
            globs: Vec::new(),
            exports: BTreeMap::new(),
            paths: BTreeSet::new(),
        };
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at] == "use"
                && at.checked_sub(1).is_none_or(|before| ["}", ";", ")", "pub", "]"].contains(&&*tokens[before]))
            {
                let is_export = at > 0 && ["pub", ")"].contains(&&*tokens[at - 1]);
                let end = at + tokens[at..].iter().position(|token| token == ";").unwrap();
                let mut rest = &tokens[at + 1..end];
                file.read_use_tree(&[], &mut rest, is_export);
                at = end;
            } else if tokens.get(at + 1).is_some_and(|next| next == "::") && is_word(&tokens[at]) {
                let mut path = vec![tokens[at].clone()];
                while tokens.get(at + 1).is_some_and(|next| next == "::") && is_word(&tokens[at + 2]) {
                    path.push(tokens[at + 2].clone());
                    at += 2;
                }
                file.paths.insert(path);
            }
            at += 1;
        }
        file
    }

    fn read_use_tree(&mut self, before: &[String], rest: &mut &[String], is_export: bool) {
        let mut path = before.to_vec();
        while let Some((token, after)) = rest.split_first() {
            *rest = after;
            match token.as_str() {
                "::" => {}
                "{" => {
                    while rest.first().is_some_and(|token| token != "}") {
                        self.read_use_tree(&path, rest, is_export);
                    }
                    *rest = &rest[1..];
                    rest.first().filter(|token| *token == ",").inspect(|_| *rest = &rest[1..]);
                    return;
                }
                "*" => self.globs.push(path.clone()),
                "," => break,
                "as" => {
                    self.import(&rest[0], &path, is_export);
                    *rest = &rest[1..];
                    rest.first().filter(|token| *token == ",").inspect(|_| *rest = &rest[1..]);
                    return;
                }
                "self" if !path.is_empty() => {}
                word => path.push(word.to_owned()),
            }
            if rest.first().is_some_and(|token| token == "}") {
                break;
            }
        }
        if let Some(name) = path.last().cloned() {
            self.import(&name, &path, is_export);
        }
    }

    fn import(&mut self, name: &str, path: &[String], is_export: bool) {
        let names = if is_export { &mut self.exports } else { &mut self.imports };
        names.insert(name.to_owned(), path.to_vec());
        if !is_export {
            self.paths.insert(path.to_vec());
        }
    }

    /// The path from the crate's root.
    fn absolute(&self, path: &[String], is_module: &dyn Fn(&[String]) -> bool) -> Option<ModulePath> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" | "keyfob" => ModulePath::new(),
            "self" => self.module.clone(),
            "super" => self.module[..self.module.len().checked_sub(1)?].to_vec(),
            name => {
                let child: ModulePath = self.module.iter().cloned().chain([name.to_owned()]).collect();
                match self.imports.get(name).filter(|target| target.first() != Some(first)) {
                    Some(target) => self.absolute(target, is_module)?,
                    None if is_module(&child) => child,
                    None => return None,
                }
            }
        };
        for name in rest {
            match name.as_str() {
                "super" => drop(base.pop()),
                _ => base.push(name.clone()),
            }
        }
        Some(base)
    }

    fn is_leaf(&self) -> bool {
        !self.path.ends_with("/mod.rs") && !self.path.ends_with("/lib.rs")
    }
}
