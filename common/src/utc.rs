//! Converts a Unix time to a date and time in UTC, in the Gregorian calendar and without leap
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
}
