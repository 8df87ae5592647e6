//! Names of time zones, as feeds' dates and embargoes use them; read by `intake` and `text`.

/// A zone's offset from UTC in seconds, by its name in capitals. A name that means several zones has none: an hour of error is
/// worse than no date.
pub fn zone_seconds(name: &str) -> Option<i32> {
    let half_hours = match name {
        "Z" | "UT" | "UTC" | "GMT" | "WET" => 0,
        "BST" | "CET" | "MET" | "WEST" => 2,
        "CEST" | "MEST" | "EET" | "SAST" => 4,
        "EEST" | "MSK" => 6,
        "HKT" | "SGT" | "AWST" => 16,
        "JST" | "KST" => 18,
        "ACST" => 19,
        "AEST" => 20,
        "AEDT" => 22,
        "NZST" => 24,
        "NZDT" => 26,
        "EDT" => -8,
        "EST" | "CDT" => -10,
        "CST" | "MDT" => -12,
        "MST" | "PDT" => -14,
        "PST" | "AKDT" => -16,
        "AKST" => -18,
        "HST" => -20,
        _ => return None,
    };
    Some(half_hours * 1_800)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_name_unless_the_name_is_anybodys() {
        assert_eq!(
            (zone_seconds("GMT"), zone_seconds("EST"), zone_seconds("CEST")),
            (Some(0), Some(-18_000), Some(7_200))
        );
        assert_eq!((zone_seconds("IST"), zone_seconds("")), (None, None));
    }
}
