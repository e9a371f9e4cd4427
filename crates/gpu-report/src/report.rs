//! What was found, as a page.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use crate::calculated::{self, Calculated};
use crate::steps::{CARD, DTYPES, Found, PROCESSOR, Step, Subject};
use crate::table::{NOTHING, Table, cell, digits, number, word};

/// What was measured on.
#[derive(Debug)]
pub struct Machine {
    pub commit: String,
    pub processor: String,
    /// The card, if there is one.
    pub card: Option<String>,
}

impl Machine {
    /// The name of the card in the name of a file.
    pub fn file_name(&self) -> String {
        let Some(card) = &self.card else { return "no-card".into() };
        let name = card.split(',').next().unwrap_or_default().to_lowercase();
        let words =
            name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-")
    }
}

/// What stands where nothing was measured, and why.
const SKIPPED: &str = "*skipped: no device*";
const MISSING: &str = "*not measured*";

/// The page.
pub fn text(machine: &Machine, found: &Found, steps: &[Step]) -> String {
    let page = Page { found, has_card: machine.card.is_some() };
    let mut text = format!(
        "# {}\n\n\
         Written by `cargo xtask gpu-report` at commit {}. The card: {}. The processor: {}.\n\n\
         Value and gradient by all inputs, `d = 128`, `t = 0.5`, rows normalised inside; medians in milliseconds. What is \
         headed *H100* was not measured: it is calculated for the SXM module of the H100 from its data sheet, as \
         [performance.md](../performance.md) says.\n",
        machine.card.as_deref().map_or("No card", |card| card.split(',').next().unwrap_or(card)),
        machine.commit,
        machine.card.as_deref().unwrap_or("none, so its rows are skipped"),
        machine.processor,
    );
    for (title, said, table) in [
        ("The laws", LAWS, page.laws()),
        ("The laws at fresh seeds", SOAK, page.soak()),
        ("Operators, and how often the host waits", OPERATORS, page.operators()),
        ("Time", TIME, page.time()),
        ("Memory", MEMORY, page.memory()),
        ("The width of tiles", TILES, page.tiles()),
        ("Criterion, beside the reference", CRITERION, page.criterion()),
    ] {
        let _ = write!(text, "\n## {title}\n\n{said}\n\n{table}");
    }
    text.push_str("\n## The commands\n\n```sh\n");
    for step in steps {
        let _ = writeln!(text, "{}", step.command());
    }
    text.push_str("```\n");
    text
}

const LAWS: &str = "The error is given over its budget: up to 1 a law holds. With TF32, libtorch may round the factors of \
    products in f32 to ten bits; a processor never does. Production does not ask for it, so that laws may fail there.";
const SOAK: &str = "Each device and type at as many fresh seeds as the time allows.";
const OPERATORS: &str = "Operators are those of libtorch that start work, in one step; on a card each is a launch, or a few. The host \
    waits where it reads a number. On a processor, where that costs nothing, gradients are looked at whether they are finite; on a \
    card production reads nothing, so that no wait is expected. On a processor the fused engine takes the operators' place.";
const TIME: &str = "The floor is the two products `Z Zᵀ` and `G Z` through libtorch; the reference is in f64, all else in f32.";
const MEMORY: &str = "The most above the inputs, in MiB. For the H100: what the scores of the two products take, and for \
    production embeddings and gradient once each.";
const TILES: &str = "Milliseconds of a step on libtorch's operators, by the width of its tiles; over the default in brackets.";
const CRITERION: &str = "One after the other, so that ratios are less sure than those above.";

/// The loss, its positives and its batch.
type Key = (String, u64, u64);

fn key(row: &Value) -> Key {
    let number = |name: &str| row[name].as_u64().unwrap_or_default();
    (word(row, "loss"), number("positives"), number("batch"))
}

struct Page<'a> {
    found: &'a Found,
    has_card: bool,
}

impl Page<'_> {
    const DEVICES: [&'static str; 2] = [CARD, PROCESSOR];

    /// Why a device has no figures.
    fn absent(&self, device: &str) -> &'static str {
        if device == CARD && !self.has_card { SKIPPED } else { MISSING }
    }

    /// The rows of a device; of a device without, those of the other as far as they say what would be measured.
    fn rows(&self, device: &'static str, subject: Subject) -> (Vec<Value>, bool) {
        if let Some(rows) = self.found.rows(device, subject) {
            return (rows.clone(), true);
        }
        let other = Self::DEVICES.into_iter().find_map(|other| self.found.rows(other, subject));
        (other.cloned().unwrap_or_default(), false)
    }

    /// The pairs of views that a loss contrasts, which its operators' rows say: an adversarial view makes a second.
    fn contrasts(&self, loss: &str) -> Option<usize> {
        let mut rows = Self::DEVICES.iter().flat_map(|device| self.rows(device, Subject::Operators).0);
        let row = rows.find(|row| row["loss"] == *loss)?;
        Some(1 + usize::from(row["adversarial"] == true))
    }

    /// What is calculated of a loss, where it is known.
    fn calculated(&self, loss: &str, images: u64) -> Option<Calculated> {
        Some(calculated::of(self.contrasts(loss)?, images as usize))
    }

    fn laws(&self) -> String {
        let mut table =
            Table::new("device, type, TF32, asked, reached, laws that fail, worst error over budget, where");
        let of = |dtype| Subject::Laws { dtype, tf32: false };
        let subjects = DTYPES.map(of).into_iter().chain([Subject::Laws { dtype: "f32", tf32: true }]);
        for device in Self::DEVICES {
            for subject in subjects.clone() {
                let Subject::Laws { dtype, tf32 } = subject else { continue };
                let tf32 = if tf32 { "allowed" } else { "off" };
                let mut cells = vec![device.to_owned(), dtype.to_owned(), tf32.to_owned()];
                match self.found.get(device, subject) {
                    Some(verdict) => cells.extend(verdict_cells(verdict)),
                    None => cells.push(self.absent(device).into()),
                }
                table.push(cells);
            }
        }
        table.text()
    }

    fn soak(&self) -> String {
        let mut text = String::new();
        for device in Self::DEVICES {
            match self.found.get(device, Subject::Soak).and_then(Value::as_str) {
                // The summaries; a failure is a line of another form, with its case on the lines below.
                Some(printed) => {
                    let lines: Vec<&str> = match printed.contains("FAILS") {
                        true => printed.lines().collect(),
                        false => printed.lines().filter(|line| line.contains(" seeds, ")).collect(),
                    };
                    let _ = writeln!(text, "```text\n{}\n```", lines.join("\n"));
                }
                None => {
                    let _ = writeln!(text, "{device}: {}\n", self.absent(device));
                }
            }
        }
        text
    }

    fn operators(&self) -> String {
        let mut table = Table::new(
            "loss, M, B, device, engine, operators, on tiles (calculated), waits, expected on a card",
        );
        for device in Self::DEVICES {
            let (rows, measured) = self.rows(device, Subject::Operators);
            if rows.is_empty() {
                table.push_absent(device, self.absent(device));
            }
            for row in rows.iter().filter(|row| measured || row["engine"] == "operators") {
                let (loss, positives, images) = key(row);
                let kernels =
                    self.calculated(&loss, images).map_or(NOTHING.into(), |it| it.kernels.to_string());
                let mut cells = vec![loss, positives.to_string(), images.to_string(), device.to_owned()];
                let on_tiles = row["engine"] == "operators";
                cells.push(word(row, "engine"));
                cells.push(if measured { cell(number(row, "kernels")) } else { self.absent(device).into() });
                cells.push(if on_tiles { kernels } else { NOTHING.into() });
                cells.push(if measured { word(row, "waits") } else { NOTHING.into() });
                cells.push(if on_tiles { "0".into() } else { NOTHING.into() });
                table.push(cells);
            }
        }
        table.text()
    }

    /// The figures beside PyTorch, of the usual batches and the large ones.
    fn figures(&self, device: &'static str) -> (Vec<Value>, bool) {
        let (mut rows, measured) = self.rows(device, Subject::Peers);
        rows.extend(self.rows(device, Subject::Large).0.into_iter().filter(|_| measured));
        (rows, measured)
    }

    /// A row a loss and batch, from the figures of each implementation.
    fn beside(
        &self,
        table: &mut Table,
        cells: impl Fn(
            &dyn Fn(&str, &str) -> Option<f64>,
            &dyn Fn(fn(&Calculated) -> f64) -> String,
        ) -> Vec<String>,
    ) {
        for device in Self::DEVICES {
            let (rows, measured) = self.figures(device);
            let keys: BTreeSet<Key> = rows.iter().map(key).collect();
            if keys.is_empty() {
                table.push_absent(device, self.absent(device));
            }
            for wanted in keys {
                let of_key = || rows.iter().filter(|row| key(row) == wanted);
                let figure = |implementation: &str, name: &str| {
                    let row = of_key().find(|row| measured && row["implementation"] == *implementation)?;
                    number(row, name)
                };
                let (loss, positives, images) = &wanted;
                let calculated =
                    |of: fn(&Calculated) -> f64| cell(self.calculated(loss, *images).map(|it| of(&it)));
                let mut row =
                    vec![loss.clone(), positives.to_string(), images.to_string(), device.to_owned()];
                let mut rest = cells(&figure, &calculated);
                if !measured {
                    rest[0] = self.absent(device).into();
                }
                row.extend(rest);
                table.push(row);
            }
        }
    }

    fn time(&self) -> String {
        let mut table = Table::new(
            "loss, M, B, device, floor, H100: floor, production, H100: by arithmetic, H100: by launches, \
             production over floor, eager, compile, reference",
        );
        self.beside(&mut table, |figure, calculated| {
            let time = |implementation| cell(figure(implementation, "median_ms"));
            vec![
                time("floor"),
                calculated(|it| it.floor_ms),
                time("production"),
                calculated(|it| it.least_ms),
                calculated(|it| it.launches_ms),
                cell(figure("production", "ratio_to_floor")),
                time("torch_eager"),
                time("torch_compile"),
                time("reference"),
            ]
        });
        table.text()
    }

    fn memory(&self) -> String {
        let mut table = Table::new(
            "loss, M, B, device, floor, H100: floor, production, H100: production, eager, compile",
        );
        const MEBIBYTE: f64 = 1048576.0;
        self.beside(&mut table, |figure, calculated| {
            let peak = |implementation| {
                cell(figure(implementation, "peak_bytes_above_inputs").map(|bytes| bytes / MEBIBYTE))
            };
            vec![
                peak("floor"),
                calculated(|it| it.floor_bytes / MEBIBYTE),
                peak("production"),
                calculated(|it| it.least_bytes / MEBIBYTE),
                peak("torch_eager"),
                peak("torch_compile"),
            ]
        });
        table.text()
    }

    fn tiles(&self) -> String {
        let widths = |rows: &[Value]| -> BTreeSet<u64> {
            rows.iter().filter_map(|row| row["width"].as_u64()).collect()
        };
        let all: BTreeSet<u64> =
            Self::DEVICES.iter().flat_map(|device| widths(&self.rows(device, Subject::Tiles).0)).collect();
        let listed: Vec<String> = all.iter().map(u64::to_string).collect();
        let mut table = Table::new(&format!("loss, B, device, default, {}", listed.join(", ")));
        for device in Self::DEVICES {
            let (rows, measured) = self.rows(device, Subject::Tiles);
            let keys: BTreeSet<(String, u64)> = rows.iter().map(|row| (key(row).0, key(row).2)).collect();
            if keys.is_empty() {
                table.push_absent(device, self.absent(device));
            }
            for (loss, images) in keys {
                let of = |width: Option<u64>| {
                    let row = rows.iter().find(|row| {
                        word(row, "loss") == loss
                            && row["batch"].as_u64() == Some(images)
                            && row["width"].as_u64() == width
                    })?;
                    let time = digits(number(row, "median_ms")?);
                    match width {
                        None => Some(time),
                        Some(_) => Some(format!("{time} ({})", digits(number(row, "ratio_to_default")?))),
                    }
                };
                let mut cells = vec![loss.clone(), images.to_string(), device.to_owned()];
                if measured {
                    let columns = [None].into_iter().chain(all.iter().copied().map(Some));
                    cells.extend(columns.map(|width| of(width).unwrap_or_else(|| NOTHING.into())));
                } else {
                    cells.push(self.absent(device).into());
                }
                table.push(cells);
            }
        }
        table.text()
    }

    fn criterion(&self) -> String {
        let printed = self.found.get(PROCESSOR, Subject::Criterion).and_then(Value::as_str);
        let mut text = match printed {
            // Criterion's own report comes before the tables.
            Some(printed) => {
                let tables = printed.find("Medians in milliseconds").map_or("", |at| &printed[at..]);
                format!("{}\n", tables.trim_end())
            }
            None => format!("{MISSING}\n"),
        };
        if !self.has_card {
            let _ = writeln!(text, "\n{CARD}: {SKIPPED}");
        }
        text
    }
}

/// The standards, the failures and the worst of a verdict.
fn verdict_cells(verdict: &Value) -> Vec<String> {
    let reports = verdict["reports"].as_array().map(Vec::as_slice).unwrap_or_default();
    let judged = || reports.iter().filter(|row| row["judged"] == true);
    let fails = judged().filter(|row| row["holds"] == false).count();
    let ratio = |row: &Value| match (number(row, "error"), number(row, "budget")) {
        (Some(error), Some(budget)) if budget > 0.0 => Some(error / budget),
        _ => None,
    };
    let worst = judged().filter_map(|row| Some((ratio(row)?, row))).max_by(|a, b| a.0.total_cmp(&b.0));
    vec![
        word(verdict, "standard"),
        word(verdict, "standard_reached"),
        format!("{fails} of {}", judged().count()),
        cell(worst.map(|(ratio, _)| ratio)),
        worst.map_or_else(
            || NOTHING.into(),
            |(_, row)| format!("{} on {}", word(row, "law"), word(row, "loss")),
        ),
    ]
}

#[cfg(test)]
mod tests;
