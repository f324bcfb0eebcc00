//! The assignment of destination repositories to shards.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

/// Maximum rows of a shard above its even share, in percent. A smaller value is more even, a larger
/// one keeps more repositories in their shard when the list changes.
const SLACK_PERCENT: usize = 5;

/// Returns the name of the group of each row: rows with the same repository or the same key, directly or
/// through other rows, are one group. Its name is the first of its repositories in the order of texts.
pub(crate) fn group_names<K: Copy + Eq + Hash>(rows: &[(String, Option<K>)]) -> Vec<String> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut repositories: Vec<&str> = rows.iter().map(|(repository, _)| &**repository).collect();
    repositories.sort_unstable();
    repositories.dedup();
    numbers.extend(
        repositories
            .iter()
            .enumerate()
            .map(|(number, name)| (*name, number)),
    );
    // Each repository refers to one before it in its group, the first to itself.
    let mut first: Vec<usize> = (0..repositories.len()).collect();
    let mut of_key: HashMap<K, usize> = HashMap::new();
    let number_of = |repository: &String| numbers.get(repository.as_str()).copied().unwrap_or(0);
    for (repository, key) in rows {
        let number = number_of(repository);
        let Some(key) = key else { continue };
        let other = *of_key.entry(*key).or_insert(number);
        let (one, other) = (root(&mut first, number), root(&mut first, other));
        first[one.max(other)] = one.min(other);
    }
    let name = |(repository, _): &(String, Option<K>)| {
        repositories[root(&mut first, number_of(repository))].to_owned()
    };
    rows.iter().map(name).collect()
}

/// Returns the first repository of a group, and shortens the way to it.
fn root(first: &mut [usize], number: usize) -> usize {
    let mut at = number;
    while first[at] != at {
        first[at] = first[first[at]];
        at = first[at];
    }
    at
}

/// Returns the shard of each row, from 0 to `shards` - 1, given the full names of the destination
/// repositories.
///
/// All rows of one repository have the same shard, so that two machines never send the same blob to
/// a repository. The result depends on the names and their counts, not on their order: machines
/// with the same rows compute the same shards.
///
/// The algorithm is rendezvous hashing with bounded loads. Every repository ranks the shards, and
/// is assigned to the first with capacity, large repositories first. No shard gets much more than
/// its even share, and a few added rows move few repositories. A repository with more rows than the
/// capacity goes to the least loaded shard.
pub(crate) fn shares(destinations: &[String], shards: usize) -> Vec<usize> {
    let mut rows: HashMap<&str, usize> = HashMap::new();
    for destination in destinations {
        *rows.entry(destination).or_default() += 1;
    }
    let mut repositories: Vec<(&str, usize)> = rows.into_iter().collect();
    repositories.sort_by_key(|(name, rows)| (Reverse(*rows), *name));
    let capacity = (destinations.len() * (100 + SLACK_PERCENT)).div_ceil(100 * shards.max(1));
    let mut loads = vec![0; shards];
    let mut assigned = HashMap::new();
    for (name, rows) in repositories {
        let mut preferred: Vec<usize> = (0..shards).collect();
        preferred.sort_by_key(|shard| Reverse(weight(name, *shard)));
        let with_capacity = preferred
            .iter()
            .find(|shard| loads[**shard] + rows <= capacity);
        let least = || preferred.iter().min_by_key(|shard| loads[**shard]);
        let Some(shard) = with_capacity.or_else(least).copied() else {
            break;
        };
        loads[shard] += rows;
        assigned.insert(name, shard);
    }
    let shard_of = |name: &String| assigned.get(name.as_str()).copied().unwrap_or_default();
    destinations.iter().map(shard_of).collect()
}

/// Returns the rank of a shard for a repository: FNV-1a over the name and the shard, mixed by the
/// finalizer of splitmix64. Machines with different builds must compute the same value, so the hash
/// does not depend on a library.
fn weight(name: &str, shard: usize) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = name.bytes().chain((shard as u64).to_le_bytes());
    let hash = bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 200 repositories of 1 to 20 rows.
    fn list() -> Vec<String> {
        let repositories = (0..200).map(|number| (format!("r.io/mirror/image-{number}"), number));
        repositories
            .flat_map(|(name, number)| vec![name; 1 + number * number % 20])
            .collect()
    }

    fn loads(shares: &[usize], shards: usize) -> Vec<usize> {
        let of = |shard| shares.iter().filter(|share| **share == shard).count();
        (0..shards).map(of).collect()
    }

    #[test]
    fn shards_have_at_most_their_share_and_slack() {
        let list = list();
        for shards in [1, 2, 3, 4, 8, 16] {
            let loads = loads(&shares(&list, shards), shards);
            let most = loads.iter().max().copied().unwrap_or_default();
            let share = list.len() as f64 / shards as f64;
            assert!(most as f64 <= share * 1.05 + 1.0, "{shards}: {loads:?}");
            assert_eq!(loads.iter().sum::<usize>(), list.len());
        }
    }

    #[test]
    fn groups_are_connected_by_repositories_and_keys() {
        let rows = [
            ("c", Some(1)),
            ("b", Some(1)),
            ("d", Some(2)),
            ("a", Some(3)),
            ("c", Some(3)),
            ("e", None),
            ("d", Some(4)),
            ("f", Some(4)),
            ("e", Some(5)),
        ];
        let rows = rows.map(|(repository, key)| (repository.to_owned(), key));
        let want = ["a", "a", "d", "a", "a", "e", "d", "d", "e"];
        assert_eq!(group_names(&rows), want);
        let alone = list().into_iter().enumerate();
        let alone: Vec<_> = alone.map(|(key, name)| (name, Some(key))).collect();
        assert_eq!(
            group_names(&alone),
            list(),
            "without targets, each repository is a group"
        );
    }

    #[test]
    fn rows_of_a_repository_have_one_shard_in_any_order() {
        let list = list();
        let mut reversed = list.clone();
        reversed.reverse();
        let mut of_reversed = shares(&reversed, 5);
        of_reversed.reverse();
        let of_list = shares(&list, 5);
        assert_eq!(of_list, of_reversed);
        let mut assigned = HashMap::new();
        for (name, share) in list.iter().zip(of_list) {
            assert_eq!(*assigned.entry(name).or_insert(share), share, "{name}");
        }
    }

    #[test]
    fn added_rows_move_few_repositories() {
        let list = list();
        let mut longer = list.clone();
        longer.extend((0..20).map(|number| format!("r.io/mirror/image-{}", number * 9)));
        longer.push("r.io/mirror/new".to_owned());
        let (before, after) = (shares(&list, 8), shares(&longer, 8));
        let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert!(moved * 20 < list.len(), "{moved} of {}", list.len());
    }

    #[test]
    fn shares_do_not_change_between_versions() {
        let names = ["r.io/a", "r.io/b", "r.io/c", "r.io/d", "r.io/e", "r.io/f"];
        let names = names.map(str::to_owned);
        // Computed by an independent implementation of the description above.
        assert_eq!(shares(&names, 3), [1, 2, 2, 0, 0, 2]);
    }

    #[test]
    fn shards_beyond_the_repositories_are_empty() {
        let list = ["r.io/a", "r.io/a", "r.io/a", "r.io/b"].map(str::to_owned);
        let mut loads = loads(&shares(&list, 4), 4);
        loads.sort_unstable();
        assert_eq!(loads, [0, 0, 1, 3]);
        assert!(shares(&[], 4).is_empty());
    }
}
