//! Sweeps: one name for a row of settings.

use crate::error::{Error, Result};

/// The most settings that a sweep may have.
const MOST: usize = 1000;

/// The recommenders that a name with sweeps stands for: `key=FROM..TO/N` is `N` values from `FROM` to `TO`, evenly spaced,
/// both ends included. Several sweeps in one name are combined.
///
/// ```
/// use ibn_sim::evaluation::sweep;
///
/// assert_eq!(sweep("hpa:target=0.4..0.8/3")?, ["hpa:target=0.4", "hpa:target=0.6", "hpa:target=0.8"]);
/// assert_eq!(sweep("hpa:target=0.4..0.8/2,max=5..6/2")?.len(), 4);
/// assert_eq!(sweep("bandit:headrooms=0.9/1/1.2")?, ["bandit:headrooms=0.9/1/1.2"]);
/// # Ok::<(), ibn_sim::Error>(())
/// ```
///
/// # Errors
/// [`Error::Autoscaler`] for a sweep that can't be read, or that has more than 1,000 settings.
pub fn sweep(text: &str) -> Result<Vec<String>> {
    let Some((name, options)) = text.split_once(':') else {
        return Ok(vec![text.to_owned()]);
    };
    let mut all = vec![Vec::new()];
    for option in options.split(',') {
        let values = match option.split_once('=') {
            Some((key, value)) => values(key, value)?
                .into_iter()
                .map(|value| format!("{key}={value}"))
                .collect(),
            None => vec![option.to_owned()],
        };
        if all.len() * values.len() > MOST {
            return Err(Error::Autoscaler(format!(
                "`{text}` stands for more than {MOST} settings"
            )));
        }
        all = all
            .into_iter()
            .flat_map(|before: Vec<String>| {
                values.iter().map(move |value| {
                    let mut options = before.clone();
                    options.push(value.clone());
                    options
                })
            })
            .collect();
    }
    Ok(all
        .into_iter()
        .map(|options| format!("{name}:{}", options.join(",")))
        .collect())
}

fn values(key: &str, text: &str) -> Result<Vec<String>> {
    let Some((from, rest)) = text.split_once("..") else {
        return Ok(vec![text.to_owned()]);
    };
    let fail = || {
        Error::Autoscaler(format!(
            "`{key}={text}` is no sweep: `{key}=FROM..TO/N` is expected, with two numbers and 2 to {MOST} steps, such as `0.4..0.8/5`"
        ))
    };
    let (to, count) = rest.split_once('/').ok_or_else(fail)?;
    let number = |text: &str| {
        text.trim()
            .parse()
            .ok()
            .filter(|it: &f64| it.is_finite())
            .ok_or_else(fail)
    };
    let (from, to) = (number(from)?, number(to)?);
    let count: usize = count.trim().parse().map_err(|_| fail())?;
    if !(2..=MOST).contains(&count) {
        return Err(fail());
    }
    Ok((0..count)
        .map(|index| {
            let share = index as f64 / (count - 1) as f64;
            // Rounded to what a person would write, so that 0.1 steps don't read 0.30000000000000004.
            let value = from + share * (to - from);
            let rounded: f64 = format!("{value:.9}").parse().unwrap_or(value);
            rounded.to_string()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_a_person_would_write_them() {
        assert_eq!(
            values("t", "0.4..0.8/5").unwrap(),
            ["0.4", "0.5", "0.6", "0.7", "0.8"]
        );
        assert_eq!(values("t", "6..2/3").unwrap(), ["6", "4", "2"]);
    }

    #[test]
    fn what_is_no_sweep_says_what_is() {
        for text in [
            "hpa:target=0.4..0.8",
            "hpa:target=0.4..0.8/1",
            "hpa:target=a..0.8/3",
            "hpa:target=0..1/2000",
            "hpa:target=0..1/100,max=1..100/100",
        ] {
            assert!(sweep(text).is_err(), "{text}");
        }
        assert_eq!(sweep("hpa").unwrap(), ["hpa"]);
    }
}
