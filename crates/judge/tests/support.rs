//! Programs that claim only a part: other parts are not judged, and what is claimed is judged as ever.

use intnacl_judge::{Float, Implementation, Options, Report, Standard, Support, check_all, pairs};
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
