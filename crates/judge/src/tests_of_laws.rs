//! A test a law, for programs in Rust.

use super::check::InType;
use super::diagnosis::diagnose;
use super::{Float, Implementation, Law, check, laws, seed_from_environment};
use std::fmt::Write;

/// Makes a `#[test]` of each law that speaks of a loss, under the law's name.
///
/// The program is a type with [`Implementation`](crate::Implementation) and `Default`; the last word is the type that it
/// computes in, a variant of [`Float`](crate::Float). A loss of supervised NCA has the name `"supervised_nca"`.
///
/// Each test tries 64 cases; the variable `LAW_SEED` sets their seed, `fresh` for another one each time.
///
/// ```
/// use intnacl_judge::{Float, Implementation};
/// use intnacl_reference::{Answer, EvaluateRequest, Request};
///
/// #[derive(Default)]
/// struct Mine;
///
/// impl Implementation for Mine {
///     fn float(&self) -> Float {
///         Float::F32
///     }
///     fn evaluate(&self, request: &Request) -> Result<Answer, String> {
///         request.evaluate().map_err(|error| error.to_string()) // in place of a program of your own
///     }
/// }
///
/// mod mine {
///     use super::Mine;
///     intnacl_judge::laws! { Mine, "simclr", F32 }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! laws {
    ($program:ty, $loss:tt, $float:ident) => {
        $crate::__laws_of! { $loss __law_tests [$program, $float] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __law_tests {
    ([$program:ty, $float:ident] $loss:literal $($law:ident)*) => {
        $(
            #[test]
            fn $law() {
                let program = <$program as ::std::default::Default>::default();
                $crate::assert_law(&program, $crate::Float::$float, stringify!($law), $loss);
            }
        )*
    };
}

/// Checks a law by name on 64 cases of a loss, in a floating type and by the standard that the program claims.
///
/// # Panics
/// Where the law is broken, with what is wrong, the smallest case and its request; and for a name that no law has.
pub fn assert_law(program: &dyn Implementation, float: Float, law: &str, loss: &str) {
    let Some(law) = laws().into_iter().find(|known| known.name == law) else {
        panic!("no law is named {law}")
    };
    let (program, seed) = (InType { program, float }, seed_from_environment());
    let report = check(&law, loss, &program, 64, seed, program.standard());
    if !report.judged() {
        eprintln!("{}: not judged, since the program claims none of what it asks for", law.name);
    }
    let Some(found) = report.counterexample else { return };
    let mut text = format!("{} fails for {loss}: {}\n{}\n", law.name, law.statement, found.message);
    if let Some(diagnosis) = diagnose(&program, loss, seed) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{diagnosis}");
    }
    let _ = write!(text, "seed {seed}, smallest case: {}\n{:?}", found.case.code(), found.request);
    panic!("{text}");
}

/// The source of `named.rs`: the names of the laws, all and by loss.
#[doc(hidden)]
pub fn named_source(laws: &[Law]) -> String {
    let names = |wanted: &dyn Fn(&Law) -> bool, indent: &str| {
        let names = laws.iter().filter(|law| wanted(law)).map(|law| format!("{indent}{}\n", law.name));
        names.collect::<String>()
    };
    let mut text = "//! The laws by name, for macros that make tests of them. Written by `cargo run -p intnacl-judge --example names`.\n\n\
        /// Calls a macro with the names of all laws.\n\
        #[macro_export]\n\
        macro_rules! each_law {\n    ($macro:ident) => {\n        $macro! {\n"
        .to_owned();
    text += &names(&|_| true, "            ");
    text += "        }\n    };\n}\n\n#[doc(hidden)]\n#[macro_export]\nmacro_rules! __laws_of {\n";
    let mut losses: Vec<&str> = laws.iter().flat_map(|law| law.losses).copied().collect();
    losses.sort_unstable();
    losses.dedup();
    for loss in losses {
        let _ = write!(
            text,
            "    ({loss:?} $macro:ident $arguments:tt) => {{\n        $crate::$macro! {{ $arguments {loss:?}\n"
        );
        text += &names(&|law| law.losses.contains(&loss), "            ");
        text += "        }\n    };\n";
    }
    text += "}\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_laws_are_those_of_the_list() {
        let written = include_str!("named.rs");
        assert!(
            written == named_source(&laws()),
            "run `cargo run -p intnacl-judge --example names > crates/judge/src/named.rs`"
        );
    }

    #[test]
    #[should_panic(expected = "self-pair-kept")]
    fn a_broken_law_panics_with_the_name_of_the_slip() {
        use crate::zoo::{Bug, Program, Style};
        let program = Program::new(Style::CrossEntropy, Float::F64).with(Bug::SelfPairKept);
        assert_law(&program, Float::F32, "identical_embeddings_have_a_known_loss", "simclr");
    }
}
