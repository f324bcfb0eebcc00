//! Suggestions for misspelled words.

/// Minimum length of a common part that counts.
const MIN_PART_LENGTH: usize = 4;

/// Maximum edit distance of a typo, in a word more than twice as long.
const MAX_TYPO_DISTANCE: usize = 2;

/// Returns the known word most similar to a misspelled one, ignoring case and `_`.
///
/// A typo ranks first, then a word that contains the other, then the highest Jaro-Winkler similarity,
/// which favors a common prefix.
#[must_use]
pub fn suggest<'known>(
    word: &str,
    known: impl IntoIterator<Item = &'known str>,
) -> Option<&'known str> {
    let word = plain(word);
    let similarity = |known: &str| {
        let known = plain(known);
        let part = |of: &str, part: &str| part.len() >= MIN_PART_LENGTH && of.contains(part);
        let distance = strsim::osa_distance(&word, &known);
        let bonus = if distance <= MAX_TYPO_DISTANCE && distance * 2 < known.len() {
            2.0
        } else if part(&word, &known) || part(&known, &word) {
            1.0
        } else {
            0.0
        };
        strsim::jaro_winkler(&word, &known) + bonus
    };
    let ranked = known.into_iter().map(|known| (similarity(known), known));
    let best = ranked.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    Some(best.1)
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace(['_', '-'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_and_shortened_words_are_recognized() {
        let known = ["latest", "latest_entry", "versionFilter", "versionSource"];
        for (word, expected) in [
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
            assert_eq!(suggest(word, known), Some(expected));
        }
    }
}
