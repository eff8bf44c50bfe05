//! Dates in UTC from a Unix time, proleptic Gregorian, without leap seconds (POSIX 4.16).

/// A second of UTC, broken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc {
    /// The year, 1970 and later.
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
/// Gregorian dates repeat after 400 years.
const DAYS_PER_ERA: u64 = 146_097;
/// From 0000-03-01, where eras begin, to 1970-01-01.
const DAYS_BEFORE_EPOCH: u64 = 719_468;

impl Utc {
    /// The date and time that lie `seconds` after 1970-01-01T00:00:00Z.
    ///
    /// Years are counted from March, so that the leap day is a year's last: then months begin at
    /// `(153 * month + 2) / 5` days, and no table is needed.
    pub const fn from_unix(seconds: u64) -> Self {
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
            year: era * 400 + year_of_era + (month <= 2) as u64,
            month: month as u8,
            day: day as u8,
            hour: (second / 3_600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
        }
    }

    /// `MMDDhhmmss`, the ten digits that end a stamp's date in both dialects.
    pub(crate) const fn below_year(&self) -> [u8; 10] {
        let mut digits = [0; 10];
        let fields = [self.month, self.day, self.hour, self.minute, self.second];
        let mut i = 0;
        while i < fields.len() {
            digits[2 * i] = b'0' + fields[i] / 10;
            digits[2 * i + 1] = b'0' + fields[i] % 10;
            i += 1;
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
