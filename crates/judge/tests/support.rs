//! Programs that claim only a part: other parts are not judged, and what is claimed is judged as ever.

use intnacl_judge::zoo::{Bug, Program, Style};
use intnacl_judge::{
    Case, Drawn, Float, Implementation, Law, Options, Report, Standard, Support, check_all, check_by, pairs,
    seed_from_environment, try_case,
};
use intnacl_reference::{Answer, Batch, EvaluateRequest, Reply, Request, Tuples};

/// The exact answers, with parts absent, and every claimed number multiplied by a factor.
struct Partial {
    support: Support,
    absent: &'static [&'static str],
    factor: f64,
}

impl Implementation for Partial {
    fn float(&self) -> Float {
        Float::F64
    }
    fn support(&self) -> Support {
        self.support.clone()
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        self.reply(request).map(|reply| reply.answer)
    }
    fn reply(&self, request: &Request) -> Result<Reply, String> {
        let mut answer = request.evaluate().map_err(|error| error.to_string())?;
        match &mut answer {
            Answer::Tuples(of) => {
                self.mark(&mut of.per_anchor);
                of.value *= self.factor;
                let Tuples { negatives, debias_positives, adversarial_negatives, .. } = &mut of.gradient;
                if self.absent.contains(&"negatives") {
                    negatives.iter_mut().for_each(|matrix| matrix.fill(f64::NAN));
                    debias_positives.iter_mut().flatten().for_each(|matrix| matrix.fill(f64::NAN));
                    adversarial_negatives.iter_mut().flatten().for_each(|matrix| matrix.fill(f64::NAN));
                }
            }
            Answer::Batch(of) => {
                self.mark(&mut of.per_anchor);
                of.value *= self.factor;
                let Batch { adversarial, .. } = &mut of.gradient;
                if self.absent.contains(&"adversarial") {
                    adversarial.iter_mut().for_each(|matrix| matrix.fill(f64::NAN));
                }
            }
            Answer::Supervised(of) => {
                self.mark(&mut of.per_anchor);
                of.value *= self.factor;
            }
        }
        Ok(Reply { answer, absent: self.absent.to_vec() })
    }
}

impl Partial {
    fn mark(&self, per_anchor: &mut [f64]) {
        if self.absent.contains(&"per_anchor") {
            per_anchor.fill(f64::NAN);
        }
        per_anchor.iter_mut().for_each(|value| *value *= self.factor);
    }
}

fn judge(start: impl Fn() -> Partial + Sync) -> Vec<Report> {
    let options =
        Options { seed: intnacl_judge::seed_from_environment(), standard: Standard::Right, threads: 2 };
    let Ok(reports) =
        check_all(&pairs(|_, _| true), options, |_| 8, || Ok::<_, std::convert::Infallible>(start()), |_| ());
    reports
}

fn failures(reports: &[Report]) -> Vec<String> {
    let failures = reports.iter().filter_map(|report| {
        report
            .counterexample
            .as_ref()
            .map(|found| format!("{} {}: {}", report.law, report.loss, found.message))
    });
    failures.collect()
}

const ABSENT: &[&str] =
    &["per_anchor", "negatives", "debias_positives", "adversarial_negatives", "adversarial"];

#[test]
fn a_loss_of_batches_alone_is_judged_by_the_laws_that_ask_for_nothing_else() {
    let support = || Support { losses: Some(vec!["simclr".into()]), tuples: false, ..Support::default() };
    let reports = judge(|| Partial { support: support(), absent: &[], factor: 1.0 });
    assert_eq!(failures(&reports), [""; 0]);
    let judged: Vec<_> = reports.iter().filter(|report| report.judged()).collect();
    assert!(judged.iter().all(|report| report.loss == "simclr"), "another loss was judged");
    let laws: Vec<_> = judged.iter().map(|report| report.law).collect();
    for law in [
        "agrees_with_the_reference",
        "the_gradient_is_the_derivative_of_the_value",
        "identical_embeddings_have_a_known_loss",
        "rotation_of_all_embeddings",
        "permutation_of_images",
        "temperature_scales_the_scores",
        "the_same_request_has_the_same_answer",
        "unread_arrays_do_not_matter",
    ] {
        assert!(laws.contains(&law), "{law} is not among {laws:?}");
    }
    let unsupported = reports.iter().filter(|report| report.loss == "nca");
    assert!(
        unsupported.clone().all(|report| report.not_supported == report.cases),
        "of nca nothing is claimed"
    );
}

#[test]
fn what_is_absent_is_not_judged_and_no_fault() {
    let reports = judge(|| Partial { support: Support::default(), absent: ABSENT, factor: 1.0 });
    assert_eq!(failures(&reports), [""; 0]);
    let agreement = reports.iter().filter(|report| report.law == "agrees_with_the_reference");
    assert!(agreement.clone().all(|report| report.judged()), "values and some gradients were claimed");
}

#[test]
fn what_is_claimed_is_judged_beside_what_is_absent() {
    let reports = judge(|| Partial { support: Support::default(), absent: ABSENT, factor: 1.001 });
    let mut agreement = reports.iter().filter(|report| report.law.ends_with("agrees_with_the_reference"));
    assert!(agreement.all(|report| report.counterexample.is_some()), "a value is a thousandth too large");
}

/// A program of the zoo as a function of two views has it: batches of one loss, rows normalised inside, no other arrays, and
/// the value of the whole alone.
struct Function {
    program: Program,
    support: Support,
    gives_each_value: bool,
}

impl Function {
    fn new(program: Program, loss: &str, normalize: bool, symmetric: bool) -> Self {
        let support = Support {
            losses: Some(vec![loss.into()]),
            tuples: false,
            normalize: Some(normalize),
            symmetric: Some(symmetric),
            positives: Some(1),
            arrays: Some(Vec::new()),
            ..program.support()
        };
        Self { program, support, gives_each_value: false }
    }
}

impl Implementation for Function {
    fn float(&self) -> Float {
        self.program.float()
    }
    fn support(&self) -> Support {
        self.support.clone()
    }
    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        self.reply(request).map(|reply| reply.answer)
    }
    fn reply(&self, request: &Request) -> Result<Reply, String> {
        let Request::Batch { settings, data, .. } = request else { panic!("tuples are not claimed") };
        let support = &self.support;
        assert_eq!((support.normalize, support.symmetric), (Some(settings.normalize), Some(data.symmetric)));
        assert!(data.views.len() == 2 && data.mixed.is_none() && data.adversarial.is_none());
        let mut answer = self.program.evaluate(request)?;
        let Answer::Batch(of) = &mut answer else { panic!("a batch has the answer of one") };
        if self.gives_each_value {
            return Ok(answer.into());
        }
        of.per_anchor.fill(f64::NAN);
        Ok(Reply { answer, absent: vec!["per_anchor"] })
    }
}

/// Laws of a loss on a function, on cases that it takes.
fn held(function: &Function, loss: &str, laws: &[Law], cases: u32, seed: u64) -> Vec<Report> {
    let support = function.support();
    let adapted = |case: Case| Case {
        normalize: support.normalize == Some(true),
        symmetric: support.symmetric == Some(true),
        positives: 1,
        ..case
    };
    let drawn = Drawn { cases, seed, standard: Standard::Right, shrinking: 0 };
    let report =
        |law: &Law| check_by(law, loss, drawn, &adapted, &|case| try_case(law, loss, function, case));
    laws.iter().map(report).collect()
}

fn of_loss(loss: &str) -> Vec<Law> {
    pairs(|_, of| of == loss).into_iter().map(|(law, _)| law).collect()
}

#[test]
fn right_functions_of_two_views_are_held_to_ten_laws_and_break_none() {
    let seed = seed_from_environment();
    for (at, style) in Style::ALL.into_iter().enumerate() {
        for float in [Float::F64, Float::F32] {
            for (loss, count) in [("simclr", 10), ("debiased", 10), ("hard_negative", 12)] {
                for (normalize, symmetric) in [(true, true), (false, true), (false, false)] {
                    let mut function = Function::new(Program::new(style, float), loss, normalize, symmetric);
                    function.gives_each_value = at % 2 == 1;
                    let reports = held(&function, loss, &of_loss(loss), 12, seed + at as u64);
                    assert_eq!(failures(&reports), [""; 0], "seed {seed}, {style:?}, {float}, {loss}");
                    let judged = reports.iter().filter(|report| report.judged()).count();
                    // The views of one direction do not change places, and rows as they are given are not normalised.
                    let fewer = usize::from(!symmetric) + usize::from(!normalize && loss != "simclr");
                    let idle = reports.iter().filter(|report| !report.judged()).map(|report| report.law);
                    let idle: Vec<_> = idle.collect();
                    assert!(
                        judged >= count - fewer,
                        "{loss}, {normalize}, {symmetric}: {judged} laws, not {idle:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn slips_in_functions_of_two_views_are_found_without_asking_the_reference() {
    let seed = seed_from_environment();
    for (bug, loss, law) in [
        (Bug::NormClamped, "simclr", "normalization_is_what_it_says"),
        (Bug::NormalizationNotDifferentiated, "simclr", "normalization_is_what_it_says"),
        (Bug::MaximumInGradient, "simclr", "the_gradient_is_the_derivative_of_the_value"),
        (Bug::OneNegativeTooMany, "simclr", "identical_embeddings_have_a_known_loss"),
        (Bug::PositiveNotInDenominator, "simclr", "values_lie_in_their_range"),
        (Bug::OtherOrderOfViews, "simclr", "permutation_of_images"),
        (Bug::OneDirection, "simclr", "permutation_of_negatives"),
        (Bug::GradientAccumulates, "simclr", "the_same_request_has_the_same_answer"),
        (Bug::FloorWithoutCount, "debiased", "the_floor_holds"),
        (Bug::HardnessWithoutTemperature, "hard_negative", "hard_negative_is_its_formula"),
        (Bug::HardnessNormalisedBySum, "hard_negative", "large_beta_gives_the_maximum"),
    ] {
        let function = Function::new(Program::new(bug.style(), Float::F64).with(bug), loss, true, true);
        let laws: Vec<Law> = of_loss(loss).into_iter().filter(|of| of.name == law).collect();
        let reports = held(&function, loss, &laws, 256, seed);
        assert!(!failures(&reports).is_empty(), "seed {seed}: {bug:?} on {loss}: {law} finds nothing");
    }
}

#[test]
fn a_drawn_case_becomes_one_that_is_claimed() {
    let support = Support {
        temperatures: 0.05..=1.0,
        normalize: Some(true),
        symmetric: Some(false),
        positives: Some(1),
        ..Support::default()
    };
    let drawn = |temperature, seed| Case { temperature, seed, positives: 3, ..Case::default() };
    for seed in [0, 1, 500, 999, 123_456] {
        for temperature in [1e-3, 10.0] {
            let adapted = support.adapted(drawn(temperature, seed));
            assert!(support.temperatures.contains(&adapted.temperature), "{}", adapted.temperature);
            assert_eq!((adapted.normalize, adapted.symmetric, adapted.positives), (true, false, 1));
        }
    }
    assert_eq!(support.adapted(drawn(0.5, 1)).temperature, 0.5);
    assert_eq!(Support::default().adapted(drawn(0.5, 1)), drawn(0.5, 1));
}
