//! Tests of faults in the measuring programs that no figure would show. They have no place for tests of
//! their own: what cargo builds as a bench without its harness drops them.

// Only parts of what the benches share are tested.
#![allow(dead_code)]

#[path = "../peers/arguments.rs"]
mod arguments;
#[path = "mod.rs"]
mod measure;
#[path = "../peers/quiet.rs"]
mod quiet;
#[path = "../peers/rows.rs"]
mod rows;

mod of_statistics {
    use super::measure::statistics::{Spread, exponent, ratios, spread};

    #[test]
    fn quartiles_do_not_depend_on_the_order() {
        let expected = Some(Spread { lower: 2.0, median: 3.0, upper: 4.0 });
        assert_eq!(spread(&[5.0, 1.0, 4.0, 2.0, 3.0]), expected);
        assert_eq!(spread(&[1.0, 2.0, 3.0, 4.0, 5.0]), expected);
    }

    #[test]
    fn between_two_values_quartiles_are_in_proportion() {
        assert_eq!(spread(&[10.0, 20.0]), Some(Spread { lower: 12.5, median: 15.0, upper: 17.5 }));
        assert_eq!(spread(&[7.0]), Some(Spread { lower: 7.0, median: 7.0, upper: 7.0 }));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The second round was slow for both.
        let ratios = ratios(&[2.0, 20.0, 2.0], &[1.0, 10.0, 1.0]).unwrap();
        assert_eq!(ratios, Spread { lower: 2.0, median: 2.0, upper: 2.0 });
    }

    #[test]
    fn the_exponent_is_that_of_the_largest_sizes() {
        let points: Vec<(f64, f64)> = [4.0, 1024.0, 4096.0, 2048.0, 16.0]
            .map(|x: f64| (x, if x < 1000.0 { 1.0 } else { 3.0 * x.powi(2) }))
            .to_vec();
        assert!((exponent(&points).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(exponent(&points[..1]), None);
        assert_eq!(exponent(&[(2.0, 1.0), (2.0, 3.0)]), None);
        assert_eq!(exponent(&[(2.0, 1.0), (4.0, 0.0)]), None);
    }
}

mod of_arguments {
    use super::arguments::{Arguments, BATCHES};
    use super::measure::case;

    fn parsed(line: &str) -> Result<Arguments, String> {
        let words = line.split(' ').filter(|word| !word.is_empty()).map(String::from);
        Arguments::read(words).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_are_read_with_commas_and_repeated() {
        let arguments =
            parsed("--loss simclr,nca --loss=robust --batch 64,16 --batch 16 --device cpu --bench").unwrap();
        assert_eq!(arguments.losses, ["simclr", "nca", "robust"]);
        assert_eq!(arguments.batches, [16, 64]);
        assert_eq!(arguments.devices, ["cpu"]);
        let plan: Vec<_> = arguments.plan().iter().map(|(case, b)| (case.name, case.positives, *b)).collect();
        let expected = [
            ("simclr", 1, 16),
            ("simclr", 1, 64),
            ("nca", 1, 16),
            ("nca", 1, 64),
            ("nca", 5, 16),
            ("nca", 5, 64),
            ("robust", 1, 16),
            ("robust", 1, 64),
        ];
        assert_eq!(plan, expected);
    }

    #[test]
    fn without_a_batch_the_asked_losses_are_measured_at_all_sizes() {
        let sizes = |loss: &str| parsed(&format!("--loss {loss}")).unwrap().plan().len();
        assert_eq!(sizes("simclr"), BATCHES.len());
        assert_eq!(sizes("nca"), 2 * BATCHES.len());
        assert!(sizes("debiased") < BATCHES.len());
        assert!(case::cases().iter().all(|case| parsed("").unwrap().plan().contains(&(*case, 4096))));
    }

    #[test]
    fn what_is_refused_is_named_with_what_is_allowed() {
        let refused = [
            ("--loss simclr,sim", "'sim' for '--loss <NAMES>': expected one of simclr, debiased,"),
            ("--loss", "a value is required for '--loss <NAMES>'"),
            ("--loss=", "'' for '--loss <NAMES>': expected one of simclr,"),
            ("--batch 1", "'1' for '--batch <NUMBERS>': expected a whole number from 2"),
            ("--batch 16,,32", "'' for '--batch <NUMBERS>': expected a whole number"),
            ("--batch 99999999999999999999", "expected a whole number from 2 to 1048576"),
            ("--device gpu", "'gpu' for '--device <NAMES>': expected one of cpu"),
            ("--threads 0", "'0' for '--threads <N>': 0 is not in 1..=1024"),
            ("--speed 3", "unexpected argument '--speed'"),
            ("16", "unexpected argument '16'"),
        ];
        for (line, expected) in refused {
            let message = parsed(line).unwrap_err();
            assert!(message.contains(expected), "{line}: {message}");
        }
    }

    #[test]
    fn the_help_has_an_example() {
        let help = parsed("--help").unwrap_err();
        assert!(help.contains("cargo xtask bench --peers --loss simclr,hard_negative"), "{help}");
    }
}

mod of_reports {
    use super::measure::case::cases;
    use super::measure::report::{Figure, Measured, digits, tables};
    use super::measure::run::Implementation::{Floor, Production, Reference};
    use super::rows::rows;
    use serde_json::{Value, json};

    fn measured() -> Measured {
        let figure = |implementation, milliseconds: &[f64], peak_bytes| Figure {
            implementation,
            milliseconds: milliseconds.to_vec(),
            peak_bytes,
        };
        Measured {
            case: cases()[0],
            images: 256,
            device: "cpu".to_owned(),
            figures: vec![
                figure(Floor, &[1.0, 2.0, 1.0], Some(1 << 20)),
                figure(Production, &[2.0, 4.0, 2.0], None),
                figure(Reference, &[9.0, 9.0, 9.0], None),
            ],
            waited: Some(0.034),
        }
    }

    #[test]
    fn a_row_has_the_fields_of_the_contract() {
        let rows = rows(&[measured()]);
        let expected = json!({
            "loss": "simclr", "batch": 256, "dimension": 128, "positives": 1, "dtype": "f32", "device": "cpu",
            "implementation": "production", "median_ms": 2.0, "ratio_to_floor": 2.0,
            "peak_bytes_above_inputs": null,
        });
        assert_eq!(rows[1], expected);
        assert_eq!(rows[0]["ratio_to_floor"], 1.0);
        assert_eq!(rows[0]["peak_bytes_above_inputs"], 1 << 20);
        assert_eq!(rows[2]["dtype"], "f64");
    }

    #[test]
    fn without_a_floor_there_is_no_ratio_to_it() {
        let mut measured = measured();
        measured.figures.remove(0);
        let rows = rows(&[measured]);
        assert_eq!(rows[0]["ratio_to_floor"], Value::Null);
        assert_eq!(rows[0]["median_ms"], 2.0);
    }

    #[test]
    fn columns_in_which_nothing_was_measured_are_left_out() {
        let tables = tables(&[measured()]);
        assert!(tables.contains("| production / floor | reference (f64) | rounds | waited |"), "{tables}");
        let row = "| simclr | 1 | 256 | cpu | 1.00 | 2.00 | 2.00 | 9.00 | 3 | 3 % |";
        assert!(tables.contains(row), "{tables}");
        assert!(tables.contains("| simclr | 1 | 256 | cpu | 1.0 |"), "{tables}");
    }

    #[test]
    fn times_have_three_digits() {
        for (value, text) in
            [(0.0123, "0.012"), (0.123, "0.123"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1234")]
        {
            assert_eq!(digits(value), text);
        }
    }
}

mod of_waiting {
    use super::quiet::{Processors, count, kept};

    #[test]
    fn rounds_are_kept_by_the_waiting_in_them() {
        let waits = [Some(0.0), Some(0.5), Some(0.02), Some(0.04), Some(0.9)];
        assert_eq!(count(&waits), 3);
        let (rounds, waited) = kept(&waits);
        assert_eq!(rounds, [0, 2, 3]);
        assert!((waited.unwrap() - 0.02).abs() < 1e-12);
        // Too few quiet ones: all, and the share tells.
        let (rounds, waited) = kept(&waits[..3]);
        assert_eq!(rounds, [0, 1, 2]);
        assert!(waited.unwrap() > 0.1);
        assert_eq!(kept(&[None, None]), (vec![0, 1], None));
    }

    #[test]
    fn the_share_is_of_the_time_since_the_start() {
        let start = Processors::parse("1000 50 7\n").unwrap();
        let end = Processors::parse("4000 1050 9\n").unwrap();
        assert_eq!(end.waited_since(start), Some(0.25));
        assert_eq!(start.waited_since(start), None);
        // A thread has ended in between.
        assert_eq!(start.waited_since(end), None);
        assert_eq!(Processors::parse("12"), None);
        assert_eq!(Processors::parse("a b"), None);
    }

    #[test]
    fn a_process_that_is_not_there_is_unknown() {
        assert_eq!(Processors::of(&[u32::MAX]), None);
    }
}
