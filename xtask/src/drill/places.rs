//! The places of a loss, in the order in which one fills them, each with what the drill puts there.
//!
//! The drill's loss, `alignment`, has one parameter. It is Debiased+HardNeg at `τ = 0`, so that every place has something right
//! to say about it.

use super::Edit::{Create, Replace, Write};
use super::Fails::{Check, Test};
use super::{Fails, Place};

const REFERENCE: Fails = Check(&["intnacl-reference"]);
const ENGINE: Fails = Check(&["intnacl-engine"]);
const JUDGE: Fails = Check(&["intnacl-judge"]);
const EXACT: Fails = Check(&["intnacl-reference", "--all-targets"]);
const PRODUCTION: Fails = Check(&["intnacl", "--all-targets", "--features", "doc-only"]);
const TRAINING: Fails = Check(&["intnacl-training", "--features", "intnacl/doc-only"]);
const LISTS: Fails = Test { package: "xtask", target: &["--bins"], name: "every_loss_stands_in_every_list" };

pub(super) const PLACES: &[Place] = &[
    Place {
        name: "`crates/vocabulary/src/table.rs`: the declaration, with an `example`",
        edits: &[Replace {
            file: "crates/vocabulary/src/table.rs",
            old: "}\n\n/// Supervised NCA,",
            new: r#"    Alignment { beta: f64 as Beta } => {
        name: "alignment",
        title: "a loss that is not in the paper",
        equation: "-log h(x,x⁺) / (h(x,x⁺) + N·g2(x; 0, β))",
        tex: r"-\log \frac{h(x,x^+)}{h(x,x^+) + N g_2(x; 0, \beta)}",
        source: "the drill",
        example: Loss::Alignment { beta: 1.0 },
        all_positives: [never],
        debias_positives: [never],
        mixed: [never],
        adversarial: [never],
    }
}

/// Supervised NCA,"#,
        }],
        fails: REFERENCE,
    },
    Place {
        name: "`crates/vocabulary/losses.md`, written by `cargo run -p intnacl-vocabulary --example losses`",
        edits: &[Write {
            file: "crates/vocabulary/losses.md",
            by: &["run", "--package", "intnacl-vocabulary", "--example", "losses"],
        }],
        fails: Test {
            package: "intnacl-vocabulary",
            target: &["--test", "table"],
            name: "the_documented_table_is_the_table",
        },
    },
    Place {
        name: "`reference/src/loss`: the equation in a file of its own, and its two lines in `mod.rs`",
        edits: &[
            Create {
                file: "reference/src/loss/alignment.rs",
                text: "//! The loss of the drill.

use super::hard_negative::hard_negative;
use crate::real::Real;
use crate::score::{Arithmetic, Contrast, Term};

/// `-log h(x,x⁺) / (h(x,x⁺) + N·g2(x, {u}, {v}))` with `τ = 0`.
pub(crate) fn alignment<R: Real>(contrast: &Contrast<R>, beta: f64, field: &Arithmetic<R>) -> Term<R> {
    hard_negative(contrast, 0.0, beta, field)
}
",
            },
            Replace {
                file: "reference/src/loss/mod.rs",
                old: "mod adversarial;\n",
                new: "mod adversarial;\nmod alignment;\n",
            },
            Replace {
                file: "reference/src/loss/mod.rs",
                old: "            Loss::Adversarial { alpha } => adversarial::adversarial(total, alpha),\n",
                new: "            Loss::Adversarial { alpha } => adversarial::adversarial(total, alpha),
            Loss::Alignment { beta } => {
                total.add_mean(Part::Clean, |contrast, field| alignment::alignment(contrast, beta, field));
            }
",
            },
        ],
        fails: REFERENCE,
    },
    Place {
        name: "`reference/src/evaluate.rs`, `hardness`: its largest `β`",
        edits: &[Replace {
            file: "reference/src/evaluate.rs",
            old: "        Loss::HardNegative { beta, .. } => beta,\n",
            new: "        Loss::HardNegative { beta, .. } | Loss::Alignment { beta } => beta,\n",
        }],
        fails: REFERENCE,
    },
    Place {
        name: "`reference/src/condition/plan.rs`: what its budget is made of, and its `α`",
        edits: &[
            Replace {
                file: "reference/src/condition/plan.rs",
                old: "            Loss::SimClr => self.add_clean(Positives::First, Negatives::G0),\n",
                new: "            Loss::SimClr => self.add_clean(Positives::First, Negatives::G0),
            Loss::Alignment { beta } => {
                self.add_clean(Positives::First, Negatives::G2 { tau_plus: 0.0, beta });
            }
",
            },
            Replace {
                file: "reference/src/condition/plan.rs",
                old: "            Loss::SimClr\n            | Loss::Debiased { .. }\n",
                new: "            Loss::SimClr
            | Loss::Alignment { .. }
            | Loss::Debiased { .. }
",
            },
        ],
        fails: REFERENCE,
    },
    Place {
        name: "`reference/src/explain/recipe.rs`: the terms that it is taken apart into",
        edits: &[Replace {
            file: "reference/src/explain/recipe.rs",
            old: "        Loss::SimClr => vec![single(Negatives::G0)],\n",
            new: "        Loss::SimClr => vec![single(Negatives::G0)],
        Loss::Alignment { beta } => vec![single(Negatives::G2 { tau_plus: 0.0, beta })],
",
        }],
        fails: REFERENCE,
    },
    Place {
        name: "`reference/tests/exact/formula.rs`: the equation once more, in arbitrary precision",
        edits: &[Replace {
            file: "reference/tests/exact/formula.rs",
            old: "            Loss::SimClr => plain(Negatives::G0, vec![First]),\n",
            new: "            Loss::SimClr => plain(Negatives::G0, vec![First]),
            Loss::Alignment { beta } => plain(Negatives::G2 { tau_plus: 0.0, beta }, vec![First]),
",
        }],
        fails: EXACT,
    },
    Place {
        name: "`reference/tests/exact/naive.rs`: and in plain f64",
        edits: &[Replace {
            file: "reference/tests/exact/naive.rs",
            old: "        Loss::SimClr => single(Negatives::G0),\n",
            new: "        Loss::SimClr => single(Negatives::G0),
        Loss::Alignment { beta } => single(Negatives::G2 { tau_plus: 0.0, beta }),
",
        }],
        fails: EXACT,
    },
    Place {
        name: "`reference/tests/exact/cases/random.rs`: a kind that draws it",
        edits: &[
            Replace {
                file: "reference/tests/exact/cases/random.rs",
                old: "pub const KINDS: usize = 28;",
                new: "pub const KINDS: usize = 29;",
            },
            Replace {
                file: "reference/tests/exact/cases/random.rs",
                old: "        16..KINDS => Loss::IntNaCl {\n",
                new: "        28 => Loss::Alignment { beta: up_to_8(rng) },
        16..KINDS => Loss::IntNaCl {
",
            },
        ],
        fails: Test {
            package: "intnacl-reference",
            target: &["--test", "exact"],
            name: "every_loss_is_drawn",
        },
    },
    Place {
        name: "`crates/engine/src/recipe.rs`: which terms production computes",
        edits: &[Replace {
            file: "crates/engine/src/recipe.rs",
            old: "            Loss::SimClr => single(Negatives::G0),\n",
            new: "            Loss::SimClr => single(Negatives::G0),
            Loss::Alignment { beta } => single(Negatives::G2 { tau_plus: 0.0, beta }),
",
        }],
        fails: ENGINE,
    },
    Place {
        name: "`crates/judge/src/case.rs`: the parameters that a case gives it",
        edits: &[Replace {
            file: "crates/judge/src/case.rs",
            old: "            LossName::SimClr => Loss::SimClr,\n",
            new: "            LossName::SimClr => Loss::SimClr,
            LossName::Alignment => Loss::Alignment { beta: self.beta },
",
        }],
        fails: JUDGE,
    },
    Place {
        name: "`crates/judge/src/closed_forms.rs`: its value where all embeddings are the same",
        edits: &[Replace {
            file: "crates/judge/src/closed_forms.rs",
            old: "            Loss::SimClr => (self.single)(Negatives::G0),\n",
            new: "            Loss::SimClr => (self.single)(Negatives::G0),
            Loss::Alignment { beta } => (self.single)(Negatives::G2 { tau_plus: 0.0, beta }),
",
        }],
        fails: JUDGE,
    },
    Place {
        name: "`crates/judge/src/reductions.rs`, `with_estimators`: its estimators replaced by another",
        edits: &[Replace {
            file: "crates/judge/src/reductions.rs",
            old: "Loss::SimClr | Loss::Debiased { .. } | Loss::HardNegative { .. } | Loss::Adversarial { .. } => {\n            single(negatives)\n",
            new: "Loss::SimClr
        | Loss::Debiased { .. }
        | Loss::HardNegative { .. }
        | Loss::Adversarial { .. }
        | Loss::Alignment { .. } => {
            single(negatives)
",
        }],
        fails: JUDGE,
    },
    Place {
        name: "`crates/judge/src/diagnosis/conventions.rs`, `with_estimators`: its estimators' parameters changed",
        edits: &[Replace {
            file: "crates/judge/src/diagnosis/conventions.rs",
            old: "            Loss::Debiased { tau_plus } => *tau_plus = change(*tau_plus, 0.0).0,\n",
            new: "            Loss::Debiased { tau_plus } => *tau_plus = change(*tau_plus, 0.0).0,
            Loss::Alignment { beta } => *beta = change(0.0, *beta).1,
",
        }],
        fails: JUDGE,
    },
    Place {
        name: "`crates/judge/src/trial.rs`, `with_flowing_weight`: its weight, if it has one",
        edits: &[Replace {
            file: "crates/judge/src/trial.rs",
            old: "        Loss::SimClr\n        | Loss::Debiased { .. }\n",
            new: "        Loss::SimClr
        | Loss::Alignment { .. }
        | Loss::Debiased { .. }
",
        }],
        fails: JUDGE,
    },
    Place {
        name: "`crates/judge/src/zoo/program.rs`: the loss as an ordinary program has it",
        edits: &[Replace {
            file: "crates/judge/src/zoo/program.rs",
            old: "            Loss::SimClr => self.clean(Negatives::G0, false),\n",
            new: "            Loss::SimClr => self.clean(Negatives::G0, false),
            Loss::Alignment { beta } => self.clean(Negatives::G2 { tau_plus: 0.0, beta }, false),
",
        }],
        fails: JUDGE,
    },
    Place {
        name: "`crates/judge/src/named.rs`, written by `cargo run -p intnacl-judge --example names`",
        edits: &[Write {
            file: "crates/judge/src/named.rs",
            by: &["run", "--package", "intnacl-judge", "--example", "names"],
        }],
        fails: Test {
            package: "intnacl-judge",
            target: &["--lib"],
            name: "the_names_of_laws_are_those_of_the_list",
        },
    },
    Place {
        name: "`crates/judge/vectors`, written by `intnacl vectors generate`, and `FILES` of `crates/judge/src/vectors/mod.rs`",
        edits: &[
            Replace {
                file: "crates/judge/src/vectors/mod.rs",
                old: "pub const FILES: [(&str, &str); 11] = [",
                new: "pub const FILES: [(&str, &str); 12] = [",
            },
            Replace {
                file: "crates/judge/src/vectors/mod.rs",
                old: "    (\"supervised_nca.json\", include_str!",
                new: "    (\"alignment.json\", include_str!(\"../../vectors/alignment.json\")),
    (\"supervised_nca.json\", include_str!",
            },
            Write {
                file: "crates/judge/vectors/alignment.json",
                by: &["run", "--package", "intnacl-cli", "--", "vectors", "generate", "--out", "crates/judge/vectors"],
            },
        ],
        fails: Test {
            package: "intnacl-judge",
            target: &["--test", "vectors"],
            name: "the_files_are_made_anew_to_the_byte",
        },
    },
    Place {
        name: "`crates/cli/src/bound/digits.rs`: the parameters with which `intnacl bound` trains",
        edits: &[Replace {
            file: "crates/cli/src/bound/digits.rs",
            old: "        LossName::SimClr => Loss::SimClr,\n",
            new: "        LossName::SimClr => Loss::SimClr,
        LossName::Alignment => Loss::Alignment { beta },
",
        }],
        fails: Check(&["intnacl-cli"]),
    },
    Place {
        name: "`crates/cli/tests/command_line/answered.rs`: its parameters as JSON",
        edits: &[Replace {
            file: "crates/cli/tests/command_line/answered.rs",
            old: "        LossName::SimClr => vec![json!({})],\n",
            new: "        LossName::SimClr => vec![json!({})],
        LossName::Alignment => vec![json!({\"beta\": 1})],
",
        }],
        fails: Check(&["intnacl-cli", "--all-targets"]),
    },
    Place {
        name: "`src/testing.rs`: one of each of its forms, for production's tests",
        edits: &[Replace {
            file: "src/testing.rs",
            old: "        LossName::SimClr => vec![Loss::SimClr],\n",
            new: "        LossName::SimClr => vec![Loss::SimClr],
        LossName::Alignment => vec![Loss::Alignment { beta: 1.0 }],
",
        }],
        fails: PRODUCTION,
    },
    Place {
        name: "`src/loss/tests/stress/draw.rs`: the parameters that the stress test draws",
        edits: &[Replace {
            file: "src/loss/tests/stress/draw.rs",
            old: "        LossName::SimClr => Loss::SimClr,\n",
            new: "        LossName::SimClr => Loss::SimClr,
        LossName::Alignment => Loss::Alignment { beta },
",
        }],
        fails: PRODUCTION,
    },
    Place {
        name: "`benches/measure/case.rs`: the parameters and the `M` that are measured",
        edits: &[Replace {
            file: "benches/measure/case.rs",
            old: "        LossName::SimClr => vec![asked(\"simclr\", 1, Loss::SimClr)],\n",
            new: "        LossName::SimClr => vec![asked(\"simclr\", 1, Loss::SimClr)],
        LossName::Alignment => vec![other(\"alignment\", 1, Loss::Alignment { beta })],
",
        }],
        fails: PRODUCTION,
    },
    Place {
        name: "`benches/peers/losses.py`: the loss in PyTorch",
        edits: &[Replace {
            file: "benches/peers/losses.py",
            old: "        if self.loss == \"nca\":\n",
            new: "        if self.loss == \"alignment\":
            return pair.contrast(rows, {\"estimator\": \"g2\", \"tau_plus\": 0.0, **of}).mean()
        if self.loss == \"nca\":
",
        }],
        fails: LISTS,
    },
    Place {
        name: "`crates/training/src/config/objective.rs`: its parameters in the paper, its estimators, its numbers",
        edits: &[
            Replace {
                file: "crates/training/src/config/objective.rs",
                old: "        LossName::SimClr => Loss::SimClr,\n",
                new: "        LossName::SimClr => Loss::SimClr,
        LossName::Alignment => Loss::Alignment { beta: BETA },
",
            },
            Replace {
                file: "crates/training/src/config/objective.rs",
                old: "        Loss::SimClr | Loss::Debiased { .. } | Loss::HardNegative { .. } | Loss::Adversarial { .. } => vec![],\n",
                new: "        Loss::SimClr | Loss::Debiased { .. } | Loss::HardNegative { .. } | Loss::Adversarial { .. } => vec![],
        Loss::Alignment { .. } => vec![],
",
            },
            Replace {
                file: "crates/training/src/config/objective.rs",
                old: "        Loss::SimClr => vec![],\n",
                new: "        Loss::SimClr => vec![],
        Loss::Alignment { beta } => vec![own(\"beta\", beta)],
",
            },
        ],
        fails: TRAINING,
    },
    Place {
        name: "`crates/training/src/metrics.rs`: the estimator whose negatives are counted",
        edits: &[Replace {
            file: "crates/training/src/metrics.rs",
            old: "        Loss::HardNegative { tau_plus, beta } => Negatives::G2 { tau_plus, beta },\n",
            new: "        Loss::HardNegative { tau_plus, beta } => Negatives::G2 { tau_plus, beta },
        Loss::Alignment { beta } => Negatives::G2 { tau_plus: 0.0, beta },
",
        }],
        fails: TRAINING,
    },
    Place {
        name: "`bindings/python/src/plan.rs`: its parameters under fixed ones",
        edits: &[Replace {
            file: "bindings/python/src/plan.rs",
            old: "        Loss::SimClr => {}\n",
            new: "        Loss::SimClr => {}
        Loss::Alignment { beta } => _ = estimator(Negatives::G2 { tau_plus: 0.0, beta }),
",
        }],
        fails: Check(&["intnacl-python"]),
    },
    Place {
        name: "`bindings/python/python/intnacl`: a function in `exact.py`, and its name twice in `__init__.py`",
        edits: &[
            Replace {
                file: "bindings/python/python/intnacl/exact.py",
                old: "def supervised_nca(",
                new: "def alignment(
    views: Any = None,
    *,
    beta: float,
    temperature: float = 0.5,
    normalize: bool = True,
    **arrays: Any,
) -> Result:
    \"\"\"The loss of the drill.\"\"\"
    return evaluate(\"alignment\", views, temperature=temperature, normalize=normalize, beta=beta, **arrays)


def supervised_nca(",
            },
            Replace {
                file: "bindings/python/python/intnacl/__init__.py",
                old: "\n    adversarial,\n",
                new: "\n    adversarial,\n    alignment,\n",
            },
            Replace {
                file: "bindings/python/python/intnacl/__init__.py",
                old: "\n    \"adversarial\",\n",
                new: "\n    \"adversarial\",\n    \"alignment\",\n",
            },
        ],
        fails: LISTS,
    },
    Place {
        name: "`bindings/python/tests/test_exact.py`: a call of that function",
        edits: &[Replace {
            file: "bindings/python/tests/test_exact.py",
            old: "        (intnacl.simclr, {}, {}),\n",
            new: "        (intnacl.simclr, {}, {}),\n        (intnacl.alignment, {\"beta\": 1.0}, {}),\n",
        }],
        fails: LISTS,
    },
    Place {
        name: "`bindings/python/README.md`: its name",
        edits: &[Replace {
            file: "bindings/python/README.md",
            old: "There are `simclr`,",
            new: "There are `alignment`, `simclr`,",
        }],
        fails: LISTS,
    },
    Place {
        name: "`notes/requests.md`: its parameters",
        edits: &[Replace {
            file: "notes/requests.md",
            old: "| `supervised_nca` | `objective`",
            new: "| `alignment` | `beta` |\n| `supervised_nca` | `objective`",
        }],
        fails: LISTS,
    },
    Place {
        name: "`README.md`: where its equation, its laws and its production are",
        edits: &[Replace {
            file: "README.md",
            old: "| Table 1, every row |",
            new: "| | `Loss::Alignment` | [`alignment.rs`](reference/src/loss/alignment.rs) | | `single` |\n| Table 1, every row |",
        }],
        fails: LISTS,
    },
];
