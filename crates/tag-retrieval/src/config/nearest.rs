//! The known word that was meant.

/// A part of a word that is shorter says nothing.
const TELLING: usize = 4;

/// So many letters are a slip, in a word that has more than twice as many.
const SLIP: usize = 2;

/// The known word nearest to a wrong one, whatever its case and `_`: one that a slip made it of, else one that
/// is part of the other, else the likest, where a common beginning counts most, since people shorten words.
pub(super) fn nearest<'known>(
    word: &str,
    known: impl IntoIterator<Item = &'known str>,
) -> Option<&'known str> {
    let word = plain(word);
    let likeness = |known: &str| {
        let known = plain(known);
        let part = |of: &str, part: &str| part.len() >= TELLING && of.contains(part);
        let slips = strsim::osa_distance(&word, &known);
        let bonus = if slips <= SLIP && slips * 2 < known.len() {
            2.0
        } else if part(&word, &known) || part(&known, &word) {
            1.0
        } else {
            0.0
        };
        strsim::jaro_winkler(&word, &known) + bonus
    };
    let likeness = known.into_iter().map(|known| (likeness(known), known));
    let best = likeness.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    Some(best.1)
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace(['_', '-'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        let known = ["latest", "latest_entry", "versionFilter", "versionSource"];
        for (word, meant) in [
            ("lastest", "latest"),
            ("filter", "versionFilter"),
            ("latest_entri", "latest_entry"),
            ("latest_enrty", "latest_entry"),
            ("source", "versionSource"),
            ("verisonFilter", "versionFilter"),
            ("latestEntry", "latest_entry"),
            ("version_filter", "versionFilter"),
            ("VERSIONSOURCE", "versionSource"),
        ] {
            assert_eq!(nearest(word, known), Some(meant));
        }
    }
}
