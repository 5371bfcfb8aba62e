//! Files that are written by a program and committed: `cargo xtask generate` writes them, `--check` compares.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process::{cargo, output};

/// Where the generated text goes, relative to the root.
enum Place {
    /// It is the whole file.
    File(&'static str),
    /// It stands between `<!-- generated NAME -->` and `<!-- end NAME -->` in a page.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "no part of a page is generated yet")
    )]
    Section(&'static str),
}

/// One generated text: the standard output of `cargo ARGS`.
struct Generator {
    name: &'static str,
    place: Place,
    args: &'static [&'static str],
}

/// Every generated text. Add a line here; nothing else needs to know.
///
/// ```ignore
/// Generator {
///     name: "crds",
///     place: Place::File("deploy/manifests/10-crds.yaml"),
///     args: &["run", "--quiet", "--package", "ibn-cli", "--", "crds"],
/// }
/// ```
const GENERATORS: &[Generator] = &[
    Generator {
        name: "diagnostics",
        place: Place::File("docs/diagnostics.md"),
        args: &[
            "run",
            "--quiet",
            "--package",
            "ibn-core",
            "--example",
            "diagnostics_page",
        ],
    },
    Generator {
        name: "crds",
        place: Place::File("deploy/manifests/10-crds.yaml"),
        args: &["run", "--quiet", "--package", "ibn-cli", "--", "crds"],
    },
    Generator {
        name: "crds of the chart",
        place: Place::File("deploy/chart/crds/crds.yaml"),
        args: &["run", "--quiet", "--package", "ibn-cli", "--", "crds"],
    },
];

/// Writes every generated text, or fails where one on disk differs.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let mut stale = Vec::new();
    for generator in GENERATORS {
        let text = String::from_utf8(output(&mut cargo(root, generator.args))?)
            .with_context(|| format!("generator `{}` wrote no UTF-8", generator.name))?;
        if update(root, generator, &text, check)? {
            stale.push(generator.name);
        }
    }
    if check && !stale.is_empty() {
        bail!(
            "out of date: {}; run `cargo xtask generate`",
            stale.join(", ")
        );
    }
    Ok(())
}

/// Whether the text on disk differed; it is replaced unless `check`.
fn update(root: &Path, generator: &Generator, text: &str, check: bool) -> Result<bool> {
    let (Place::File(place) | Place::Section(place)) = generator.place;
    let path = root.join(place);
    let old = match std::fs::read_to_string(&path) {
        Ok(old) => old,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{place}`")),
    };
    let new = match generator.place {
        Place::File(_) => text.to_owned(),
        Place::Section(_) => replace_section(&old, generator.name, text)
            .with_context(|| format!("`{place}` has no section `{}`", generator.name))?,
    };
    if new == old {
        return Ok(false);
    }
    if !check {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let beside = path.with_extension("part");
        std::fs::write(&beside, new)?;
        std::fs::rename(&beside, &path)?;
        eprintln!("wrote {place}");
    }
    Ok(true)
}

/// The page with the text between the two markers replaced; none when a marker is missing.
fn replace_section(page: &str, name: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- generated {name} -->\n"))?;
    let (_, after) = rest.split_once(&format!("<!-- end {name} -->"))?;
    let text = text.trim_end();
    Some(format!(
        "{before}<!-- generated {name} -->\n{text}\n<!-- end {name} -->{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Generator = Generator {
        name: "crds",
        place: Place::File("deploy/crds.yaml"),
        args: &[],
    };
    const PART: Generator = Generator {
        name: "codes",
        place: Place::Section("docs/codes.md"),
        args: &[],
    };

    #[test]
    fn a_file_is_written_once_and_then_up_to_date() {
        let root = tempfile::tempdir().unwrap();
        assert!(update(root.path(), &WHOLE, "a: 1\n", false).unwrap());
        assert!(!update(root.path(), &WHOLE, "a: 1\n", true).unwrap());
        assert_eq!(
            std::fs::read_to_string(root.path().join("deploy/crds.yaml")).unwrap(),
            "a: 1\n"
        );
    }

    #[test]
    fn a_check_reports_a_difference_and_writes_nothing() {
        let root = tempfile::tempdir().unwrap();
        assert!(update(root.path(), &WHOLE, "a: 1\n", true).unwrap());
        assert!(!root.path().join("deploy").exists());
    }

    #[test]
    fn a_section_leaves_the_rest_of_the_page_alone() {
        let root = tempfile::tempdir().unwrap();
        let page = root.path().join("docs/codes.md");
        std::fs::create_dir(root.path().join("docs")).unwrap();
        std::fs::write(
            &page,
            "# Codes\n<!-- generated codes -->\n<!-- end codes -->\nmore\n",
        )
        .unwrap();
        assert!(update(root.path(), &PART, "| E1 |\n", false).unwrap());
        assert_eq!(
            std::fs::read_to_string(&page).unwrap(),
            "# Codes\n<!-- generated codes -->\n| E1 |\n<!-- end codes -->\nmore\n"
        );
        assert!(!update(root.path(), &PART, "| E1 |\n", true).unwrap());
    }

    #[test]
    fn a_page_without_the_section_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let error = update(root.path(), &PART, "x", false).unwrap_err();
        assert_eq!(error.to_string(), "`docs/codes.md` has no section `codes`");
    }
}
