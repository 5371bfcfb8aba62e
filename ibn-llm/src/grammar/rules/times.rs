//! When something is to hold.

use jiff::civil::{Time, Weekday};

use super::item;
use crate::grammar::decimal::Decimal;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::sem::{ClockWord, Day, Item, Length, Moment, Period, Sem, Unit, When, Whole};

pub(super) fn add(g: &mut Builder) {
    clocks(g);
    days(g);
    lengths(g);
    moments(g);
    whens(g);
}

fn at(time: Time) -> Option<Sem> {
    Some(Sem::Clock(ClockWord::At(time)))
}

fn hour_minute(hour: i64, minute: i64) -> Option<Time> {
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()
}

fn twelve_hour(c: &Caps<'_>, afternoon: bool) -> Option<Sem> {
    let (hour, minute) = match c.clock("c") {
        Some(ClockWord::At(time)) => (i64::from(time.hour()), i64::from(time.minute())),
        Some(_) => return None,
        None => (i64::from(c.num("n")?.to_u32()?), 0),
    };
    (1..=12).contains(&hour).then_some(())?;
    let hour = hour % 12 + if afternoon { 12 } else { 0 };
    at(hour_minute(hour, minute)?)
}

fn clocks(g: &mut Builder) {
    g.rule("clock", &["<c:clocktoken>"], |c| {
        Some(Sem::Clock(c.clock("c")?))
    });
    g.rule(
        "clock",
        &["<c:clocktoken> [o'clock/hours/h]", "<c:clocktoken> uhr"],
        |c| Some(Sem::Clock(c.clock("c")?)),
    );
    g.words(
        "pmword",
        &["pm/p.m", "p.m {stop}", "in the afternoon/evening"],
    );
    g.words("amword", &["am/a.m", "a.m {stop}", "in the morning"]);
    g.rule(
        "clock",
        &["<n:num> [o'clock] <pmword>", "<c:clocktoken> <pmword>"],
        |c| twelve_hour(c, true),
    );
    g.rule(
        "clock",
        &["<n:num> [o'clock] <amword>", "<c:clocktoken> <amword>"],
        |c| twelve_hour(c, false),
    );
    g.rule("clock", &["noon/midday", "12 noon", "twelve noon"], |_| {
        at(hour_minute(12, 0)?)
    });
    g.rule("clock", &["midnight", "12 midnight"], |_| {
        Some(Sem::Clock(ClockWord::Midnight))
    });
    // `18 o'clock` and `18h` are clear, `6 o'clock` isn't.
    g.rule("clock", &["<n:num> o'clock/oclock", "<n:num> h"], |c| {
        bare_hour(c.num("n")?)
    });
    g.costly("bareclock", 15, &["<n:num>"], |c| bare_hour(c.num("n")?));
}

fn bare_hour(number: Decimal) -> Option<Sem> {
    let hour = i64::from(number.to_u32()?);
    match hour {
        13..=23 | 0 => at(hour_minute(hour, 0)?),
        24 => Some(Sem::Clock(ClockWord::Midnight)),
        1..=12 => Some(Sem::Clock(ClockWord::Unclear(hour))),
        _ => None,
    }
}

fn day(day: Day) -> Option<Sem> {
    Some(Sem::Day(day))
}

fn days(g: &mut Builder) {
    g.rule("day", &["today"], |_| day(Day::Today));
    g.rule("day", &["tomorrow"], |_| day(Day::Tomorrow));
    g.rule(
        "day",
        &["the day after tomorrow", "day after tomorrow"],
        |_| day(Day::Overmorrow),
    );
    macro_rules! weekdays {
        ($($words:literal => $weekday:ident),+ $(,)?) => {
            $(g.rule("weekday", &[$words], |_| day(Day::Weekday(Weekday::$weekday)));)+
        };
    }
    weekdays! {
        "monday/mon" => Monday,
        "tuesday/tue/tues" => Tuesday,
        "wednesday/wed" => Wednesday,
        "thursday/thu/thurs" => Thursday,
        "friday/fri" => Friday,
        "saturday/sat" => Saturday,
        "sunday/sun" => Sunday,
    }
    g.rule(
        "day",
        &["[this/coming] <d:weekday>", "this coming <d:weekday>"],
        |c| day(c.day("d")?),
    );
    g.rule("day", &["<d:datetoken>"], |c| day(c.day("d")?));
    macro_rules! months {
        ($($words:literal => $number:literal),+ $(,)?) => {
            $(g.rule("month", &[$words], |_| Some(Sem::Num(Decimal::whole($number))));)+
        };
    }
    months! {
        "january/jan" => 1,
        "february/feb" => 2,
        "march/mar" => 3,
        "april/apr" => 4,
        "may" => 5,
        "june/jun" => 6,
        "july/jul" => 7,
        "august/aug" => 8,
        "september/sep/sept" => 9,
        "october/oct" => 10,
        "november/nov" => 11,
        "december/dec" => 12,
    }
    g.rule(
        "day",
        &[
            "[the] <d:digits> [st/nd/rd/th/{stop}] [of] <m:month>",
            "<m:month> [the] <d:digits> [st/nd/rd/th]",
        ],
        |c| {
            let month = i8::try_from(c.num("m")?.to_u32()?).ok()?;
            let date = i8::try_from(c.num("d")?.to_u32()?).ok()?;
            day(Day::InYear(month, date))
        },
    );
    g.rule(
        "day",
        &[
            "[the] <d:digits> [st/nd/rd/th/{stop}] [of] <m:month> [{comma}] <y:digits>",
            "<m:month> [the] <d:digits> [st/nd/rd/th] [{comma}] <y:digits>",
        ],
        |c| {
            let month = i8::try_from(c.num("m")?.to_u32()?).ok()?;
            let date = i8::try_from(c.num("d")?.to_u32()?).ok()?;
            let year = i16::try_from(c.num("y")?.to_u32()?)
                .ok()
                .filter(|year| *year >= 1000)?;
            day(match jiff::civil::Date::new(year, month, date) {
                Ok(date) => Day::Date(date),
                Err(_) => Day::Never(year, month, date),
            })
        },
    );
}

fn lengths(g: &mut Builder) {
    g.rule(
        "length1",
        &["<n:some> <u:timeunit>", "<n:digits> <u:barem>"],
        |c| {
            let number = c.num("n")?;
            let nanos = match c.qty("u")?.unit {
                Unit::Time(nanos) => i64::try_from(nanos).ok()?,
                Unit::BareM => 60_000_000_000,
                _ => return None,
            };
            // A day is a day of the calendar, an hour is an hour.
            const DAY: i64 = 86_400_000_000_000;
            if nanos % DAY == 0
                && let Some(count) = number.to_u32()
            {
                return Some(Sem::Length(Length {
                    days: i64::from(count).checked_mul(nanos / DAY)?,
                    is_unclear: number.may_be_thousands().is_some(),
                    ..Length::default()
                }));
            }
            let exact = number.times(Decimal::whole(nanos))?;
            Some(Sem::Length(Length {
                nanos: exact.to_string().parse().ok()?,
                is_unclear: number.may_be_thousands().is_some(),
                ..Length::default()
            }))
        },
    );
    g.rule("length1", &["<n:some> month/months"], |c| {
        Some(Sem::Length(Length {
            months: i64::from(c.num("n")?.to_u32()?),
            ..Length::default()
        }))
    });
    g.rule("length1", &["<n:some> year/years"], |c| {
        Some(Sem::Length(Length {
            months: i64::from(c.num("n")?.to_u32()?).checked_mul(12)?,
            ..Length::default()
        }))
    });
    g.rule(
        "length1",
        &["an hour and a half", "one hour and a half"],
        |_| {
            Some(Sem::Length(Length {
                nanos: 5_400_000_000_000,
                ..Length::default()
            }))
        },
    );
    g.rule(
        "length",
        &["<l:length1>", "<l:length1> [and] <l:length1>"],
        |c| {
            let mut total = Length::default();
            for sem in c.all("l") {
                if let Sem::Length(length) = sem {
                    total.months = total.months.checked_add(length.months)?;
                    total.days = total.days.checked_add(length.days)?;
                    total.nanos = total.nanos.checked_add(length.nanos)?;
                    total.is_unclear |= length.is_unclear;
                }
            }
            Some(Sem::Length(total))
        },
    );
}

fn moment(moment: Moment) -> Option<Sem> {
    Some(Sem::Moment(moment))
}

fn moments(g: &mut Builder) {
    g.rule("moment", &["<m:instanttoken>"], |c| moment(c.moment("m")?));
    g.rule("moment", &["<c:clock>"], day_clock);
    g.rule("moment", &["<d:day>"], day_clock);
    g.rule(
        "moment",
        &[
            "<d:day> [{comma}] [at/by] <c:clock>",
            "<c:clock> [{comma}] [on/of] <d:day>",
            "<d:day> [at] <c:bareclock>",
            "<c:clock> [on] [the] <d:day>",
        ],
        day_clock,
    );
    g.rule("moment", &["<c:bareclock>"], day_clock);
    g.rule("moment", &["now", "right now"], |_| moment(Moment::Now));
    g.rule("moment", &["[the] end of [the] day/today"], |_| {
        moment(Moment::EndOf(Period::Day))
    });
    g.rule("moment", &["[the] end of [the/this] week"], |_| {
        moment(Moment::EndOf(Period::Week))
    });
    g.rule("moment", &["[the] end of [the/this] month"], |_| {
        moment(Moment::EndOf(Period::Month))
    });
    g.rule("moment", &["[the] end of [the/this] year"], |_| {
        moment(Moment::EndOf(Period::Year))
    });
    g.rule("moment", &["next week"], |_| {
        moment(Moment::NextPeriod(Period::Week))
    });
    g.rule("moment", &["next month"], |_| {
        moment(Moment::NextPeriod(Period::Month))
    });
    g.rule("moment", &["next year"], |_| {
        moment(Moment::NextPeriod(Period::Year))
    });
    g.rule(
        "vague",
        &[
            "tonight/christmas/easter/thanksgiving/newyear/later/soon/holidays/xmas/halloween",
            "[the] christmas/xmas/easter/thanksgiving [holidays/season/days/eve/day/break/week]",
            "[the] holidays/holiday/night/nights/morning/evening/afternoon/vacation/sale/launch/release/migration/event/campaign/maintenance/peak",
            "[the] black friday [sale/weekend]",
            "cyber monday",
            "new year {possessive} [eve/day]",
            "new year",
            "tomorrow/today/this morning/afternoon/evening/night",
            "next <weekday>", "next <weekday> [at] <clock>",
            "<weekday> morning/afternoon/evening/night",
            "the next/following day/morning",
            "the end",
            "business/office/working/peak hours",
            "lunch/lunchtime/dinner/breakfast/sunrise/sunset/dawn/dusk/rush",
            "[the] maintenance window",
            "next weekend",
            "the day",
            "a/some while/time",
            "[the] summer/winter/spring/autumn/season",
        ],
        |_| Some(Sem::Unit),
    );
    g.rule("moment", &["<vague>"], |_| {
        moment(Moment::Vague(String::new()))
    });
}

fn day_clock(c: &Caps<'_>) -> Option<Sem> {
    moment(Moment::At {
        day: c.day("d"),
        clock: c.clock("c"),
    })
}

fn whens(g: &mut Builder) {
    g.words("untilword", &["until/till/til", "up until/till"]);
    g.words(
        "fromword",
        &[
            "from",
            "starting/beginning/effective [at | on | from | by | as of]",
            "as of",
            "after",
            "not before",
            "starting",
        ],
    );
    g.rule("modifier", &["<w:when>"], |c| c.get("w").cloned());
    g.rule(
        "when",
        &[
            "[but] [only] until/till/til <u:moment>",
            "up until <u:moment>",
            "ending/expiring/ends/expires [at/on] <u:moment>",
            "not/no longer/later than <u:moment>",
            "[valid] until/till <u:moment>",
        ],
        when,
    );
    g.rule(
        "when",
        &[
            "<fromword> <f:moment>",
            "[at/on] <f:atmoment>",
            "<fromword> <f:moment> on/onwards/onward",
        ],
        when,
    );
    // `at 18:00`, `on Friday at 18:00`
    g.rule(
        "atmoment",
        &["<d:day> [at] <c:clock>", "<c:clock> [on] <d:day>"],
        day_clock,
    );
    g.rule("when", &["at <f:clockmoment>"], when);
    g.rule("clockmoment", &["<c:clock>", "<c:bareclock>"], |c| {
        day_clock(c)
    });
    g.rule(
        "when",
        &[
            "<fromword> <f:moment> [{comma}] to/until/till/til/through/{dash} <u:moment>",
            "between <f:moment> and <u:moment>",
            "[on] <f:atmoment> to/until/till/{dash} <u:moment>",
            "starting/beginning [at/on] <f:moment> [and] ending/until/till [at/on] <u:moment>",
            "<f:atmoment> {dash} <u:moment>",
        ],
        when,
    );
    g.rule(
        "when",
        &[
            "[but] [only] for [the] [next/coming/following] <l:length>",
            "during/over the next/coming/following <l:length>",
            "within the next <l:length>",
            "[the] next <l:length>",
        ],
        when,
    );
    g.rule(
        "when",
        &[
            "<fromword> <f:moment> [on] for <l:length>",
            "for [the] [next] <l:length> [starting/from/beginning/after] [from/at] <f:moment>",
            "at <f:clockmoment> for <l:length>",
            "[on] <f:atmoment> for <l:length>",
        ],
        when,
    );
    g.rule(
        "when",
        &[
            "in <s:length>",
            "after <s:length>",
            "<s:length> from now",
            "starting in <s:length>",
        ],
        |c| {
            item(Item::When(When {
                from: Some(Moment::In(c.length("s")?)),
                ..When::default()
            }))
        },
    );
    g.rule(
        "when",
        &[
            "in <s:length> for <l:length>",
            "starting in <s:length> for <l:length>",
        ],
        |c| {
            item(Item::When(When {
                from: Some(Moment::In(c.length("s")?)),
                length: c.length("l"),
                ..When::default()
            }))
        },
    );
    g.rule(
        "when",
        &[
            "from/between <a:clock> to/and/until/till/{dash} <b:clock> [{comma}] [on/of] <d:day>",
            "[on] <d:day> [{comma}] [from/between] <a:clock> to/and/until/till/{dash} <b:clock>",
        ],
        on_day,
    );
    // A whole day, a weekend.
    g.rule(
        "when",
        &[
            "[only] for/during/throughout <d:day> [only]",
            "only [on] <d:day>",
            "[on] <d:day> only",
            "[for] all of <d:day>",
            "all day [on] <d:day>",
            "[for] the whole of <d:day>",
        ],
        |c| whole(Whole::Day(c.day("d")?)),
    );
    g.rule("when", &["[on] <d:day>"], |c| {
        whole(Whole::FromDay(c.day("d")?))
    });
    g.rule(
        "when",
        &[
            "[for/on/over/during/at] the/this [coming] weekend",
            "over the weekend",
        ],
        |_| whole(Whole::Weekend),
    );
    g.rule(
        "when",
        &[
            "[for] [the rest of] this week",
            "[for] the rest of the week",
        ],
        |_| whole(Whole::Rest(Period::Week)),
    );
    g.rule(
        "when",
        &[
            "[for] [the rest of] this month",
            "[for] the rest of the month",
        ],
        |_| whole(Whole::Rest(Period::Month)),
    );
    g.rule("when", &["[for] the rest of the day", "for today"], |_| {
        whole(Whole::Rest(Period::Day))
    });
    g.rule("when", &["[in] next week"], |_| {
        whole(Whole::FromNext(Period::Week))
    });
    g.rule("when", &["[in] next month"], |_| {
        whole(Whole::FromNext(Period::Month))
    });
    g.rule(
        "when",
        &[
            "for/during/throughout [all of] next week",
            "only [in] next week",
        ],
        |_| whole(Whole::Next(Period::Week)),
    );
    g.rule(
        "when",
        &[
            "for/during/throughout [all of] next month",
            "only [in] next month",
        ],
        |_| whole(Whole::Next(Period::Month)),
    );
    // What words don't fix.
    g.rule(
        "when",
        &[
            "[for/on/over/during/at/by/in/before/throughout] [the] <vague>",
            "<untilword2> <vague>",
            "before <moment>",
            "by <moment>",
            "for [a/some] while/time/bit",
            "temporarily",
            "for now",
            "for the moment",
            "for the time being",
            "until further notice",
            "during/over <vague>",
        ],
        |_| {
            item(Item::When(When {
                from: Some(Moment::Vague(String::new())),
                ..When::default()
            }))
        },
    );
    g.words("untilword2", &["until/till/til/before/by/from/after"]);
}

fn whole(whole: Whole) -> Option<Sem> {
    item(Item::When(When {
        whole: Some(whole),
        ..When::default()
    }))
}

fn when(c: &Caps<'_>) -> Option<Sem> {
    let (from, until) = (c.moment("f"), c.moment("u"));
    // `from 14:00 to 17:00 tomorrow` is a matter of the rule for a day behind both.
    if let (
        Some(Moment::At {
            day: None,
            clock: Some(ClockWord::At(a)),
        }),
        Some(Moment::At {
            day: Some(_),
            clock: Some(ClockWord::At(b)),
        }),
    ) = (&from, &until)
        && a < b
    {
        return None;
    }
    item(Item::When(When {
        from,
        until,
        length: c.length("l"),
        whole: None,
    }))
}

/// Two times on one day.
fn on_day(c: &Caps<'_>) -> Option<Sem> {
    let (from, until) = (c.clock("a")?, c.clock("b")?);
    if let (ClockWord::At(a), ClockWord::At(b)) = (from, until)
        && a >= b
    {
        return None;
    }
    let day = c.day("d");
    item(Item::When(When {
        from: Some(Moment::At {
            day,
            clock: Some(from),
        }),
        until: Some(Moment::At {
            day: match until {
                ClockWord::Midnight => None,
                _ => day,
            },
            clock: Some(until),
        }),
        ..When::default()
    }))
}
