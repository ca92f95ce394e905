//! Which contexts share a table.

use crate::fixed_log2::{FRACTION_BITS, entropy};
use crate::noise::context::{ContextMap, MAX_TABLES, N_ACTIVITIES, N_CONTEXTS, N_LEVELS};
use crate::noise::frequencies::Counts;

/// What a table costs in the header, for each token in it, and by itself.
const TOKEN_BITS: u64 = 5;
const TABLE_BITS: u64 = 32;
/// Contexts of which less was seen go with a neighbour at once.
const MIN_COUNT: u32 = 128;

/// A set of contexts with a table.
struct Cluster {
    counts: Counts,
    cost: u64,
}

impl Cluster {
    fn new(counts: Counts, table_weight: f64) -> Self {
        let cost = cost(&counts, table_weight);
        Self { counts, cost }
    }
}

/// What coding these tokens costs, in units of 2^-16 bits, with the table's part in it.
fn cost(counts: &Counts, table_weight: f64) -> u64 {
    let n_used = counts.iter().filter(|&&count| count > 0).count() as u64;
    let table = ((TABLE_BITS + TOKEN_BITS * n_used) << FRACTION_BITS) as f64 * table_weight;
    entropy(counts) + table as u64
}

fn sum(a: &Counts, b: &Counts) -> Counts {
    let mut sum = *a;
    sum.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    sum
}

/// Two clusters that could be one.
struct Pair {
    clusters: [usize; 2],
    /// What a common table costs more than two.
    cost: i64,
}

/// Merges neighbouring contexts as long as that saves, and until there are few enough. `counts` are
/// those of some samples, of which the chunk has `1 / share`.
pub fn cluster(counts: &[Counts], share: f64) -> ContextMap {
    let place = |context: usize| (context / N_LEVELS, context % N_LEVELS);
    let seen: Vec<usize> =
        (0..N_CONTEXTS).filter(|&context| counts[context].iter().any(|&count| count > 0)).collect();
    // Runs of contexts of one activity, each with enough to tell something.
    let mut cluster_of = vec![usize::MAX; N_CONTEXTS];
    let mut merged: Vec<(usize, Counts)> = Vec::new();
    for &context in &seen {
        let is_same_row = |first: usize| place(first).0 == place(context).0;
        match merged.last_mut() {
            Some((first, sum))
                if is_same_row(*first)
                    && (sum.iter().sum::<u32>() < MIN_COUNT
                        || counts[context].iter().sum::<u32>() < MIN_COUNT) =>
            {
                sum.iter_mut().zip(&counts[context]).for_each(|(a, b)| *a += b);
            }
            _ => merged.push((context, counts[context])),
        }
        cluster_of[context] = merged.len() - 1;
    }
    let pairs = neighbours(&merged.iter().map(|&(context, _)| place(context)).collect::<Vec<_>>());
    let mut clusters: Vec<_> =
        merged.into_iter().map(|(_, counts)| Some(Cluster::new(counts, share))).collect();
    let renamed = merge(&mut clusters, pairs, share);

    let mut numbers = vec![0; clusters.len()];
    let there = clusters.iter().enumerate().filter(|(_, cluster)| cluster.is_some());
    there.zip(0u8..).for_each(|((i, _), number)| numbers[i] = number);
    // What was not seen goes with what is before it, so that runs are long.
    let mut last = seen.first().map_or(0, |&context| numbers[renamed[cluster_of[context]]]);
    let tables = cluster_of.iter().map(|&cluster| {
        if cluster != usize::MAX {
            last = numbers[renamed[cluster]];
        }
        last
    });
    ContextMap::new(tables.collect())
}

/// Pairs of clusters whose places, of rising order, are next to each other.
fn neighbours(places: &[(usize, usize)]) -> Vec<[usize; 2]> {
    let mut pairs = Vec::new();
    for (i, &(row, column)) in places.iter().enumerate() {
        if i + 1 < places.len() {
            pairs.push([i, i + 1]);
        }
        // The nearest ones in the next row that has any, and in the same row of later frames.
        for other in [row + 1, row + N_ACTIVITIES] {
            let from = places.partition_point(|place| place.0 < other);
            let Some(next) = places.get(from).map(|place| place.0) else { continue };
            let row = from..places.partition_point(|place| place.0 <= next);
            if let Some(nearest) = row.min_by_key(|&j| places[j].1.abs_diff(column))
                && nearest != i + 1
            {
                pairs.push([i, nearest]);
            }
        }
    }
    pairs
}

/// Merges the pairs that save most, one after the other. Returns which cluster each is now part of.
fn merge(clusters: &mut [Option<Cluster>], pairs: Vec<[usize; 2]>, table_weight: f64) -> Vec<usize> {
    let mut renamed: Vec<usize> = (0..clusters.len()).collect();
    let mut n_left = clusters.len();
    let more = |clusters: &[Option<Cluster>], [a, b]: [usize; 2]| match (&clusters[a], &clusters[b]) {
        (Some(a), Some(b)) => {
            cost(&sum(&a.counts, &b.counts), table_weight) as i64 - a.cost as i64 - b.cost as i64
        }
        _ => i64::MAX,
    };
    let mut pairs: Vec<_> =
        pairs.into_iter().map(|pair| Pair { cost: more(clusters, pair), clusters: pair }).collect();
    while let Some(best) = pairs.iter().min_by_key(|pair| pair.cost) {
        if best.cost >= 0 && n_left <= MAX_TABLES {
            break;
        }
        let [kept, gone] = best.clusters;
        if let (Some(a), Some(b)) = (&clusters[kept], &clusters[gone]) {
            clusters[kept] = Some(Cluster::new(sum(&a.counts, &b.counts), table_weight));
            clusters[gone] = None;
        }
        n_left -= 1;
        renamed.iter_mut().filter(|name| **name == gone).for_each(|name| *name = kept);
        for pair in &mut pairs {
            pair.clusters.iter_mut().filter(|name| **name == gone).for_each(|name| *name = kept);
        }
        pairs.retain(|pair| pair.clusters[0] != pair.clusters[1]);
        for pair in pairs.iter_mut().filter(|pair| pair.clusters.contains(&kept)) {
            pair.cost = more(clusters, pair.clusters);
        }
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::token::N_TOKENS;

    fn counts(of: &[(usize, u32)]) -> Counts {
        let mut counts = [0; N_TOKENS];
        of.iter().for_each(|&(token, count)| counts[token] = count);
        counts
    }

    #[test]
    fn alike_contexts_share_a_table() {
        let mut all = vec![[0; N_TOKENS]; N_CONTEXTS];
        for context in [0, 1, 2, N_LEVELS, N_LEVELS + 1] {
            all[context] = counts(&[(0, 1000), (1, 1000)]);
        }
        all[10 * N_LEVELS] = counts(&[(20, 1000), (21, 1000)]);
        assert_eq!(cluster(&all, 1.0).n_tables(), 2);
    }

    #[test]
    fn there_are_never_too_many_tables() {
        let mut all = vec![[0; N_TOKENS]; N_CONTEXTS];
        for (context, of) in all.iter_mut().enumerate().step_by(7) {
            *of = counts(&[(context % N_TOKENS, 5000), (context % 7, 500)]);
        }
        assert!(cluster(&all, 0.1).n_tables() <= MAX_TABLES);
        assert_eq!(cluster(&vec![[0; N_TOKENS]; N_CONTEXTS], 1.0).n_tables(), 1);
    }
}
