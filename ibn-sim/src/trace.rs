//! Reading request traces: counts per interval, or one row a request.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::demand::RateCurve;
use crate::error::{Error, Result};
use crate::time::{common_divisor, nanos};

/// More bins than any trace of requests has (95 years of minutes).
const MAX_BINS: u64 = 50_000_000;

/// How the text of a trace is to be read.
///
/// Two forms are told apart by the first line. A line that is a number begins a *list*: one value a line, each the
/// count of one `unit` (with a unit of 1 s, requests per second). Anything else is the header of a *table* with
/// comma, semicolon or tab between fields.
///
/// In a table, the first column whose first value is a date and time (or a number of seconds under the name `time`,
/// `timestamp`, `ts` or `epoch`) tells when. Rows are summed into bins of `unit` that begin at the first row; a bin
/// without a row counts 0. Which column holds the counts is `column`; where that names the time column, each row is
/// one request; counts of even intervals are refused there. Without a time column the rows are consecutive bins. Empty lines and lines that begin with `#` are
/// skipped.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceFormat {
    /// The column of the counts, matched without case; may be left out where there is one column besides the time.
    pub column: Option<String>,
    /// The width of a bin.
    pub unit: Duration,
    /// The column of how much each request is, such as its tokens; only where each row is one request.
    pub amount: Option<String>,
}

impl Default for TraceFormat {
    fn default() -> Self {
        Self {
            column: None,
            unit: Duration::from_secs(60),
            amount: None,
        }
    }
}

/// Reads the width of a bin: a duration such as `1m` or `5s`, or with `min` for minutes.
///
/// # Errors
/// What is no duration, or is below 1 ms.
pub fn parse_unit(text: &str) -> Result<Duration> {
    let usual = text
        .strip_suffix("min")
        .map_or_else(|| text.to_owned(), |number| format!("{number}m"));
    ibn_core::units::parse_duration(&usual)
        .ok()
        .filter(|unit| *unit >= Duration::from_millis(1))
        .ok_or_else(|| {
            Error::spec(
                "trace.unit",
                format!("`{text}` is not a duration such as `1min` or `5s`"),
            )
        })
}

/// A trace that was read: counts per bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The width of a bin.
    pub unit: Duration,
    /// The count of each bin.
    pub counts: Vec<f64>,
    /// Times of single requests since the first in ns, rising, where each row is a request; else empty.
    pub times: Vec<u64>,
    /// How much each of these requests is, where a column of that was named; else empty.
    pub amounts: Vec<f64>,
}

impl Trace {
    /// Reads a trace file.
    ///
    /// # Errors
    /// A file that can't be read, or the first line that can't be understood, with its number and the reason.
    pub fn read(path: &Path, format: &TraceFormat) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::file(path, source))?;
        Self::parse(&text, format, path)
    }

    /// Reads the text of a trace; `path` is only named in errors.
    ///
    /// # Errors
    /// The first line that can't be understood, with its number and the reason.
    pub fn parse(text: &str, format: &TraceFormat, path: &Path) -> Result<Self> {
        parse(text, format).map_err(|(line, reason)| Error::Trace {
            path: path.to_owned(),
            line,
            reason,
        })
    }

    /// The rate of requests, `scale` times that of the trace. After its end the trace begins again where it `repeats`.
    ///
    /// # Errors
    /// A scale that is not positive and finite, or makes a rate exceed 1e9 requests per second.
    pub fn curve(&self, scale: f64, repeats: bool) -> Result<RateCurve> {
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(Error::spec(
                "trace.scale",
                format!("`{scale}` is not a positive number"),
            ));
        }
        let per_second = scale / self.unit.as_secs_f64();
        RateCurve::new(
            self.unit,
            self.counts.iter().map(|count| count * per_second).collect(),
            repeats,
        )
    }
}

/// An error without its file: line number from 1 and reason.
type Fault = (usize, String);

fn parse(text: &str, format: &TraceFormat) -> Result<Trace, Fault> {
    if format.unit < Duration::from_millis(1) {
        return Err((0, format!("a unit of {:?} is below 1ms", format.unit)));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .peekable();
    let Some(&(first, head)) = lines.peek() else {
        return Err((0, "the trace is empty".to_owned()));
    };
    if head.parse::<f64>().is_ok() {
        if let Some(column) = &format.column {
            return Err((
                first,
                format!("the trace is a list of numbers and has no column `{column}`"),
            ));
        }
        let counts = lines
            .map(|(line, field)| count(line, field))
            .collect::<Result<_, _>>()?;
        return Ok(Trace {
            unit: format.unit,
            counts,
            times: Vec::new(),
            amounts: Vec::new(),
        });
    }
    lines.next();
    let delimiter = [',', ';', '\t']
        .into_iter()
        .find(|d| head.contains(*d))
        .unwrap_or(',');
    let header: Vec<String> = split(head, delimiter)
        .into_iter()
        .map(|name| name.to_lowercase())
        .collect();
    let Some(&(row_line, row)) = lines.peek() else {
        return Err((first, "no row follows the header".to_owned()));
    };
    let mut columns = Columns::find(&header, &split(row, delimiter), format.column.as_deref())
        .map_err(|reason| (row_line.min(first), reason))?;
    if let Some(amount) = &format.amount {
        let place = header
            .iter()
            .position(|name| *name == amount.to_lowercase());
        let fault = match (place, columns.count) {
            (None, _) => format!(
                "there is no column `{amount}`: the columns are {}",
                header.join(", ")
            ),
            (_, Some(_)) => format!(
                "`{amount}` can only be read where each row is one request: name the column of the times"
            ),
            (Some(place), None) => {
                columns.amount = Some(place);
                String::new()
            }
        };
        if !fault.is_empty() {
            return Err((first, fault));
        }
    }
    let columns = columns;
    let rows =
        lines.map(|(line, text)| Row::read(line, &split(text, delimiter), header.len(), columns));
    match columns.time {
        None => {
            let counts = rows
                .map(|row| row.map(|row| row.count))
                .collect::<Result<_, _>>()?;
            Ok(Trace {
                unit: format.unit,
                counts,
                times: Vec::new(),
                amounts: Vec::new(),
            })
        }
        Some(_) if columns.count.is_some() => Ok(binned(rows, format.unit, false)?.trace),
        Some(time) => {
            let binned = binned(rows, format.unit, true)?;
            let name = |index: usize| header.get(index).map_or("", String::as_str);
            let others: Vec<&str> = (0..header.len())
                .filter(|index| *index != time)
                .map(name)
                .collect();
            match binned.even {
                Some(step) if !others.is_empty() => Err((
                    first,
                    format!(
                        "the rows are whole steps of {} apart, so they are no single requests, which `{}` as the column \
                         would make of them: name the column of the counts, one of {}",
                        ibn_core::units::format_duration(step),
                        name(time),
                        others.join(", ")
                    ),
                )),
                _ => Ok(binned.trace),
            }
        }
    }
}

/// Where time and count stand in a row.
#[derive(Debug, Clone, Copy)]
struct Columns {
    time: Option<usize>,
    /// `None` where each row is one request.
    count: Option<usize>,
    /// How much a request is.
    amount: Option<usize>,
}

impl Columns {
    fn find(header: &[String], first_row: &[&str], wanted: Option<&str>) -> Result<Self, String> {
        let known = || format!("the columns are {}", header.join(", "));
        let time = header
            .iter()
            .zip(first_row)
            .position(|(name, field)| instant(field, is_time_name(name)).is_some());
        let others: Vec<usize> = (0..header.len())
            .filter(|index| Some(*index) != time)
            .collect();
        let count = match wanted {
            Some(wanted) => {
                let index = header
                    .iter()
                    .position(|name| *name == wanted.to_lowercase());
                Some(index.ok_or_else(|| format!("there is no column `{wanted}`: {}", known()))?)
            }
            None => match others.as_slice() {
                [] => time,
                [only] => Some(*only),
                _ => return Err(format!("name the column of the counts: {}", known())),
            },
        };
        Ok(Self {
            time,
            count: count.filter(|index| Some(*index) != time),
            amount: None,
        })
    }
}

/// One row: nanoseconds on the trace's own clock, and how many requests.
struct Row {
    line: usize,
    at: i128,
    count: f64,
    amount: Option<f64>,
}

impl Row {
    fn read(line: usize, fields: &[&str], width: usize, columns: Columns) -> Result<Self, Fault> {
        if fields.len() != width {
            return Err((
                line,
                format!("{} fields where the header has {width}", fields.len()),
            ));
        }
        let field = |index: usize| fields.get(index).copied().unwrap_or_default();
        let at = match columns.time {
            Some(index) => instant(field(index), true)
                .ok_or_else(|| (line, format!("`{}` is not a date and time", field(index))))?,
            None => 0,
        };
        let count = columns
            .count
            .map_or(Ok(1.0), |index| count(line, field(index)))?;
        let amount = columns
            .amount
            .map(|index| self::count(line, field(index)))
            .transpose()?;
        Ok(Self {
            line,
            at,
            count,
            amount,
        })
    }
}

/// What rows with times were summed up to.
struct Binned {
    trace: Trace,
    /// The step that all rows are whole multiples of apart, none in the same bin as another: so are counts, not requests.
    even: Option<Duration>,
}

fn binned(
    rows: impl Iterator<Item = Result<Row, Fault>>,
    unit: Duration,
    requests: bool,
) -> Result<Binned, Fault> {
    let unit_nanos = i128::from(nanos(unit));
    let mut counts: Vec<f64> = Vec::new();
    let (mut times, mut amounts) = (Vec::new(), Vec::new());
    let (mut start, mut last, mut rows_read) = (None, i128::MIN, 0u64);
    let (mut smallest_gap, mut step) = (i128::MAX, 0);
    for row in rows {
        let row = row?;
        let start = *start.get_or_insert(row.at);
        if row.at < last {
            return Err((
                row.line,
                "the time is before that of the row above".to_owned(),
            ));
        }
        if rows_read > 0 {
            smallest_gap = smallest_gap.min(row.at - last);
            step = i128::from(common_divisor(gap_nanos(row.at - last), gap_nanos(step)));
        }
        (last, rows_read) = (row.at, rows_read + 1);
        let bin = (row.at - start) / unit_nanos;
        if bin >= i128::from(MAX_BINS) {
            return Err((
                row.line,
                format!("more than {MAX_BINS} bins since the first row: is the unit right?"),
            ));
        }
        counts.resize(counts.len().max(bin as usize + 1), 0.0);
        if let Some(cell) = counts.get_mut(bin as usize) {
            *cell += row.count;
        }
        if requests {
            times.push(u64::try_from(row.at - start).unwrap_or(u64::MAX));
            amounts.extend(row.amount);
        }
    }
    // Counts that are never in neighbouring bins were counted over longer intervals.
    let duration = |gap: i128| Duration::from_nanos(gap_nanos(gap));
    if !requests && rows_read >= 3 && smallest_gap > unit_nanos {
        let gap = duration(smallest_gap);
        return Err((
            0,
            format!(
                "rows are at least {gap:?} apart, so a unit of {unit:?} would leave gaps between all"
            ),
        ));
    }
    Ok(Binned {
        even: (rows_read >= 3 && smallest_gap == step && step >= unit_nanos)
            .then(|| duration(step)),
        trace: Trace {
            unit,
            counts,
            times,
            amounts,
        },
    })
}

/// A gap between rows as whole nanoseconds; those of centuries are all alike.
fn gap_nanos(gap: i128) -> u64 {
    u64::try_from(gap).unwrap_or(u64::MAX)
}

fn is_time_name(name: &str) -> bool {
    matches!(name, "time" | "timestamp" | "ts" | "epoch")
}

/// Nanoseconds of a date and time, with or without a zone; of a number of seconds too where `numbers` are times.
fn instant(field: &str, numbers: bool) -> Option<i128> {
    if let Ok(timestamp) = field.parse::<Timestamp>() {
        return Some(timestamp.as_nanosecond());
    }
    if let Ok(civil) = field.parse::<DateTime>() {
        // Without a zone: differences are all that is used, so any zone without jumps does.
        return Some(
            civil
                .to_zoned(TimeZone::UTC)
                .ok()?
                .timestamp()
                .as_nanosecond(),
        );
    }
    let secs: f64 = field.parse().ok().filter(|_| numbers)?;
    (secs.abs() < 1e11).then_some((secs * 1e9) as i128)
}

fn count(line: usize, field: &str) -> Result<f64, Fault> {
    match field.parse::<f64>() {
        Ok(count) if count.is_finite() && count >= 0.0 => Ok(count),
        Ok(_) => Err((
            line,
            format!("`{field}` is not a count: it must be finite and not negative"),
        )),
        Err(_) => Err((line, format!("`{field}` is not a number"))),
    }
}

/// The fields of a line without the space and the quotes around them; a delimiter between quotes doesn't part fields.
fn split(line: &str, delimiter: char) -> Vec<&str> {
    let mut quoted = false;
    line.split(move |c| {
        quoted ^= c == '"';
        c == delimiter && !quoted
    })
    .map(|field| field.trim().trim_matches('"'))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, column: Option<&str>, unit_secs: u64) -> Result<Trace, String> {
        let format = TraceFormat {
            column: column.map(str::to_owned),
            unit: Duration::from_secs(unit_secs),
            amount: None,
        };
        Trace::parse(text, &format, Path::new("t.csv")).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check_counts(text: &str, column: Option<&str>, unit_secs: u64, counts: &[f64]) {
        assert_eq!(read(text, column, unit_secs).unwrap().counts, counts);
    }

    #[track_caller]
    fn check_error(text: &str, column: Option<&str>, unit_secs: u64, expected: &[&str]) {
        let error = read(text, column, unit_secs).unwrap_err();
        for part in expected {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_list_is_one_count_a_line() {
        check_counts("157\n158\n\n159.5\n", None, 1, &[157.0, 158.0, 159.5]);
    }

    #[test]
    fn minutes_left_out_count_zero() {
        let text =
            "minute,count\n1995-07-01 00:00:00,42\n1995-07-01 00:01:00,61\n1995-07-01 00:04:00,7\n";
        check_counts(text, None, 60, &[42.0, 61.0, 0.0, 0.0, 7.0]);
        check_counts(text, Some("COUNT"), 60, &[42.0, 61.0, 0.0, 0.0, 7.0]);
    }

    #[test]
    fn rows_within_a_unit_are_summed() {
        let text = "period,count\r\n1998-06-10T00:00:00Z,1\r\n1998-06-10T00:01:00Z,2\r\n1998-06-10T00:05:00Z,4\r\n";
        check_counts(text, None, 300, &[3.0, 4.0]);
    }

    #[test]
    fn naming_the_time_column_counts_rows() {
        let text = "TIMESTAMP,In,Out\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:47.0,1,2\n2023-11-16 18:15:48.6805901,3,4\n";
        let trace = read(text, Some("timestamp"), 1).unwrap();
        assert_eq!(trace.counts, [2.0, 0.0, 1.0]);
        assert_eq!(trace.times, [0, 319_410_000, 2_000_000_100]);
        check_counts(text, Some("Out"), 1, &[46.0, 0.0, 4.0]);
        check_error(text, None, 1, &["timestamp, in, out"]);
    }

    #[test]
    fn requests_may_say_how_much_they_are() {
        let text = "TIMESTAMP,In,Out\n2023-11-16 18:15:46.5,374,44\n2023-11-16 18:15:47.0,1,2\n";
        let read = |column: &str, amount: &str| {
            let format = TraceFormat {
                column: Some(column.to_owned()),
                unit: Duration::from_secs(1),
                amount: Some(amount.to_owned()),
            };
            Trace::parse(text, &format, Path::new("t.csv")).map_err(|error| error.to_string())
        };
        assert_eq!(read("timestamp", "Out").unwrap().amounts, [44.0, 2.0]);
        assert!(
            read("timestamp", "Both")
                .unwrap_err()
                .contains("timestamp, in, out")
        );
        assert!(
            read("In", "Out")
                .unwrap_err()
                .contains("each row is one request")
        );
    }

    #[test]
    fn counts_of_even_intervals_are_not_taken_for_requests() {
        let minutes = "period,count\n1998-06-10T00:00:00Z,9\n1998-06-10T00:01:00Z,8\n1998-06-10T00:05:00Z,7\n";
        check_error(
            minutes,
            Some("period"),
            60,
            &["1m apart", "`period`", "one of count"],
        );
        // Seconds in which more than one came, and a list of nothing but times, are requests.
        let seconds = "ts,size\n10,3\n10,4\n12,5\n13,1\n";
        check_counts(seconds, Some("ts"), 1, &[2.0, 0.0, 1.0, 1.0]);
        check_counts("ts\n10\n11\n12\n", None, 1, &[1.0, 1.0, 1.0]);
    }

    #[test]
    fn seconds_are_times_under_a_name_of_time_only() {
        check_counts("ts,n\n10.0,1\n11,2\n13,3\n", None, 1, &[1.0, 2.0, 0.0, 3.0]);
        check_counts("a;n\n10;1\n11;2\n", Some("a"), 1, &[10.0, 11.0]);
    }

    #[test]
    fn quotes_are_taken_off() {
        check_counts(
            "\"timestamp\",\"value\"\n\"2014-04-10 00:04:00\",\"94.0\"\n",
            None,
            300,
            &[94.0],
        );
        assert_eq!(split("\"a,b\",c", ','), ["a,b", "c"]);
    }

    #[test]
    fn errors_name_line_and_reason() {
        check_error(
            "1\n2\nx\n",
            None,
            1,
            &["t.csv", "line 3", "`x` is not a number"],
        );
        check_error("1\n-2\n", None, 1, &["line 2", "not negative"]);
        check_error("1\nNaN\n", None, 1, &["line 2"]);
        check_error(
            "t,n\n2020-01-01 00:00:00,1\n2020-01-01 00:01:00\n",
            None,
            60,
            &["line 3", "1 fields"],
        );
        check_error(
            "t,n\n2020-01-01 00:01:00,1\n2020-01-01 00:00:00,2\n",
            None,
            60,
            &["line 3", "before"],
        );
        check_error(
            "t,n\n2020-01-01 00:01:00,1\nlater,2\n",
            None,
            60,
            &["line 3", "date and time"],
        );
        check_error(
            "t,n\n2020-01-01 00:01:00,1\n",
            Some("m"),
            60,
            &["no column `m`", "t, n"],
        );
        check_error("1\n", Some("m"), 60, &["no column `m`"]);
        check_error("", None, 60, &["empty"]);
        check_error("t,n\n", None, 60, &["no row"]);
    }

    #[test]
    fn a_unit_finer_than_the_rows_is_refused() {
        let text = "t,n\n2014-04-10 00:04:00,1\n2014-04-10 00:09:00,1\n2014-04-10 00:14:00,1\n";
        check_error(text, None, 60, &["300s apart"]);
        check_counts(text, None, 300, &[1.0, 1.0, 1.0]);
    }

    #[test]
    fn rates_are_counts_by_unit_and_scale() {
        let curve = read("60\n120\n", None, 60)
            .unwrap()
            .curve(0.5, false)
            .unwrap();
        assert_eq!(curve.rates(), [0.5, 1.0]);
        assert!(read("1\n", None, 60).unwrap().curve(0.0, false).is_err());
    }

    #[test]
    fn units_are_durations_or_minutes() {
        for (text, secs) in [("1min", 60), ("5m", 300), ("1s", 1), ("1h30m", 5400)] {
            assert_eq!(
                parse_unit(text).unwrap(),
                Duration::from_secs(secs),
                "{text}"
            );
        }
        for text in ["", "min", "5", "1 fortnight", "0s", "10us"] {
            assert!(parse_unit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error =
            Trace::read(Path::new("/nonexistent/t.csv"), &TraceFormat::default()).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/t.csv"), "{error}");
    }
}
