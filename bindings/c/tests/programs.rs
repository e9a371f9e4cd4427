//! Programs in C and C++ against the library as `cargo xtask c` installs it: compiled without a warning, run alone and where every
//! access to memory is watched. What a machine does not have is said, and skipped.

#![cfg(unix)]

#[path = "../install/mod.rs"]
mod install;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs");
const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-g"];

/// The library, installed once for all tests.
static PREFIX: LazyLock<PathBuf> = LazyLock::new(|| {
    let prefix = scratch("prefix");
    // Where cargo left this program, it left the libraries.
    let built = std::env::current_exe().expect("this program").parent().expect("its folder").to_path_buf();
    install::install(&built, &prefix, env!("CARGO_PKG_VERSION")).expect("installed");
    prefix
});

/// An empty folder.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn skipped(what: &str) {
    eprintln!("skipped: {what}");
}

/// The compiler that the variables CC and CXX name, or the system's.
fn compiler(cpp: bool) -> Option<Command> {
    let target = std::env::consts::ARCH.to_owned()
        + if cfg!(target_os = "macos") { "-apple-darwin" } else { "-unknown-linux-gnu" };
    let mut build = cc::Build::new();
    build.cpp(cpp).target(&target).host(&target).opt_level(1).cargo_metadata(false).cargo_warnings(false);
    let compiler = build.try_get_compiler().ok()?.to_command();
    let works = Command::new(compiler.get_program())
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    works.then_some(compiler)
}

/// How a program is linked.
#[derive(Clone, Copy, PartialEq)]
enum Link {
    Shared,
    Static,
}

/// The words with which a program finds the library.
fn words(link: Link) -> Vec<String> {
    let lib = PREFIX.join("lib");
    let mut words = vec![format!("-I{}", PREFIX.join("include").display())];
    match link {
        Link::Shared => words.extend([
            format!("-L{}", lib.display()),
            "-lintnacl".into(),
            format!("-Wl,-rpath,{}", lib.display()),
            "-lm".into(),
        ]),
        Link::Static => {
            words.push(lib.join("libintnacl.a").display().to_string());
            words.extend(install::PRIVATE.split(' ').map(str::to_owned));
        }
    }
    words
}

/// Compiles a source; nothing where there is no compiler.
fn compiled(source: &Path, name: &str, link: Link, more: &[&str]) -> Option<PathBuf> {
    let cpp = source.extension().is_some_and(|extension| extension == "cpp");
    let Some(mut compiler) = compiler(cpp) else {
        skipped("there is no compiler for C and C++");
        return None;
    };
    let program = scratch(name).join("program");
    compiler
        .args(STRICT)
        .arg(if cpp { "-std=c++17" } else { "-std=c11" })
        .args(more)
        .arg(source)
        .arg("-o")
        .arg(&program);
    let output = compiler.args(words(link)).output().expect("the compiler");
    assert!(output.status.success(), "{}", said(&output));
    Some(program)
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

/// Runs a program that has to succeed.
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said(&output));
    said(&output)
}

fn there_is(program: &str) -> bool {
    let is_there =
        Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_there {
        skipped(&format!("there is no {program}"));
    }
    is_there
}

#[test]
fn programs_in_c_and_cpp_hold() {
    for (source, link) in [
        ("values.c", Link::Shared),
        ("values.c", Link::Static),
        ("judge.c", Link::Shared),
        ("wrapper.cpp", Link::Shared),
    ] {
        let name = format!("{source}-{}", if link == Link::Static { "static" } else { "shared" });
        let Some(program) = compiled(&Path::new(SOURCES).join(source), &name, link, &[]) else { return };
        assert!(succeeds(&mut Command::new(program)).contains("all as expected"), "{name}");
    }
}

#[test]
fn the_header_is_cpp_too() {
    let Some(mut compiler) = compiler(true) else { return skipped("there is no compiler for C++") };
    let source = scratch("header").join("header.cpp");
    fs::write(
        &source,
        "#include <intnacl.h>\nint main() { return intnacl_abi_version() != INTNACL_ABI_VERSION; }\n",
    )
    .expect("a source");
    let program = source.with_extension("program");
    compiler.args(STRICT).arg("-std=c++17").arg(&source).arg("-o").arg(&program).args(words(Link::Shared));
    succeeds(&mut compiler);
    succeeds(&mut Command::new(program));
}

#[test]
fn address_sanitizer_finds_nothing() {
    const SANITIZED: &str = "-fsanitize=address,undefined";
    let empty = scratch("sanitizer").join("empty.c");
    fs::write(&empty, "int main(void) { return 0; }\n").expect("a source");
    let Some(mut probe) = compiler(false) else { return skipped("there is no compiler for C") };
    if !probe
        .arg(SANITIZED)
        .arg(&empty)
        .arg("-o")
        .arg(empty.with_extension("program"))
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return skipped("the compiler has no AddressSanitizer");
    }
    for source in ["values.c", "judge.c", "wrapper.cpp"] {
        let more = [SANITIZED, "-fno-sanitize-recover=all"];
        let Some(program) =
            compiled(&Path::new(SOURCES).join(source), &format!("{source}-sanitized"), Link::Shared, &more)
        else {
            return;
        };
        assert!(succeeds(&mut Command::new(program)).contains("all as expected"), "{source}");
    }
}

#[test]
fn valgrind_finds_nothing() {
    if !there_is("valgrind") {
        return;
    }
    let Some(program) =
        compiled(&Path::new(SOURCES).join("values.c"), "values.c-valgrind", Link::Shared, &[])
    else {
        return;
    };
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite", "--quiet"]);
    assert!(succeeds(valgrind.arg(program)).contains("all as expected"));
}

#[test]
fn pkg_config_has_the_words() {
    if !there_is("pkg-config") {
        return;
    }
    let mut pkg_config = Command::new("pkg-config");
    pkg_config.env("PKG_CONFIG_PATH", PREFIX.join("lib/pkgconfig"));
    let found = succeeds(pkg_config.args(["--cflags", "--libs", "intnacl"]));
    let version = succeeds(
        Command::new("pkg-config")
            .env("PKG_CONFIG_PATH", PREFIX.join("lib/pkgconfig"))
            .args(["--modversion", "intnacl"]),
    );
    assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"));
    let Some(mut compiler) = compiler(false) else { return skipped("there is no compiler for C") };
    let program = scratch("pkg-config").join("program");
    compiler
        .arg(Path::new(SOURCES).join("values.c"))
        .arg("-o")
        .arg(&program)
        .args(found.split_whitespace())
        .arg("-lm");
    succeeds(&mut compiler);
    // A library that is found by its name alone has the name that programs ask for.
    succeeds(
        Command::new(program)
            .env("LD_LIBRARY_PATH", PREFIX.join("lib"))
            .env("DYLD_LIBRARY_PATH", PREFIX.join("lib")),
    );
}

#[test]
fn cmake_finds_the_package() {
    if !there_is("cmake") || compiler(true).is_none() {
        return;
    }
    let folder = scratch("cmake");
    let list = format!(
        "cmake_minimum_required(VERSION 3.10)\nproject(programs C CXX)\nfind_package(intnacl 0.1 REQUIRED)\n\
         if(NOT intnacl_VERSION STREQUAL \"{}\")\n  message(FATAL_ERROR \"${{intnacl_VERSION}}\")\nendif()\n\
         add_executable(values {SOURCES}/values.c)\ntarget_link_libraries(values intnacl::intnacl m)\n\
         add_executable(alone {SOURCES}/values.c)\ntarget_link_libraries(alone intnacl::static m)\n",
        env!("CARGO_PKG_VERSION")
    );
    fs::write(folder.join("CMakeLists.txt"), list).expect("a list");
    let build = folder.join("build");
    let prefix = format!("-DCMAKE_PREFIX_PATH={}", PREFIX.display());
    succeeds(Command::new("cmake").arg("-S").arg(&folder).arg("-B").arg(&build).arg(prefix));
    succeeds(Command::new("cmake").arg("--build").arg(&build));
    for program in ["values", "alone"] {
        succeeds(&mut Command::new(build.join(program)));
    }
    let newer = fs::read_to_string(folder.join("CMakeLists.txt"))
        .expect("the list")
        .replace("intnacl 0.1 ", "intnacl 0.2 ");
    fs::write(folder.join("CMakeLists.txt"), newer).expect("a list");
    let output = Command::new("cmake").arg("-S").arg(&folder).arg("-B").arg(&build).output().expect("cmake");
    assert!(!output.status.success(), "a version that is not compatible was taken");
}

/// The end of the page's program for a device.
const DEVICE: &str = "
#include \"simclr.hpp\"
float simclr_on_device(const float *z, size_t images, size_t columns, float temperature, float *gradient) {
    std::fill_n(gradient, 2 * images * columns, 0.0f);
    return simclr(z, images, columns, temperature, gradient);
}
";

/// The blocks of the page: the file that a block's first line names, and its text.
fn blocks(language: &str) -> Vec<(String, String)> {
    let page = include_str!("../README.md");
    let begin = format!("```{language}\n");
    let texts = page.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    texts
        .map(|text| {
            let name = text.lines().next().and_then(|line| line.strip_prefix("// ")).unwrap_or_default();
            (name.to_owned(), text.to_owned())
        })
        .collect()
}

/// Compiles a program of the page in a folder with its other blocks, after a change of the loss; what it prints, and whether it
/// succeeds. Nothing where there is no compiler.
fn of_the_page(program: &str, name: &str, change: (&str, &str)) -> Option<(String, bool)> {
    let folder = scratch(&format!("{name}-sources"));
    for (file, text) in blocks("cpp").into_iter().chain(blocks("c")) {
        let text = match file.as_str() {
            "simclr.hpp" => text.replace(change.0, change.1),
            "on_device.cpp" => text + DEVICE,
            _ => text,
        };
        fs::write(folder.join(file), text).expect("a block");
    }
    let runtime = Path::new(SOURCES).join("cuda");
    let include = format!("-I{}", runtime.display());
    let program = compiled(&folder.join(program), name, Link::Shared, &["-O2", &include])?;
    let output = Command::new(program).output().expect("the program");
    Some((said(&output), output.status.success()))
}

/// The change of the loss that the page describes.
const MENDED: (&str, &str) = ("i == j ? 0", "i == j ? -INFINITY");

#[test]
fn the_page_finds_the_slip_and_passes_the_mended_loss() {
    let outputs = blocks("text");
    let [(_, wrong), (_, right), _] = &outputs[..] else { panic!("{outputs:?}") };
    assert!(wrong.contains("self-pair-zeroed") && right.starts_with("simclr in f32 is right"));
    let Some((said, succeeded)) = of_the_page("judged.cpp", "page-wrong", ("", "")) else { return };
    assert!(!succeeded);
    // The digits of errors are those of the machine.
    let words = |text: &str| text.split(": error ").next().map(str::to_owned);
    let lines = |text: &str| text.lines().map(words).collect::<Vec<_>>();
    assert_eq!(lines(&said), lines(wrong), "{said}");
    let Some((said, succeeded)) = of_the_page("judged.cpp", "page-right", MENDED) else { return };
    assert!(succeeded);
    assert_eq!(&said, right);
}

#[test]
fn the_values_of_the_page_are_those_that_come_out() {
    let outputs = blocks("text");
    let Some((said, succeeded)) = of_the_page("values.c", "page-values", ("", "")) else { return };
    assert!(succeeded);
    assert_eq!(outputs.get(2).map(|(_, text)| text), Some(&said));
}

#[test]
fn the_page_s_program_for_a_device_is_judged_by_the_same_words() {
    // Without a device the functions of CUDA's runtime are those of the C library.
    let Some((said, succeeded)) = of_the_page("on_device.cpp", "page-device", MENDED) else { return };
    assert!(succeeded && said.starts_with("simclr in f32 is right"), "{said}");
    let Some((said, succeeded)) = of_the_page("on_device.cpp", "page-device-wrong", ("", "")) else { return };
    assert!(!succeeded && said.contains("self-pair-zeroed"), "{said}");
}
