//! Converts between a Unix time and a date and time in UTC, in the Gregorian calendar and without leap
//! seconds, as POSIX defines it (POSIX.1-2017, 4.16 "Seconds Since the Epoch").

/// A date and time in UTC, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc {
    /// The year, 1970 or later.
    pub year: u64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

const SECONDS_PER_DAY: u64 = 86_400;
/// Days of an era: Gregorian dates repeat after 400 years.
const DAYS_PER_ERA: u64 = 146_097;
/// Days from 0000-03-01, when the first era begins, to 1970-01-01.
const DAYS_BEFORE_EPOCH: u64 = 719_468;

impl Utc {
    /// Returns the date and time `seconds` after 1970-01-01T00:00:00Z.
    ///
    /// The computation lets years begin in March, so that the leap day is the last day of a year.
    /// Then month `m` begins on day `(153 * m + 2) / 5`, and no table is needed.
    pub fn from_unix(seconds: u64) -> Self {
        let days = seconds / SECONDS_PER_DAY + DAYS_BEFORE_EPOCH;
        let era = days / DAYS_PER_ERA;
        let day_of_era = days % DAYS_PER_ERA;
        let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
        let year_of_era = (day_of_era - leap_days) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let second = seconds % SECONDS_PER_DAY;
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month: month as u8,
            day: day as u8,
            hour: (second / 3_600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
        }
    }

    /// Returns the seconds since 1970-01-01T00:00:00Z, for a date from 1970 on.
    pub fn to_unix(self) -> u64 {
        let march_month = (u64::from(self.month) + 9) % 12;
        let year = self.year - u64::from(self.month <= 2);
        let (era, year_of_era) = (year / 400, year % 400);
        let day_of_year = (153 * march_month + 2) / 5 + u64::from(self.day) - 1;
        let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * DAYS_PER_ERA + day_of_era - DAYS_BEFORE_EPOCH;
        let [hour, minute, second] = [self.hour, self.minute, self.second].map(u64::from);
        days * SECONDS_PER_DAY + 3_600 * hour + 60 * minute + second
    }

    /// Parses a stamp's date, `YYMMDDhhmmss` or `YYYYMMDDhhmmss`; two digits mean a year from 2000 on.
    /// Returns `None` for a text that is not a date.
    pub(crate) fn parse(date: &[u8]) -> Option<Self> {
        if !date.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let (century, rest) = match date.len() {
            12 => (20, date),
            14 => (pair(&date[..2]), &date[2..]),
            _ => return None,
        };
        let mut fields = rest.chunks_exact(2).map(pair);
        let mut next = || fields.next();
        let (year, month, day) = (next()?, next()?, next()?);
        let (hour, minute, second) = (next()?, next()?, next()?);
        let utc = Self {
            year: u64::from(century) * 100 + u64::from(year),
            month,
            day,
            hour,
            minute,
            second,
        };
        // Reading it back finds every field that is beyond its range.
        (utc.year >= 1970 && (1..=12).contains(&month) && day >= 1)
            .then_some(utc)
            .filter(|utc| Self::from_unix(utc.to_unix()) == *utc)
    }

    /// Returns `MMDDhhmmss`, the last ten digits of a stamp's date in both dialects.
    pub(crate) fn below_year(&self) -> [u8; 10] {
        let mut digits = [0; 10];
        let fields = [self.month, self.day, self.hour, self.minute, self.second];
        let (pairs, _) = digits.as_chunks_mut();
        for (pair, field) in pairs.iter_mut().zip(fields) {
            *pair = [b'0' + field / 10, b'0' + field % 10];
        }
        digits
    }
}

/// Returns the value of two decimal digits.
fn pair(digits: &[u8]) -> u8 {
    digits
        .iter()
        .fold(0, |value, digit| value * 10 + (digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_leap(year: u64) -> bool {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    }

    fn days_of_month(year: u64, month: u8) -> u8 {
        match month {
            4 | 6 | 9 | 11 => 30,
            2 if is_leap(year) => 29,
            2 => 28,
            _ => 31,
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..DAYS_PER_ERA {
            let utc = Utc::from_unix(days * SECONDS_PER_DAY);
            assert_eq!((utc.year, utc.month, utc.day), (year, month, day));
            assert_eq!(utc.to_unix(), days * SECONDS_PER_DAY);
            day += 1;
            if day > days_of_month(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }

    #[test]
    fn every_second_of_a_day_follows_the_one_before() {
        for second in 0..SECONDS_PER_DAY {
            let utc = Utc::from_unix(SECONDS_PER_DAY + second);
            let (hour, minute) = (u64::from(utc.hour), u64::from(utc.minute));
            assert_eq!(hour * 3_600 + minute * 60 + u64::from(utc.second), second);
            assert!(utc.minute < 60 && utc.second < 60);
        }
    }

    #[test]
    fn known_dates_are_right() {
        let known = [
            (0, 1970, *b"0101000000"),
            (951_782_400, 2000, *b"0229000000"),
            (1_795_344_840, 2026, *b"1122105400"),
            (4_107_542_399, 2100, *b"0228235959"),
        ];
        for (seconds, year, below_year) in known {
            let utc = Utc::from_unix(seconds);
            assert_eq!((utc.year, utc.below_year()), (year, below_year));
        }
    }

    #[test]
    fn a_date_is_parsed_and_a_date_that_does_not_exist_is_not() {
        let unix = |text: &str| Utc::parse(text.as_bytes()).map(Utc::to_unix);
        assert_eq!(unix("261122105400"), Some(1_795_344_840));
        assert_eq!(unix("20261122105400"), Some(1_795_344_840));
        assert_eq!(unix("19700101000000"), Some(0));
        assert_eq!(unix("240229235959"), Some(1_709_251_199));
        for text in [
            "",
            "2611221054",
            "26112210540x",
            "+61122105400",
            "260229000000",
            "261322105400",
            "260022105400",
            "261100105400",
            "261122240000",
            "261122106000",
            "261122105460",
            "19691231235959",
            "00001122105400",
        ] {
            assert_eq!(unix(text), None, "{text}");
        }
    }
}
