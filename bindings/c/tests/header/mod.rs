//! The header, made of the sources.

use std::error::Error;
use std::path::Path;

/// Where the header is kept.
pub const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/intnacl.h");

/// The sources that declare what the header has, in its order.
const SOURCES: [&str; 7] =
    ["failure.rs", "structs.rs", "options.rs", "border.rs", "exact.rs", "batch.rs", "judge.rs"];

/// The header as the sources have it now.
///
/// # Errors
/// Those of cbindgen.
pub fn made() -> Result<String, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml"))?;
    let builder = SOURCES.iter().fold(cbindgen::Builder::new().with_config(config), |builder, source| {
        builder.with_src(folder.join("src").join(source))
    });
    let mut header = Vec::new();
    builder.generate()?.write(&mut header);
    // The heading is rustdoc's.
    Ok(String::from_utf8(header)?.replace("/// # Safety\n", "/// The caller promises:\n"))
}
