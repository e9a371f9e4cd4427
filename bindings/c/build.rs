//! The name by which programs find the shared library when they start: it has the version of structs and functions.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/structs.rs");
    let source = include_str!("src/structs.rs");
    let version = source.split("ABI_VERSION: u32 = ").nth(1).and_then(|rest| rest.split(';').next());
    let version = version.expect("src/structs.rs has the version");
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux") => println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libintnacl.so.{version}"),
        Ok("macos") => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libintnacl.{version}.dylib");
        }
        _ => {}
    }
}
