//! Every file of `examples/` and `benches/` is a target, so that none is left out of the build.

use cargo_metadata::{Metadata, Package, Target};

use super::Finding;

/// A folder of single-file targets: the package, and what its files are.
struct Folder {
    package: &'static str,
    path: &'static str,
    what: &'static str,
    is: fn(&Target) -> bool,
}

const FOLDERS: &[Folder] = &[
    Folder {
        package: "ibn-examples",
        path: "examples/",
        what: "[[example]]",
        is: Target::is_example,
    },
    Folder {
        package: "ibn-benches",
        path: "benches/",
        what: "[[bench]]",
        is: Target::is_bench,
    },
];

pub(super) fn check(metadata: &Metadata, tracked: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in FOLDERS {
        let package = metadata
            .workspace_packages()
            .into_iter()
            .find(|it| it.name == folder.package);
        let known = package
            .map(|package| files_of(package, folder))
            .unwrap_or_default();
        for path in tracked {
            if is_direct_source(path, folder.path) && !known.iter().any(|it| it.ends_with(path)) {
                findings.push(Finding::error(
                    path,
                    format!("is no {} of {}", folder.what, folder.package),
                ));
            }
        }
    }
    findings
}

fn files_of(package: &Package, folder: &Folder) -> Vec<String> {
    let targets = package.targets.iter().filter(|target| (folder.is)(target));
    targets
        .map(|target| format!("/{}", target.src_path).replace('\\', "/"))
        .collect()
}

fn is_direct_source(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|name| name.ends_with(".rs") && !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_right_in_the_folder_are_targets() {
        assert!(is_direct_source("examples/quickstart.rs", "examples/"));
        assert!(!is_direct_source("examples/data/lib.rs", "examples/"));
        assert!(!is_direct_source("examples/README.md", "examples/"));
        assert!(!is_direct_source("ibn-core/examples/a.rs", "examples/"));
    }
}
