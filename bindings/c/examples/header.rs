//! Writes `include/intnacl.h`.

#[path = "../tests/header/mod.rs"]
mod header;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::fs::write(header::PATH, header::made()?)?;
    Ok(())
}
