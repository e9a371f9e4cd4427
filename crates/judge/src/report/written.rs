//! Numbers as a page writes them.

/// A number with up to `digits` significant digits.
pub(super) fn number(x: f64, digits: usize) -> String {
    let size = x.abs();
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { "0".into() } else { x.to_string() };
    }
    if !(1e-4..1e7).contains(&size) {
        let text = format!("{x:.*e}", digits.saturating_sub(1));
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", without_zeros(mantissa));
    }
    let before = size.log10().floor() as i32 + 1;
    let after = usize::try_from(digits as i32 - before).unwrap_or(0);
    without_zeros(&format!("{x:.after$}")).into()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// `10` to a power, as a label of an axis.
pub(super) fn power_of_ten(exponent: i32) -> String {
    match exponent {
        -3..=-1 => format!("{:.*}", exponent.unsigned_abs() as usize, 10f64.powi(exponent)),
        0..=3 => format!("{:.0}", 10f64.powi(exponent)),
        _ => {
            let superscript = |digit: char| match digit {
                '-' => '⁻',
                '1' => '¹',
                '2' => '²',
                '3' => '³',
                digit => char::from_u32('⁰' as u32 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
            };
            format!("10{}", exponent.to_string().chars().map(superscript).collect::<String>())
        }
    }
}

/// A count with its noun.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_they_need() {
        for (x, digits, text) in [
            (0.0, 3, "0"),
            (-0.5, 9, "-0.5"),
            (0.123_456_789_87, 9, "0.12345679"),
            (1_234_567.9, 3, "1234568"),
            (1.5e-7, 3, "1.5e-7"),
            (-3e20, 2, "-3e20"),
            (f64::NAN, 3, "NaN"),
            (f64::NEG_INFINITY, 3, "-inf"),
        ] {
            assert_eq!(number(x, digits), text);
        }
        let labels = [-12, -3, 0, 3, 45].map(power_of_ten);
        assert_eq!(labels, ["10⁻¹²", "0.001", "1", "1000", "10⁴⁵"]);
    }
}
