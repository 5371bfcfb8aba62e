//! From times as they were said to instants.

use ibn_core::intent::Validity;
use ibn_core::translation::Translation;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{Span, Timestamp, ToSpan as _, Zoned};

use super::reply::clarify;
use super::sem::{ClockWord, Day, Length, Moment, Period, When, Whole};

type Answer<T> = Result<T, Translation>;

/// Resolves times against an instant in a time zone.
pub(crate) struct Times {
    pub(crate) now: Zoned,
}

impl Times {
    /// The validity that was said, and a note where its bounds rest on a convention.
    pub(crate) fn validity(&self, when: &When) -> Answer<Validity> {
        if let Some(whole) = when.whole {
            return self.whole(whole);
        }
        let from = match &when.from {
            Some(Moment::Now) | None => None,
            Some(moment) => Some(self.moment(moment, &self.now, false)?),
        };
        let until = match (&when.until, when.length) {
            (Some(moment), None) => {
                let after = from.as_ref().unwrap_or(&self.now);
                Some(self.moment(moment, after, true)?)
            }
            (None, Some(length)) => {
                let start = from.as_ref().unwrap_or(&self.now);
                Some(self.plus(start, length)?)
            }
            (None, None) => None,
            (Some(_), Some(_)) => return Err(unclear()),
        };
        if let (Some(from), Some(until)) = (&from, &until)
            && from >= until
        {
            return Err(clarify(
                "time",
                "The end lies before the start. When is it to hold?",
            ));
        }
        if let (Some(Moment::At { day: None, .. }), Some(Moment::At { day: None, .. })) =
            (&when.from, &when.until)
            && let (Some(from), Some(until)) = (&from, &until)
        {
            // `from 9:00 to 17:00` at noon: what is left of today, or tomorrow?
            let (a, b) = (self.shifted(from)?, self.shifted(until)?);
            if a <= self.now && self.now < b {
                return Err(clarify(
                    "time",
                    "That time of day has begun already: do you mean today or tomorrow?",
                ));
            }
        }
        Ok(Validity {
            from: from.as_ref().map(Zoned::timestamp),
            until: until.as_ref().map(Zoned::timestamp),
        })
    }

    fn shifted(&self, zoned: &Zoned) -> Answer<Zoned> {
        zoned.checked_sub(1.day()).map_err(|_| unclear())
    }

    fn whole(&self, whole: Whole) -> Answer<Validity> {
        let today = self.now.date();
        let (from, until) = match whole {
            Whole::FromDay(day) => {
                let date = self.coming(day)?;
                return self.since((date > today).then_some(date));
            }
            Whole::FromNext(period) => return self.since(Some(self.next_period(period)?)),
            Whole::Day(day) => {
                let date = self.coming(day)?;
                let from = (date > today).then_some(date);
                (from, self.later(date, 1.day())?)
            }
            Whole::Weekend => match today.weekday() {
                Weekday::Saturday | Weekday::Sunday => (None, self.next_monday()?),
                _ => {
                    let monday = self.next_monday()?;
                    let saturday = monday.checked_sub(2.days()).map_err(|_| unclear())?;
                    (Some(saturday), monday)
                }
            },
            Whole::Rest(period) => (None, self.next_period(period)?),
            Whole::Next(period) => {
                let start = self.next_period(period)?;
                let span = match period {
                    Period::Day => 1.day(),
                    Period::Week => 1.week(),
                    Period::Month => 1.month(),
                    Period::Year => 1.year(),
                };
                (Some(start), self.later(start, span)?)
            }
        };
        let from = from
            .map(|date| self.zoned(date.to_datetime(Time::midnight())))
            .transpose()?;
        let until = self.zoned(until.to_datetime(Time::midnight()))?;
        Ok(Validity {
            from: from.as_ref().map(Zoned::timestamp),
            until: Some(until.timestamp()),
        })
    }

    /// The day itself, which is not over.
    fn coming(&self, day: Day) -> Answer<Date> {
        let today = self.now.date();
        if let Day::Weekday(weekday) = day
            && weekday == today.weekday()
        {
            return Err(clarify("time", "Do you mean today, or a week from today?"));
        }
        let date = self.date(day)?;
        if date < today {
            return Err(past());
        }
        Ok(date)
    }

    /// From the start of a day on.
    fn since(&self, from: Option<Date>) -> Answer<Validity> {
        let from = from
            .map(|date| self.zoned(date.to_datetime(Time::midnight())))
            .transpose()?;
        Ok(Validity {
            from: from.as_ref().map(Zoned::timestamp),
            until: None,
        })
    }

    fn later(&self, date: Date, span: Span) -> Answer<Date> {
        date.checked_add(span).map_err(|_| unclear())
    }

    fn zoned(&self, local: DateTime) -> Answer<Zoned> {
        local
            .to_zoned(self.now.time_zone().clone())
            .map_err(|_| unclear())
    }

    fn next_monday(&self) -> Answer<Date> {
        let today = self.now.date();
        let days = 7 - i64::from(today.weekday().to_monday_zero_offset());
        self.later(today, days.days())
    }

    fn next_period(&self, period: Period) -> Answer<Date> {
        let today = self.now.date();
        match period {
            Period::Day => self.later(today, 1.day()),
            Period::Week => self.next_monday(),
            Period::Month => self.later(today.first_of_month(), 1.month()),
            Period::Year => self.later(today.first_of_year(), 1.year()),
        }
    }

    /// The day, on or after today where the words leave that open.
    fn date(&self, day: Day) -> Answer<Date> {
        let today = self.now.date();
        match day {
            Day::Today => Ok(today),
            Day::Tomorrow => self.later(today, 1.day()),
            Day::Overmorrow => self.later(today, 2.days()),
            Day::Date(date) => Ok(date),
            Day::Weekday(weekday) => {
                let days = i64::from(today.weekday().until(weekday));
                self.later(today, days.days())
            }
            Day::InYear(month, number) => {
                for year in today.year()..=today.year().saturating_add(8) {
                    if let Ok(date) = Date::new(year, month, number)
                        && date >= today
                    {
                        return Ok(date);
                    }
                }
                Err(no_such_day(None, month, number))
            }
            Day::Never(year, month, number) => Err(no_such_day(Some(year), month, number)),
        }
    }

    /// The first such moment after `after`.
    fn moment(&self, moment: &Moment, after: &Zoned, is_end: bool) -> Answer<Zoned> {
        match moment {
            Moment::Vague(_) => Err(unclear()),
            Moment::Now => Ok(self.now.clone()),
            Moment::In(length) => self.plus(&self.now, *length),
            Moment::Instant(instant) => self.future(instant.to_zoned(self.now.time_zone().clone())),
            Moment::Local(local) => self.future(self.zoned(*local)?),
            Moment::EndOf(period) | Moment::NextPeriod(period) => {
                let date = self.next_period(*period)?;
                self.zoned(date.to_datetime(Time::midnight()))
            }
            Moment::At { day, clock } => self.at(*day, *clock, after, is_end),
        }
    }

    fn at(
        &self,
        day: Option<Day>,
        clock: Option<ClockWord>,
        after: &Zoned,
        is_end: bool,
    ) -> Answer<Zoned> {
        let time = match clock {
            Some(ClockWord::At(time)) => time,
            Some(ClockWord::Midnight) => {
                if day.is_some() {
                    return Err(clarify(
                        "time",
                        "The midnight that begins that day, or the one that ends it?",
                    ));
                }
                Time::midnight()
            }
            Some(ClockWord::Unclear(hour)) => {
                return Err(clarify(
                    "time",
                    format!("{hour} in the morning or in the evening?"),
                ));
            }
            None if is_end => {
                // Where there is no such day, no time on it helps.
                if let Some(day) = day {
                    self.date(day)?;
                }
                return Err(clarify(
                    "time",
                    "Until the start of that day, until its end, or until a time on it?",
                ));
            }
            None => Time::midnight(),
        };
        let Some(day) = day else {
            let today = after.date();
            let first = self.zoned(today.to_datetime(time))?;
            if first > *after {
                return Ok(first);
            }
            let tomorrow = self.later(today, 1.day())?;
            return self.zoned(tomorrow.to_datetime(time));
        };
        let date = self.date(day)?;
        let mut found = self.zoned(date.to_datetime(time))?;
        if let Day::Weekday(_) = day {
            while found <= *after {
                found = found.checked_add(1.week()).map_err(|_| unclear())?;
            }
        }
        // `from tomorrow` needs no time, `from today` is at once.
        if clock.is_none() && date == self.now.date() {
            return Ok(self.now.clone());
        }
        self.future(found)
    }

    fn future(&self, zoned: Zoned) -> Answer<Zoned> {
        if zoned <= self.now {
            return Err(past());
        }
        Ok(zoned)
    }

    fn plus(&self, start: &Zoned, length: Length) -> Answer<Zoned> {
        if length.is_unclear {
            return Err(clarify(
                "time",
                "For how long? A full stop before three digits can be read in two ways: as a fraction, or as thousands.",
            ));
        }
        let span = Span::new()
            .try_months(length.months)
            .and_then(|span| span.try_days(length.days))
            .and_then(|span| span.try_nanoseconds(length.nanos))
            .map_err(|_| unclear())?;
        let end = start.checked_add(span).map_err(|_| unclear())?;
        if end <= *start {
            return Err(clarify("time", "For how long?"));
        }
        Ok(end)
    }
}

/// What two statements about time say together; `None` where they exclude each other.
pub(crate) fn both(a: &When, b: &When) -> Option<When> {
    let simple = |when: &When| when.whole.is_none();
    if a == b {
        return Some(a.clone());
    }
    (simple(a) && simple(b)).then_some(())?;
    let pick = |a: &Option<Moment>, b: &Option<Moment>| match (a, b) {
        (Some(_), Some(_)) => None,
        (Some(it), None) | (None, Some(it)) => Some(Some(it.clone())),
        (None, None) => Some(None),
    };
    let length = match (a.length, b.length) {
        (Some(_), Some(_)) => return None,
        (length, None) | (None, length) => length,
    };
    Some(When {
        from: pick(&a.from, &b.from)?,
        until: pick(&a.until, &b.until)?,
        length,
        whole: None,
    })
}

fn no_such_day(year: Option<i16>, month: i8, day: i8) -> Translation {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = usize::try_from(month)
        .ok()
        .and_then(|month| MONTHS.get(month.checked_sub(1)?))
        .copied()
        .unwrap_or_default();
    let year = year.map_or(String::new(), |year| format!(" {year}"));
    clarify(
        "time",
        format!("There is no {day} {month}{year}. Which day is meant?"),
    )
}

fn unclear() -> Translation {
    clarify("time", "From when until when exactly?")
}

fn past() -> Translation {
    clarify("time", "That time is past. When is it to be?")
}

/// The instant in the zone of that name; `None` where there is no such zone.
pub(crate) fn zoned(now: Timestamp, timezone: &str) -> Option<Zoned> {
    now.in_tz(timezone).ok()
}
