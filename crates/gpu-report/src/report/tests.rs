//! The page of what is found, with a card and without.

use super::*;
use crate::steps;
use serde_json::json;

fn machine(card: Option<&str>) -> Machine {
    Machine { commit: "c".into(), processor: "p, 2 cores".into(), card: card.map(String::from) }
}

/// Everything that is measured, with figures of its kind.
fn found(devices: &[&'static str]) -> (Found, Vec<Step>) {
    let mut found = Found::default();
    let steps: Vec<Step> = devices.iter().flat_map(|device| steps::of(device, 1.0)).collect();
    for step in &steps {
        let figure = |implementation: &str, images: u64| {
            json!({"loss": "adversarial", "batch": images, "positives": 1, "implementation": implementation,
                   "median_ms": 12.34, "ratio_to_floor": 0.61, "peak_bytes_above_inputs": 3 << 20})
        };
        let value = match step.subject {
            Subject::Devices => continue,
            Subject::Laws { .. } => json!({"standard": "careful", "standard_reached": null, "reports": [
                {"law": "a", "loss": "nca", "error": 3.0, "budget": 2.0, "judged": true, "holds": false},
                {"law": "b", "loss": "nca", "error": 9.0, "budget": 0.0, "judged": false, "holds": true}]}),
            Subject::Soak => json!("seed 1  cpu f32  holds\ncpu f32  7 seeds, 0 failures"),
            Subject::Operators => {
                json!([{"loss": "adversarial", "batch": 4096, "positives": 1, "adversarial": true, "engine": "operators",
                                          "kernels": 777, "waits": 0}])
            }
            Subject::Tiles => json!([
                {"loss": "adversarial", "batch": 1024, "width": null, "median_ms": 10.0, "ratio_to_default": 1.0},
                {"loss": "adversarial", "batch": 1024, "width": 512, "median_ms": 8.0, "ratio_to_default": 0.8}]),
            Subject::Peers => json!([figure("floor", 4096), figure("production", 4096)]),
            Subject::Large => json!([figure("production", 16384)]),
            Subject::Criterion => json!("noise\nMedians in milliseconds:\n\n| loss |\n"),
        };
        found.insert(step, value);
    }
    (found, steps)
}

#[test]
fn without_a_card_each_of_its_rows_is_skipped() {
    let (found, steps) = found(&[PROCESSOR]);
    let page = text(&machine(None), &found, &steps);
    let rows: Vec<&str> =
        page.lines().filter(|line| line.contains(CARD) && !line.contains("xtask")).collect();
    assert!(rows.iter().all(|row| row.contains(SKIPPED)), "{rows:#?}");
    // Five of laws, one each of the soak, operators, time, memory, tiles and criterion.
    assert_eq!(rows.len(), 11, "{rows:#?}");
    for expected in [
        "| cpu | f32 | allowed | careful | – | 1 of 1 | 1.50 | a on nca |",
        "| adversarial | 1 | 4096 | cpu | operators | 777 | 1440 | 0 | 0 |",
        "| adversarial | 1 | 4096 | cpu | 12.3 | 0.513 | 12.3 | 1.06 | 5.76 | 0.610 | – | – | – |",
        "| adversarial | 1 | 16384 | cpu | – | 8.21 | 12.3 |",
        "| adversarial | 1 | 4096 | cpu | 3.00 | 256 | 3.00 | 8.00 | – | – |",
        "| adversarial | 1024 | cpu | 10.0 | 8.00 (0.800) |",
        "cpu f32  7 seeds, 0 failures",
    ] {
        assert!(page.contains(expected), "{expected} is not in\n{page}");
    }
    assert!(!page.contains(MISSING) && !page.contains("noise"), "{page}");
}

#[test]
fn with_a_card_nothing_is_skipped_and_what_failed_is_said() {
    let (found, steps) = found(&[CARD, PROCESSOR]);
    let machine = machine(Some("NVIDIA H100 80GB HBM3, 570.1, 81559 MiB"));
    assert_eq!(machine.file_name(), "nvidia-h100-80gb-hbm3");
    let page = text(&machine, &found, &steps);
    assert!(!page.contains(SKIPPED) && !page.contains(MISSING), "{page}");
    let page = text(&machine, &Found::default(), &steps);
    assert!(page.contains(MISSING) && !page.contains(SKIPPED), "{page}");
    for command in [
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=1 cargo xtask verify --device cuda:0 --dtype f32\n",
        "cargo xtask bench --bench losses -- '^(simclr|hard_negative|nca-5|floor)/'\n",
    ] {
        assert!(page.contains(command), "{command} is not in\n{page}");
    }
}
