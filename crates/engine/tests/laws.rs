//! The laws on the engine, which hold it to the exact reference with the budgets of the laws' own table.

use intnacl_engine::{Batch, Element, Shape, Started};
use intnacl_judge::{self as judge, Float, Implementation, Standard, Support};
use intnacl_reference::{Answer, Batch as Matrices, EvaluateRequest, Evaluation, Loss, Request, Settings};
use nalgebra::DMatrix;
use std::marker::PhantomData;

/// The engine on batches. Other data, which laws compare batches with, are the reference's.
struct Fused<T>(PhantomData<T>);

impl<T: Element> Implementation for Fused<T> {
    fn float(&self) -> Float {
        if size_of::<T>() == 8 { Float::F64 } else { Float::F32 }
    }

    fn support(&self) -> Support {
        // Below, a tie at the floor in f64 has derivatives up to e^{2/t}. Where they cancel to 0, their rounding is left, and
        // the laws' norms of that leave f64.
        let least = if self.float() == Float::F64 { 0.01 } else { 1e-3 };
        Support { temperatures: least..=10.0, ..Support::default() }
    }

    fn evaluate(&self, request: &Request) -> Result<Answer, String> {
        match request {
            Request::Batch { loss, settings, data } => batch::<T>(loss, settings, data).map(Answer::Batch),
            _ => request.evaluate().map_err(|error| error.to_string()),
        }
    }
}

/// Matrices row by row.
fn entries<'a, T: Element>(matrices: impl IntoIterator<Item = &'a DMatrix<f64>>) -> Vec<T> {
    let rows = matrices.into_iter().flat_map(|matrix| matrix.row_iter());
    rows.flat_map(|row| row.iter().map(|x| T::from_f64(*x)).collect::<Vec<_>>()).collect()
}

/// Overwrites matrices by entries row by row.
fn fill<'a, T: Element>(matrices: impl IntoIterator<Item = &'a mut DMatrix<f64>>, entries: &[T]) {
    let mut entries = entries.iter();
    for matrix in matrices {
        for mut row in matrix.row_iter_mut() {
            row.iter_mut().zip(entries.by_ref()).for_each(|(x, entry)| *x = entry.to_f64());
        }
    }
}

fn batch<T: Element>(
    loss: &Loss,
    settings: &Settings,
    data: &Matrices,
) -> Result<Evaluation<Matrices>, String> {
    let (images, columns) = data.views[0].shape();
    let views = entries::<T>(&data.views);
    let mixed = data.mixed.as_ref().map(entries::<T>);
    let adversarial = data.adversarial.as_ref().map(|matrix| entries::<T>([matrix]));
    let shape = Shape::new(data.views.len(), images, columns).map_err(|error| error.to_string())?;
    let batch = Batch {
        symmetric: data.symmetric,
        mixed: mixed.as_deref(),
        adversarial: adversarial.as_deref(),
        ..Batch::new(shape, &views)
    };
    let found = batch.evaluate(loss, settings, &Started(2)).map_err(|error| error.to_string())?;
    let mut gradient = data.clone();
    fill(&mut gradient.views, &found.gradient.views);
    fill(gradient.mixed.iter_mut().flatten(), &found.gradient.mixed.unwrap_or_default());
    fill(&mut gradient.adversarial, &found.gradient.adversarial.unwrap_or_default());
    let rounded = |number: f64| T::from_f64(number).to_f64();
    let per_anchor = found.per_image.into_iter().map(rounded).collect();
    Ok(Evaluation { value: rounded(found.value), per_anchor, gradient })
}

fn every_law_holds<T: Element>() {
    let seed = judge::seed_from_environment();
    for (law, loss) in judge::pairs(|_, loss| loss != "supervised_nca") {
        let report = judge::check(&law, loss, &Fused::<T>(PhantomData), 8, seed, Standard::Careful);
        assert!(report.counterexample.is_none(), "seed {seed}, {} on {loss}: {report:?}", law.name);
    }
}

#[test]
fn every_law_holds_in_f64() {
    every_law_holds::<f64>();
}

#[test]
fn every_law_holds_in_f32() {
    every_law_holds::<f32>();
}

#[test]
fn every_loss_agrees_with_the_reference_in_many_batches() {
    let seed = judge::seed_from_environment();
    for (law, loss) in
        judge::pairs(|law, loss| law.name == "agrees_with_the_reference" && loss != "supervised_nca")
    {
        for (name, report) in [
            ("f64", judge::check(&law, loss, &Fused::<f64>(PhantomData), 64, seed, Standard::Careful)),
            ("f32", judge::check(&law, loss, &Fused::<f32>(PhantomData), 64, seed, Standard::Careful)),
        ] {
            assert!(report.holds(), "seed {seed}, {loss} in {name}: {report:?}");
        }
    }
}
