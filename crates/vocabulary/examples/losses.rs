//! Prints the table of losses, as `losses.md` has it.

fn main() {
    print!("{}", intnacl_vocabulary::markdown());
}
