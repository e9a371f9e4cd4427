//! The table of losses: what derives from a declaration, and what a declaration must say.

use intnacl_vocabulary::{
    Error, Loss, LossName, Negatives, Neighborhood, Parameter, Read, ReadParameters, RobustTerm, Values,
    Weight, WriteParameters, declarations, markdown,
};
use proptest::prelude::*;
use std::convert::Infallible;

/// A value of each parameter, by its place in the lists of what is worth trying.
#[derive(Debug, Clone, Copy)]
struct Given {
    numbers: [f64; 4],
    estimators: [Negatives; 3],
    weights: [Weight; 2],
    neighborhood: Neighborhood,
}

impl ReadParameters for Given {
    type Error = Infallible;
    fn tau_plus(&mut self) -> Result<f64, Infallible> {
        Ok(self.numbers[0])
    }
    fn beta(&mut self) -> Result<f64, Infallible> {
        Ok(self.numbers[1])
    }
    fn alpha(&mut self) -> Result<f64, Infallible> {
        Ok(self.numbers[2])
    }
    fn lambda(&mut self) -> Result<f64, Infallible> {
        Ok(self.numbers[3])
    }
    fn negatives(&mut self) -> Result<Negatives, Infallible> {
        Ok(self.estimators[0])
    }
    fn weight(&mut self) -> Result<Weight, Infallible> {
        Ok(self.weights[0])
    }
    fn weight_negatives(&mut self) -> Result<Negatives, Infallible> {
        Ok(self.estimators[1])
    }
    fn robust(&mut self) -> Result<RobustTerm, Infallible> {
        Ok(RobustTerm { negatives: self.estimators[2], weight: self.weights[1] })
    }
    fn neighborhood(&mut self) -> Result<Neighborhood, Infallible> {
        Ok(self.neighborhood)
    }
}

fn loss(name: LossName, mut given: Given) -> Loss {
    let Ok(loss) = name.read(&mut given);
    loss
}

fn given() -> impl Strategy<Value = Given> {
    let estimator = prop::sample::select(vec![
        Negatives::G0,
        Negatives::G1 { tau_plus: 0.1 },
        Negatives::G2 { tau_plus: 0.1, beta: 1.0 },
    ]);
    let weight =
        prop::sample::select(vec![Weight::One, Weight::Adversarial, Weight::AdversarialWithGradient]);
    let lambda = 0.5;
    let neighborhood = prop::sample::select(vec![
        Neighborhood::Nca,
        Neighborhood::MixNca { lambda },
        Neighborhood::Combined { lambda, joined: true },
        Neighborhood::Combined { lambda, joined: false },
    ]);
    let alpha = prop::sample::select(vec![0.0, 1.0]);
    (prop::array::uniform3(estimator), prop::array::uniform2(weight), neighborhood, alpha).prop_map(
        move |(estimators, weights, neighborhood, alpha)| Given {
            numbers: [0.1, 1.0, alpha, lambda],
            estimators,
            weights,
            neighborhood,
        },
    )
}

/// The parameters that a loss has, in the order in which it writes them.
#[derive(Default)]
struct Written(Vec<Parameter>);

impl WriteParameters for Written {
    fn tau_plus(&mut self, _: f64) {
        self.0.push(Parameter::TauPlus);
    }
    fn beta(&mut self, _: f64) {
        self.0.push(Parameter::Beta);
    }
    fn alpha(&mut self, _: f64) {
        self.0.push(Parameter::Alpha);
    }
    fn lambda(&mut self, _: f64) {
        self.0.push(Parameter::Lambda);
    }
    fn negatives(&mut self, _: Negatives) {
        self.0.push(Parameter::Negatives);
    }
    fn weight(&mut self, _: Weight) {
        self.0.push(Parameter::Weight);
    }
    fn weight_negatives(&mut self, _: Negatives) {
        self.0.push(Parameter::WeightNegatives);
    }
    fn robust(&mut self, _: RobustTerm) {
        self.0.push(Parameter::Robust);
    }
    fn neighborhood(&mut self, _: Neighborhood) {
        self.0.push(Parameter::Neighborhood);
    }
}

proptest! {
    #[test]
    fn a_loss_has_the_parameters_that_are_declared(given in given()) {
        for &name in LossName::ALL {
            let mut written = Written::default();
            loss(name, given).write(&mut written);
            prop_assert_eq!(&written.0, name.declaration().parameters, "{}", name.name());
        }
    }

    #[test]
    fn a_loss_with_parameters_in_range_is_valid(given in given()) {
        for &name in LossName::ALL {
            prop_assert_eq!(loss(name, given).validate(), Ok(()));
        }
    }
}

/// A draw of each of many combinations of parameters.
fn draws() -> Vec<Given> {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    (0..200).map(|_| given().new_tree(&mut runner).unwrap().current()).collect()
}

/// Whether a loss reads an array.
type Rule = fn(&Loss) -> bool;

#[test]
fn arrays_are_read_as_is_documented() {
    for &name in LossName::ALL {
        let reads = name.declaration().reads.unwrap();
        let rules: [(&str, Read, Rule); 4] = [
            ("all_positives", reads.all_positives, Loss::reads_all_positives),
            ("debias_positives", reads.debias_positives, Loss::reads_debias_positives),
            ("mixed", reads.mixed, Loss::needs_mixed),
            ("adversarial", reads.adversarial, Loss::needs_adversarial),
        ];
        for (array, read, rule) in rules {
            let (mut some, mut all) = (false, true);
            for given in draws() {
                let is_read = rule(&loss(name, given));
                some |= is_read;
                all &= is_read;
            }
            let expected = match read {
                Read::Never => (false, false),
                Read::Always => (true, true),
                Read::When(_) => (true, false),
            };
            assert_eq!((some, all), expected, "{} and {array}", name.name());
        }
    }
}

#[test]
fn every_number_out_of_range_is_refused_by_its_name() {
    let plain = draws()[0];
    for &name in LossName::ALL {
        for &parameter in name.declaration().parameters {
            let Values::Numbers(range) = parameter.values() else { continue };
            for value in [f64::NAN, f64::INFINITY, -1.0] {
                let place = match parameter {
                    Parameter::TauPlus => 0,
                    Parameter::Beta => 1,
                    Parameter::Alpha => 2,
                    Parameter::Lambda => 3,
                    other => panic!("{other:?} is a number: add it to `Given`"),
                };
                let mut given = plain;
                given.numbers[place] = value;
                match loss(name, given).validate() {
                    Err(Error::OutOfRange { argument, expected, .. }) => {
                        assert_eq!((argument.as_str(), expected), (parameter.name(), range.expected));
                    }
                    other => panic!("{} with {} = {value}: {other:?}", name.name(), parameter.name()),
                }
            }
        }
    }
}

#[test]
fn names_are_unique_and_read_back() {
    for (place, &name) in LossName::ALL.iter().enumerate() {
        assert_eq!(LossName::of(name.name()), Some(name));
        assert_eq!(LossName::NAMES[place], name.name());
        assert_eq!(name.declaration().name, name.name());
        assert_eq!(loss(name, draws()[0]).kind(), name);
    }
    assert_eq!(LossName::of("SimCLR"), None);
    let names: std::collections::HashSet<&str> = declarations().map(|loss| loss.name).collect();
    assert_eq!(names.len(), LossName::ALL.len() + 1);
}

#[test]
fn the_documented_table_is_the_table() {
    let documented = include_str!("../losses.md");
    assert!(
        documented == markdown(),
        "losses.md is not the table: cargo run -p intnacl-vocabulary --example losses > crates/vocabulary/losses.md"
    );
}
