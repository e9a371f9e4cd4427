//! Where the library's files go, for `cargo xtask c` and for the tests that link with what it installs.

use std::fs;
use std::io;
use std::path::Path;

/// What a program needs beside the static library.
pub const PRIVATE: &str =
    if cfg!(target_os = "macos") { "-lSystem -lm" } else { "-lgcc_s -lpthread -lm -ldl -lc" };

/// The version of structs and functions, by which the shared library is named.
fn abi_version() -> &'static str {
    let source = include_str!("../src/structs.rs");
    let rest = source.split("ABI_VERSION: u32 = ").nth(1).unwrap_or_default();
    rest.split(';').next().unwrap_or_default()
}

/// Copies the libraries from the folder that cargo built them in, writes headers and the files of pkg-config and CMake.
///
/// # Errors
/// Those of the files, with their paths.
pub fn install(built: &Path, prefix: &Path, version: &str) -> io::Result<()> {
    let shared = match cfg!(target_os = "macos") {
        true => [
            format!("libintnacl.{}.dylib", abi_version()),
            "libintnacl.dylib".into(),
            "libintnacl_c.dylib".into(),
        ],
        false => {
            [format!("libintnacl.so.{}", abi_version()), "libintnacl.so".into(), "libintnacl_c.so".into()]
        }
    };
    let [shared, link, built_as] = shared;
    let compatible =
        version.rsplit_once('.').map_or(version, |(compatible, _)| compatible).replace('.', "\\\\.");
    let filled = |template: &str| {
        let words = [
            ("@version@", version),
            ("@compatible@", &compatible),
            ("@shared@", &shared),
            ("@private@", PRIVATE),
        ];
        words.iter().fold(template.to_owned(), |text, (name, word)| text.replace(name, word))
    };
    let lib = prefix.join("lib");
    for (folder, name, text) in [
        ("include", "intnacl.h", include_str!("../include/intnacl.h").to_owned()),
        ("include", "intnacl.hpp", include_str!("../include/intnacl.hpp").to_owned()),
        ("lib/pkgconfig", "intnacl.pc", filled(include_str!("intnacl.pc.in"))),
        ("lib/cmake/intnacl", "intnacl-config.cmake", filled(include_str!("intnacl-config.cmake.in"))),
        (
            "lib/cmake/intnacl",
            "intnacl-config-version.cmake",
            filled(include_str!("intnacl-config-version.cmake.in")),
        ),
    ] {
        let folder = prefix.join(folder);
        named(&folder, fs::create_dir_all(&folder))?;
        named(&folder, fs::write(folder.join(name), text))?;
    }
    for (from, to) in [("libintnacl_c.a", "libintnacl.a"), (&built_as, &shared)] {
        let (from, to) = (built.join(from), lib.join(to));
        // A program that runs may have the old one open.
        let _ = fs::remove_file(&to);
        named(&from, fs::copy(&from, &to).map(drop))?;
    }
    let link = lib.join(link);
    let _ = fs::remove_file(&link);
    named(&link, symlink(&shared, &link))
}

#[cfg(unix)]
fn symlink(to: &str, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, link)
}

#[cfg(not(unix))]
fn symlink(_: &str, _: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "the library is installed on Linux and macOS alone"))
}

fn named(path: &Path, result: io::Result<()>) -> io::Result<()> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
