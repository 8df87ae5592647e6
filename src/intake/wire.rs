//! What the formats of agencies say alike of an entry's use: status, embargo and signals in, `Release` and `RevisionLabel` out; called by
//! `newsml` and `ninjs`.

use super::date;
use crate::model::{Release, RevisionLabel};

/// `pubStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Usable,
    Withheld,
    Canceled,
}

impl Status {
    /// Of a code such as `stat:canceled`, its prefix and case disregarded. One that is not known holds nothing up: a provider's own code
    /// is more often a kind of "usable" than a wish to be silent.
    pub(super) fn of(code: &str) -> Self {
        let code = code.rsplit([':', '/']).next().unwrap_or_default().trim().to_ascii_lowercase();
        match code.as_str() {
            "withheld" => Self::Withheld,
            "canceled" | "cancelled" => Self::Canceled,
            _ => Self::Usable,
        }
    }
}

/// What a status and an embargo come to. An embargo without date lasts until a later version lifts it, as the IPTC has it, and so does
/// one whose date cannot be read.
pub(super) fn release(status: Status, embargo: Option<&str>) -> Release {
    match (status, embargo) {
        (Status::Canceled, _) => Release::Canceled,
        (Status::Withheld, _) => Release::Withheld,
        (Status::Usable, None) => Release::Usable,
        (Status::Usable, Some(date)) => date::read(date).map_or(Release::Withheld, Release::Until),
    }
}

/// What a signal such as `correction` says of a version; those that say nothing of it are `None`.
pub(super) fn signal(code: &str) -> RevisionLabel {
    match code.trim().to_ascii_lowercase().as_str() {
        "correction" | "corrected" => RevisionLabel::Correction,
        "update" | "updated" | "writethru" => RevisionLabel::Update(None),
        "refile" => RevisionLabel::Refile,
        "kill" | "retraction" | "withdrawal" => RevisionLabel::Kill,
        "advisory" => RevisionLabel::Advisory,
        _ => RevisionLabel::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_embargo_give_the_release() {
        let until = Release::Until("2024-10-31T18:00:00Z".parse().unwrap());
        assert_eq!(release(Status::of("stat:usable"), None), Release::Usable);
        assert_eq!(release(Status::of(""), Some("2024-10-31T18:00:00Z")), until);
        assert_eq!(release(Status::of("usable"), Some("")), Release::Withheld);
        assert_eq!(release(Status::of("http://cv.iptc.org/newscodes/pubstatusg2/withheld"), None), Release::Withheld);
        assert_eq!(release(Status::of("stat:Canceled"), Some("2024-10-31T18:00:00Z")), Release::Canceled);
        assert_eq!(release(Status::of("x:deskapproved"), None), Release::Usable);
    }
}
