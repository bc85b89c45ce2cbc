//! Where buffers lie in the arena: those whose lives do not overlap may share memory.

/// A buffer of `len` numbers that lives from step `from` to step `to`, both included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub len: usize,
    pub from: usize,
    pub to: usize,
}

/// Offsets on cache lines (of `line` numbers), and the end of the last. The largest are placed first, each at the
/// lowest place that is free all its life.
pub(super) fn place(lives: &[Life], line: usize) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(lives[i].len), lives[i].from, i));
    let mut offsets = vec![0; lives.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut end = 0;
    for i in order {
        let len = lives[i].len.next_multiple_of(line);
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .filter(|&&j| lives[j].from <= lives[i].to && lives[i].from <= lives[j].to)
            .map(|&j| (offsets[j], offsets[j] + lives[j].len.next_multiple_of(line)))
            .collect();
        taken.sort_unstable();
        let mut at = 0;
        for (from, to) in taken {
            if at + len <= from {
                break;
            }
            at = at.max(to);
        }
        offsets[i] = at;
        end = end.max(at + len);
        placed.push(i);
    }
    (offsets, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_that_overlap_do_not_share_memory() {
        let life = |len, from, to| Life { len, from, to };
        let lives = [life(10, 0, 2), life(16, 3, 4), life(3, 2, 3), life(8, 5, 5)];
        let (at, end) = place(&lives, 8);
        for i in 0..lives.len() {
            for j in 0..i {
                let together = lives[i].from <= lives[j].to && lives[j].from <= lives[i].to;
                let apart = at[i] + lives[i].len <= at[j] || at[j] + lives[j].len <= at[i];
                assert!(!together || apart, "{i} and {j}");
            }
        }
        assert_eq!(end, 24);
    }
}
