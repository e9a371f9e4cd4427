//! Compiles the part that speaks libtorch's C++.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/recorder.cpp");
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    // Documentation is built where libtorch is not.
    let Some(libraries) = env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else { return };
    let beside = libraries.parent().unwrap_or(Path::new("/")).to_path_buf();
    let root = env::var_os("LIBTORCH_INCLUDE").map_or(beside, PathBuf::from);
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        // libtorch is compiled with it, and without it some of its classes have other fields.
        .define("NDEBUG", None)
        .include(root.join("include"))
        // What libtorch's own headers are warned of is not ours to mend.
        .warnings(false)
        .file("src/recorder.cpp")
        .compile("intnacl_recorder");
    // The tests of this crate start where libtorch is not beside them.
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system != "windows") {
        println!("cargo:rustc-link-arg-tests=-Wl,-rpath,{}", libraries.display());
    }
}
