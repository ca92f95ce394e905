//! Statistics of values, in h5grove's words.

use serde_json::{Value, json};

use super::number::Number;

/// Of what is finite: integers where the values are integers. `numbers` gives all of them, each time that it
/// is called.
pub fn of<I: Iterator<Item = Number>>(numbers: impl Fn() -> I) -> Value {
    let finite = || numbers().filter(|n| n.to_f64().is_finite());
    let (n, sum) = finite().fold((0_u64, 0.0), |(n, sum), x| (n + 1, sum + x.to_f64()));
    let Some(first) = finite().next() else {
        return json!({ "strict_positive_min": null, "positive_min": null, "min": null, "max": null,
            "mean": null, "std": null });
    };
    let least = |keep: fn(f64) -> bool| {
        let kept = finite().filter(|x| keep(x.to_f64()));
        kept.reduce(|a, b| if b.is_below(a) { b } else { a }).map(value)
    };
    let mean = sum / n as f64;
    let variance = finite().map(|x| (x.to_f64() - mean).powi(2)).sum::<f64>() / n as f64;
    let cast = |x: f64| match first {
        Number::Integer(_) => value(Number::Integer(x as i128)),
        _ => Value::from(x),
    };
    json!({
        "strict_positive_min": least(|x| x > 0.0),
        "positive_min": least(|x| x >= 0.0),
        "min": least(|_| true),
        "max": finite().reduce(|a, b| if a.is_below(b) { b } else { a }).map(value),
        "mean": cast(mean),
        "std": cast(variance.sqrt()),
    })
}

fn value(n: Number) -> Value {
    let Number::Integer(integer) = n else { return n.to_f64().into() };
    // Others are not in files.
    i64::try_from(integer)
        .map(Value::from)
        .or_else(|_| u64::try_from(integer).map(Value::from))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_integers_are_exact() {
        let numbers = [u64::MAX, (1 << 53) + 1].map(|n| Number::Integer(n.into()));
        let told = of(|| numbers.into_iter());
        assert_eq!((&told["max"], &told["min"]), (&u64::MAX.into(), &((1_u64 << 53) + 1).into()));
    }

    #[test]
    fn what_is_not_finite_does_not_count() {
        let numbers = [f64::NAN, -2.0, 4.0, f64::INFINITY].map(Number::Double);
        let told = of(|| numbers.into_iter());
        assert_eq!(
            told,
            json!({ "strict_positive_min": 4.0, "positive_min": 4.0, "min": -2.0, "max": 4.0,
            "mean": 1.0, "std": 3.0 })
        );
        assert_eq!(of(|| numbers[..1].iter().copied())["min"], Value::Null);
    }
}
