//! The characters that a reader of a log does not see, or that change how the rest of a line is
//! displayed.

/// The characters of the properties `Cf` (format), `Zl` and `Zp` (separators of lines and
/// paragraphs), `Default_Ignorable_Code_Point`, `Co` (private use) and `Noncharacter_Code_Point`, as
/// ranges in ascending order. The source is the database of Unicode 16.0: `DerivedCoreProperties.txt`,
/// `PropList.txt` and `DerivedGeneralCategory.txt`. The two last characters of each plane are
/// noncharacters too; [`is_invisible`] computes them.
const INVISIBLE: [(char, char); 29] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
    ('\u{f0000}', '\u{fffff}'),
    ('\u{100000}', '\u{10ffff}'),
];

/// Returns whether a log must not show `c` as it is, although it is no control character.
pub(super) fn is_invisible(c: char) -> bool {
    // Most characters of log lines are ASCII, none of which is in the table.
    if c.is_ascii() {
        return false;
    }
    let is_end_of_plane = u32::from(c) & 0xfffe == 0xfffe;
    let first_not_before = INVISIBLE.partition_point(|&(_, last)| last < c);
    let is_listed = INVISIBLE
        .get(first_not_before)
        .is_some_and(|&(first, _)| first <= c);
    is_end_of_plane || is_listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_are_in_order() {
        for (first, last) in INVISIBLE {
            assert!(first <= last, "{first:?}");
        }
        for pair in INVISIBLE.windows(2) {
            assert!(pair[0].1 < pair[1].0, "{pair:?}");
        }
    }

    #[test]
    fn the_search_finds_what_a_walk_through_the_table_finds() {
        for c in '\0'..=char::MAX {
            let in_table = INVISIBLE
                .iter()
                .any(|&(first, last)| first <= c && c <= last);
            let is_end_of_plane = matches!(u32::from(c) % 0x1_0000, 0xfffe | 0xffff);
            assert_eq!(is_invisible(c), in_table || is_end_of_plane, "{c:?}");
        }
    }

    #[test]
    fn invisible_characters_are_listed_and_letters_are_not() {
        let invisible = [
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{202e}',
            '\u{2066}',
            '\u{2028}',
            '\u{2029}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{fff9}',
            '\u{e000}',
            '\u{fdd0}',
            '\u{ffff}',
            '\u{1fffe}',
            '\u{e0041}',
            '\u{e01ef}',
            '\u{f0000}',
            '\u{10ffff}',
        ];
        for c in invisible {
            assert!(is_invisible(c), "{c:?}");
        }
        for c in " ~é¬ßж中あ\u{ac}\u{ae}\u{fffc}\u{fffd}😀".chars() {
            assert!(!is_invisible(c), "{c:?}");
        }
    }
}
