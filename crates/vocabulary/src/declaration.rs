//! The form of a declaration, and what derives from all of them.

use crate::parameter::Parameter;

/// A loss, as the table declares it.
#[derive(Debug, Clone, Copy)]
pub struct Declaration {
    /// The name, in requests, tables and reports.
    pub name: &'static str,
    /// The paper's name, with the number of its equation there.
    pub title: &'static str,
    /// The loss of one anchor, in words.
    ///
    /// `h(x,y) = exp(f(x)·f(y)/t)`; `g1`, `g2` and `G` are [`Negatives`](crate::Negatives), `w` is
    /// [`Weight`](crate::Weight).
    pub equation: &'static str,
    /// The same in TeX.
    pub tex: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// The parameters, in order.
    pub parameters: &'static [Parameter],
    /// The arrays that it reads beside the anchors, their first positives and their negatives; `None` for
    /// labelled points.
    pub reads: Option<Reads>,
}

/// The arrays that a loss reads beside the anchors, their first positives and their negatives.
#[derive(Debug, Clone, Copy)]
pub struct Reads {
    /// The positives after the first.
    pub all_positives: Read,
    /// The draws of positives of `g1` and `g2`.
    pub debias_positives: Read,
    /// The mixed embeddings.
    pub mixed: Read,
    /// The adversarial embeddings.
    pub adversarial: Read,
}

/// Whether an array is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// With no parameters.
    Never,
    /// With all parameters.
    Always,
    /// With some, described in words.
    When(&'static str),
}

/// Declares the losses: [`Loss`](crate::Loss), [`LossName`](crate::LossName), and the table itself.
macro_rules! losses {
    ($(
        $loss:ident $({ $($field:ident: $type:ty as $parameter:ident),* $(,)? })? => {
            name: $name:literal,
            title: $title:literal,
            equation: $equation:literal,
            tex: $tex:literal,
            source: $source:literal,
            example: $example:expr,
            all_positives: [$($all_positives:tt)*],
            debias_positives: [$($debias_positives:tt)*],
            mixed: [$($mixed:tt)*],
            adversarial: [$($adversarial:tt)*],
        }
    )*) => {
        /// A loss of the paper with its parameters.
        ///
        /// The equations are those of one anchor `$x$`; the value is their mean over the anchors. With embeddings `$f$` and the
        /// temperature `$t$` of [`Settings`](crate::Settings),
        ///
        /// ```math
        /// h(x,y) = \exp\frac{f(x) \cdot f(y)}{t},
        /// ```
        ///
        /// `$x^+_1, \ldots, x^+_M$` are the positives of `$x$`, `$x^+ = x^+_1$` the first of them,
        /// `$x^-_1, \ldots, x^-_N$` its negatives, `$z_1, \ldots, z_{M-1}$` mixed embeddings, and
        /// `$x^{\mathrm{adv}}$` is an adversarial one. [`Negatives`](crate::Negatives) defines `$G$`, `$g_0$`, `$g_1$` and
        /// `$g_2$`, [`Weight`](crate::Weight) defines `$w$`, and [`Neighborhood`](crate::Neighborhood) defines
        /// `$L_{\mathrm{NaCl}}$`. Scores, kernels and losses have no unit.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Loss {
            $(
                #[doc = concat!($title, ": `", $equation, "` (", $source, ").")]
                #[doc = concat!("\n```math\n", $tex, "\n```\n")]
                /// # Shapes
                /// In a [`Batch`](crate::Batch) there are `views` `[1+M][B][d]`; in [`Tuples`](crate::Tuples) there are `anchor`
                /// `[B][d]`, `positives` `[B][M][d]` and `negatives` `[B][N][d]`. The loss reads
                /// - the anchors, their first positives and their negatives
                #[doc = $crate::declaration::item!("all positives", $($all_positives)*)]
                #[doc = $crate::declaration::item!(
                    "draws of positives for the estimators: in a batch the first positives, in tuples `debias_positives` `[B][m][d]`",
                    $($debias_positives)*
                )]
                #[doc = $crate::declaration::item!(
                    "`mixed`, in a batch `[M-1][B][d]`, in tuples `[B][M-1][d]`",
                    $($mixed)*
                )]
                #[doc = $crate::declaration::item!("`adversarial` `[B][d]`", $($adversarial)*)]
                ///
                /// # Errors
                /// [`Loss::validate`] refuses parameters outside their ranges; [`Layout::validate`](crate::Layout::validate)
                /// refuses arrays that are missing, of other shapes or not finite.
                ///
                /// # Examples
                #[doc = concat!(
                    "```\n",
                    "# #[allow(unused_imports)]\n",
                    "use intnacl_vocabulary::{Loss, Negatives, Neighborhood, RobustTerm, Weight};\n\n",
                    "let loss = ", stringify!($example), ";\n",
                    "assert_eq!(loss.name(), ", stringify!($name), ");\n",
                    "loss.validate()?;\n",
                    "# Ok::<(), intnacl_vocabulary::Error>(())\n",
                    "```"
                )]
                $loss $({
                    $(
                        #[doc = concat!("See [`Parameter::", stringify!($parameter), "`].")]
                        $field: $type,
                    )*
                })?,
            )*
        }

        /// A loss without its parameters.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum LossName {
            $(
                #[doc = concat!("[`Loss::", stringify!($loss), "`].")]
                $loss,
            )*
        }

        /// The table of losses that embeddings are compared by, in the order of [`LossName::ALL`].
        pub const LOSSES: &[Declaration] = &[$(
            Declaration {
                name: $name,
                title: $title,
                equation: $equation,
                tex: $tex,
                source: $source,
                parameters: &[$($(Parameter::$parameter),*)?],
                reads: Some(Reads {
                    all_positives: $crate::declaration::read!($($all_positives)*),
                    debias_positives: $crate::declaration::read!($($debias_positives)*),
                    mixed: $crate::declaration::read!($($mixed)*),
                    adversarial: $crate::declaration::read!($($adversarial)*),
                }),
            }
        ),*];

        impl LossName {
            /// Every loss.
            pub const ALL: &'static [Self] = &[$(Self::$loss),*];

            /// Every loss by its name in requests, tables and reports.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The loss of a name, if it is one of [`NAMES`](Self::NAMES).
            pub fn of(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|loss| loss.name() == name)
            }

            /// The name in requests, tables and reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$loss => $name,)*
                }
            }

            /// The loss as the table declares it.
            pub const fn declaration(self) -> &'static Declaration {
                &LOSSES[self as usize]
            }

            /// The loss with the parameters that `from` gives.
            ///
            /// # Errors
            /// The errors of `from`.
            #[allow(unused_variables)]
            pub fn read<R: $crate::ReadParameters>(self, from: &mut R) -> Result<Loss, R::Error> {
                Ok(match self {
                    $(Self::$loss => Loss::$loss $({ $($field: from.$field()?),* })?,)*
                })
            }
        }

        #[allow(unused_variables)]
        impl Loss {
            /// The loss without its parameters.
            pub const fn kind(&self) -> LossName {
                match self {
                    $(Self::$loss { .. } => LossName::$loss,)*
                }
            }

            /// Gives each parameter to `to`.
            pub fn write<W: $crate::WriteParameters>(&self, to: &mut W) {
                match *self {
                    $(Self::$loss $({ $($field),* })? => { $($(to.$field($field);)*)? })*
                }
            }

            /// Refuses parameters outside their ranges.
            ///
            /// # Errors
            /// [`Error::OutOfRange`](crate::Error::OutOfRange), naming the parameter.
            pub fn validate(&self) -> $crate::Result<()> {
                match self {
                    $(Self::$loss $({ $($field),* })? => {
                        $($($crate::parameter::Value::validate($field, Parameter::$parameter)?;)*)?
                    })*
                }
                Ok(())
            }

            /// Whether the loss reads positives after the first.
            pub fn reads_all_positives(&self) -> bool {
                match *self {
                    $(Self::$loss $({ $($field),* })? => $crate::declaration::reads!($($all_positives)*),)*
                }
            }

            /// Whether the loss reads draws of positives.
            pub fn reads_debias_positives(&self) -> bool {
                match *self {
                    $(Self::$loss $({ $($field),* })? => $crate::declaration::reads!($($debias_positives)*),)*
                }
            }

            /// Whether the loss reads the mixed embeddings.
            pub fn needs_mixed(&self) -> bool {
                match *self {
                    $(Self::$loss $({ $($field),* })? => $crate::declaration::reads!($($mixed)*),)*
                }
            }

            /// Whether the loss reads the adversarial embeddings. A zero `alpha` switches the term off, so that
            /// they need not be given.
            pub fn needs_adversarial(&self) -> bool {
                match *self {
                    $(Self::$loss $({ $($field),* })? => $crate::declaration::reads!($($adversarial)*),)*
                }
            }
        }
    };
}

/// A rule of the table, as it is documented.
macro_rules! read {
    (never) => {
        $crate::declaration::Read::Never
    };
    (always) => {
        $crate::declaration::Read::Always
    };
    (when $rule:expr, $words:literal) => {
        $crate::declaration::Read::When($words)
    };
}

/// An item of the list of arrays that a loss reads.
macro_rules! item {
    ($array:literal, never) => {
        ""
    };
    ($array:literal, always) => {
        concat!("- ", $array)
    };
    ($array:literal, when $rule:expr, $words:literal) => {
        concat!("- ", $array, ", if ", $words)
    };
}

/// A rule of the table, with the parameters at hand.
macro_rules! reads {
    (never) => {
        false
    };
    (always) => {
        true
    };
    (when $rule:expr, $words:literal) => {
        $rule
    };
}

pub(crate) use {item, losses, read, reads};

impl crate::Loss {
    /// The loss's name in requests, tables and reports.
    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// The loss as the table declares it.
    pub const fn declaration(&self) -> &'static Declaration {
        self.kind().declaration()
    }
}
