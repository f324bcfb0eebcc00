//! Which shard does which destination repository.

use std::cmp::Reverse;
use std::collections::HashMap;

/// Rows that a shard gets beyond its even share, in percent, before the next
/// repository goes elsewhere. Smaller is more even, larger more stable.
const SLACK: usize = 5;

/// The shard of each row, from 0 to `shards` - 1, by the full name of the row's
/// destination repository.
///
/// All rows of one repository have the same shard, so that no blob is sent to
/// a repository by two machines. The answer depends on the names and on how
/// often each is there, not on their order: machines with the same rows agree
/// without a word.
///
/// Rendezvous hashing with bounded loads: every repository has an order of its
/// own among the shards and goes to the first with room, large ones first. So
/// no shard has much more than its part, and a list with some rows more keeps
/// nearly all of its repositories where they were. A repository of more rows
/// than a shard's part cannot be split: it makes the part larger.
pub(crate) fn shares(destinations: &[String], shards: usize) -> Vec<usize> {
    let mut rows: HashMap<&str, usize> = HashMap::new();
    for destination in destinations {
        *rows.entry(destination).or_default() += 1;
    }
    let mut repositories: Vec<(&str, usize)> = rows.into_iter().collect();
    repositories.sort_by_key(|(name, rows)| (Reverse(*rows), *name));
    let room = (destinations.len() * (100 + SLACK)).div_ceil(100 * shards.max(1));
    let mut loads = vec![0; shards];
    let mut homes = HashMap::new();
    for (name, rows) in repositories {
        let mut preferred: Vec<usize> = (0..shards).collect();
        preferred.sort_by_key(|shard| Reverse(weight(name, *shard)));
        let with_room = preferred.iter().find(|shard| loads[**shard] + rows <= room);
        let least = || preferred.iter().min_by_key(|shard| loads[**shard]);
        let Some(home) = with_room.or_else(least).copied() else {
            break;
        };
        loads[home] += rows;
        homes.insert(name, home);
    }
    let home = |name: &String| homes.get(name.as_str()).copied().unwrap_or_default();
    destinations.iter().map(home).collect()
}

/// How much a repository prefers a shard: FNV-1a over the name and the shard,
/// mixed by the last step of splitmix64. It is written out here because it is a
/// contract: machines with different builds have to agree.
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

    /// Two hundred repositories of one to twenty rows, as lists are.
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
    fn no_shard_has_much_more_than_its_part() {
        let list = list();
        for shards in [1, 2, 3, 4, 8, 16] {
            let loads = loads(&shares(&list, shards), shards);
            let most = loads.iter().max().copied().unwrap_or_default();
            let part = list.len() as f64 / shards as f64;
            assert!(most as f64 <= part * 1.05 + 1.0, "{shards}: {loads:?}");
            assert_eq!(loads.iter().sum::<usize>(), list.len());
        }
    }

    #[test]
    fn rows_of_a_repository_stay_together_in_whatever_order() {
        let list = list();
        let mut reversed = list.clone();
        reversed.reverse();
        let mut there = shares(&reversed, 5);
        there.reverse();
        let here = shares(&list, 5);
        assert_eq!(here, there);
        let mut homes = HashMap::new();
        for (name, share) in list.iter().zip(here) {
            assert_eq!(*homes.entry(name).or_insert(share), share, "{name}");
        }
    }

    #[test]
    fn further_rows_move_few_repositories() {
        let list = list();
        let mut longer = list.clone();
        longer.extend((0..20).map(|number| format!("r.io/mirror/image-{}", number * 9)));
        longer.push("r.io/mirror/new".to_owned());
        let (before, after) = (shares(&list, 8), shares(&longer, 8));
        let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert!(moved * 20 < list.len(), "{moved} of {}", list.len());
    }

    #[test]
    fn a_contract_between_machines() {
        let names = ["r.io/a", "r.io/b", "r.io/c", "r.io/d", "r.io/e", "r.io/f"];
        let names = names.map(str::to_owned);
        // As computed by another program from the description above.
        assert_eq!(shares(&names, 3), [1, 2, 2, 0, 0, 2]);
    }

    #[test]
    fn more_shards_than_repositories_leave_some_without_work() {
        let list = ["r.io/a", "r.io/a", "r.io/a", "r.io/b"].map(str::to_owned);
        let mut loads = loads(&shares(&list, 4), 4);
        loads.sort_unstable();
        assert_eq!(loads, [0, 0, 1, 3]);
        assert!(shares(&[], 4).is_empty());
    }
}
