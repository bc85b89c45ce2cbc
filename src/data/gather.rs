//! Columns `x.1, x.2, x.3` or `x[1,1], x[1,2], …` brought together as one array `x`.
//!
//! This is how Stan's tools and data frames write a vector or matrix for each row. It is done only
//! where there is no doubt: at least two columns, all numbers, every index from 1 up to the largest
//! there once, and no column named `x` itself. Whatever else there is stays as separate columns.

use super::values::{Entry, Values};
use std::collections::BTreeMap;

/// Replaces complete families of indexed columns by one entry each, at the place of their first.
pub(super) fn gather(entries: Vec<Entry>) -> Vec<Entry> {
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    let families = families(&names, |i| {
        matches!(entries[i].values, Values::Numbers { .. })
    });
    if families.is_empty() {
        return entries;
    }
    // `x.1` and `x[1]` in one table share a stem, but no two members share an index by now.
    let family_of: BTreeMap<usize, &String> = families
        .iter()
        .flat_map(|(stem, members)| members.iter().map(move |&(_, i)| (i, stem)))
        .collect();
    let first_of = |stem: &String| families[stem].iter().map(|&(_, i)| i).min();
    let mut gathered = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        match family_of.get(&i) {
            None => gathered.push(entry.clone()),
            Some(stem) if first_of(stem) == Some(i) => {
                gathered.push(join(stem, &families[*stem], &entries));
            }
            Some(_) => {}
        }
    }
    gathered
}

/// The columns that make an array together, by its name: their indices, sorted, and which columns they are.
pub(super) fn families(
    names: &[&str],
    is_numeric: impl Fn(usize) -> bool,
) -> BTreeMap<String, Vec<(Vec<usize>, usize)>> {
    let mut families: BTreeMap<String, Vec<(Vec<usize>, usize)>> = BTreeMap::new();
    for (i, name) in names.iter().enumerate() {
        if let Some((stem, index)) = split(name) {
            let family = families.entry(stem.to_owned()).or_default();
            family.push((index, i));
        }
    }
    families.retain(|stem, members| {
        members.sort();
        is_complete(members)
            && members.iter().all(|&(_, i)| is_numeric(i))
            && !names.contains(&stem.as_str())
    });
    families
}

/// `x.1.2` and `x[1,2]` as the stem `x` and the index `[1, 2]`.
fn split(name: &str) -> Option<(&str, Vec<usize>)> {
    let index = |text: &str, separator: char| -> Option<Vec<usize>> {
        let part = |p: &str| {
            let p = p.trim();
            let plain = !p.starts_with(['+', '0']);
            if plain { p.parse::<usize>().ok() } else { None }
        };
        text.split(separator).map(part).collect()
    };
    if let Some(body) = name.strip_suffix(']') {
        let (stem, inside) = body.split_once('[')?;
        return Some((stem, index(inside, ',')?)).filter(|(stem, _)| !stem.is_empty());
    }
    let numeric = |c: char| c.is_ascii_digit() || c == '.';
    let stem = name.trim_end_matches(numeric);
    let inside = name[stem.len()..].strip_prefix('.')?;
    Some((stem, index(inside, '.')?)).filter(|(stem, _)| !stem.is_empty())
}

/// Whether sorted indices fill the box from 1 up to the last of them, each once.
fn is_complete(members: &[(Vec<usize>, usize)]) -> bool {
    let Some((last, _)) = members.last() else {
        return false;
    };
    let size = last.iter().try_fold(1_usize, |n, &dim| n.checked_mul(dim));
    members.len() >= 2
        && size == Some(members.len())
        && members
            .iter()
            .enumerate()
            .all(|(flat, (index, _))| *index == unflatten(flat, last))
}

/// The index, from 1, of a flat position in row-major order.
fn unflatten(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, &dim) in index.iter_mut().zip(shape).rev() {
        *i = flat % dim + 1;
        flat /= dim;
    }
    index
}

fn join(stem: &str, members: &[(Vec<usize>, usize)], entries: &[Entry]) -> Entry {
    let columns: Vec<_> = members
        .iter()
        .filter_map(|&(_, i)| entries[i].numbers().ok())
        .collect();
    let rows = columns.first().map_or(0, |c| c.data.len());
    let data = (0..rows)
        .flat_map(|row| columns.iter().map(move |c| c.data[row]))
        .collect();
    let mut missing: Vec<usize> = columns
        .iter()
        .enumerate()
        .flat_map(|(i, c)| c.missing.iter().map(move |row| (i, row)))
        .map(|(i, row)| row * columns.len() + i)
        .collect();
    missing.sort_unstable();
    let mut shape = vec![rows];
    shape.extend(members.last().map_or(&[][..], |(index, _)| index));
    let integer = columns.iter().all(|c| c.integer);
    let boolean = columns.iter().all(|c| c.boolean);
    let values = Values::Numbers {
        shape,
        data,
        missing,
        integer,
        boolean,
    };
    let origin = entries[members[0].1].origin.clone();
    Entry {
        name: stem.to_owned(),
        values,
        origin,
        mixed: None,
        levels: Vec::new(),
    }
}
