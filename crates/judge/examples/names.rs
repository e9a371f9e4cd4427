//! Prints `src/named.rs`: the laws by name, for macros that make tests of them.

use intnacl_judge::laws;

fn main() {
    print!("{}", intnacl_judge::named_source(&laws()));
}
