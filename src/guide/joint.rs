//! Several guides side by side, each of blocks of its own.

use super::{Guide, Layout, Stretch};
use crate::graph::{Graph, Var};

/// `q(u) = Π qₖ(uₖ)`; parameters are the locations of all blocks in their order, then for each guide what it has
/// besides.
#[derive(Debug)]
pub(super) struct Joint {
    parts: Vec<Part>,
    /// Where each parameter of the whole is: the part and its stretch.
    slots: Vec<(usize, usize)>,
    layout: Layout,
}

#[derive(Debug)]
struct Part {
    guide: Box<dyn Guide>,
    /// Positions of its blocks in the whole layout.
    blocks: Vec<usize>,
    stretches: Vec<Stretch>,
}

impl Joint {
    /// Of guides with the blocks that they are of; every block has one, those without locations last.
    pub(super) fn new(layout: Layout, guides: Vec<(Box<dyn Guide>, Vec<usize>)>) -> Joint {
        let part = |(guide, blocks): (Box<dyn Guide>, Vec<usize>)| Part {
            stretches: guide.parameters(),
            guide,
            blocks,
        };
        let parts: Vec<Part> = guides.into_iter().map(part).collect();
        let located = |p: &&(usize, &Part)| p.1.guide.locations() > 0;
        let owner = |block: usize| {
            let mut parts = parts.iter().enumerate();
            parts.find_map(|(k, p)| p.blocks.iter().position(|&b| b == block).map(|at| (k, at)))
        };
        let locations = (0..layout.blocks.len()).filter_map(owner);
        let locations = locations.filter(|(k, _)| parts[*k].guide.locations() > 0);
        let numbered: Vec<(usize, &Part)> = parts.iter().enumerate().collect();
        let others = numbered.iter().filter(located);
        let others =
            others.flat_map(|(k, p)| (p.blocks.len()..p.stretches.len()).map(move |at| (*k, at)));
        Joint {
            slots: locations.chain(others).collect(),
            parts,
            layout,
        }
    }

    /// A part's own parameters, from those of the whole.
    fn own<'g>(&self, part: usize, params: &[Var<'g>]) -> Vec<Var<'g>> {
        let own = |at| self.slots.iter().position(|&slot| slot == (part, at));
        let stretches = 0..self.parts[part].stretches.len();
        stretches
            .filter_map(|at| own(at).map(|i| params[i]))
            .collect()
    }

    /// Where a part's parameters lie in the flat vector of the whole, in its own order.
    fn places(&self, part: usize) -> Vec<usize> {
        let size = |&(k, at): &(usize, usize)| self.parts[k].stretches[at].size;
        let start = |i: usize| self.slots[..i].iter().map(size).sum::<usize>();
        let stretches = &self.parts[part].stretches;
        let place = |at| self.slots.iter().position(|&slot| slot == (part, at));
        let stretch = |(at, s): (usize, &Stretch)| {
            let first = place(at).map_or(0, start);
            first..first + s.size
        };
        stretches.iter().enumerate().flat_map(stretch).collect()
    }

    /// Where a part's coordinates lie in `u`.
    fn coordinates(&self, part: usize) -> Vec<usize> {
        let size = |b: &usize| self.layout.blocks[*b].size;
        let start = |b: usize| {
            self.layout.blocks[..b]
                .iter()
                .map(|b| b.size)
                .sum::<usize>()
        };
        let blocks = self.parts[part].blocks.iter();
        blocks
            .flat_map(|b| start(*b)..start(*b) + size(b))
            .collect()
    }

    fn pick(places: &[usize], from: &[f64]) -> Vec<f64> {
        places.iter().map(|&i| from[i]).collect()
    }

    fn put(places: &[usize], values: &[f64], to: &mut [f64]) {
        places.iter().zip(values).for_each(|(&i, &v)| to[i] = v);
    }

    /// The noise of each part.
    fn noises<'g>(&self, noise: Var<'g>) -> Vec<Var<'g>> {
        let mut start = 0;
        let take = |part: &Part| {
            let size = part.guide.noise_size();
            start += size;
            noise.slice(0, start - size, size)
        };
        self.parts.iter().map(take).collect()
    }
}

impl Guide for Joint {
    fn name(&self) -> &'static str {
        "joint"
    }

    fn parameters(&self) -> Vec<Stretch> {
        let stretch = |&(k, at): &(usize, usize)| self.parts[k].stretches[at].clone();
        self.slots.iter().map(stretch).collect()
    }

    fn noise_size(&self) -> usize {
        self.parts.iter().map(|p| p.guide.noise_size()).sum()
    }

    fn locations(&self) -> usize {
        self.parts.iter().map(|p| p.guide.locations()).sum()
    }

    fn sample<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Vec<Var<'g>> {
        let noises = self.noises(noise);
        let mut draws: Vec<Option<Var<'g>>> = vec![None; self.layout.blocks.len()];
        for (k, part) in self.parts.iter().enumerate() {
            let own = part.guide.sample(&self.own(k, params), noises[k]);
            part.blocks
                .iter()
                .zip(own)
                .for_each(|(&b, d)| draws[b] = Some(d));
        }
        draws.into_iter().flatten().collect()
    }

    fn log_density<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Var<'g> {
        let noises = self.noises(noise);
        let parts = self.parts.iter().enumerate();
        let each = parts.map(|(k, p)| p.guide.log_density(&self.own(k, params), noises[k]));
        each.reduce(|a, b| a + b).expect("there are several guides")
    }

    fn entropy<'g>(&self, params: &[Var<'g>], graph: &'g Graph) -> Var<'g> {
        let parts = self.parts.iter().enumerate();
        let each = parts.map(|(k, p)| p.guide.entropy(&self.own(k, params), graph));
        each.reduce(|a, b| a + b).expect("there are several guides")
    }

    fn init(&self, centre: &[f64], sd: &[f64]) -> Vec<f64> {
        let mut params = vec![0.0; self.parameters().iter().map(|p| p.size).sum()];
        for (k, part) in self.parts.iter().enumerate() {
            let at = self.coordinates(k);
            let own = part
                .guide
                .init(&Self::pick(&at, centre), &Self::pick(&at, sd));
            Self::put(&self.places(k), &own, &mut params);
        }
        params
    }

    fn latent(&self, parameter: usize) -> usize {
        let found = (0..self.parts.len()).find_map(|k| {
            let own = self.places(k).iter().position(|&p| p == parameter)?;
            let coordinate = self.parts[k].guide.latent(own);
            self.coordinates(k).get(coordinate).copied()
        });
        found.unwrap_or(0)
    }

    fn scale(&self, params: &[f64], out: &mut [f64]) {
        for (k, part) in self.parts.iter().enumerate() {
            let places = self.places(k);
            let mut own = vec![0.0; places.len()];
            part.guide.scale(&Self::pick(&places, params), &mut own);
            Self::put(&places, &own, out);
        }
    }

    fn moments(&self, params: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let size = self.layout.size();
        let (mut means, mut sds) = (vec![0.0; size], vec![1.0; size]);
        for (k, part) in self.parts.iter().enumerate() {
            let own = part.guide.moments(&Self::pick(&self.places(k), params));
            let at = self.coordinates(k);
            Self::put(&at, &own.0, &mut means);
            Self::put(&at, &own.1, &mut sds);
        }
        (means, sds)
    }
}
