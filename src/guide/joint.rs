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
    /// Which of the whole's parameters are its own, in its own order.
    own: Vec<usize>,
    /// Where their numbers lie in the flat vector of the whole.
    places: Vec<usize>,
    /// Where its coordinates lie in `u`.
    coordinates: Vec<usize>,
}

impl Joint {
    /// Of guides with the blocks that they are of; every block has one, those without locations last.
    pub(super) fn new(layout: Layout, guides: Vec<(Box<dyn Guide>, Vec<usize>)>) -> Joint {
        let starts = starts(layout.blocks.iter());
        let part = |(guide, blocks): (Box<dyn Guide>, Vec<usize>)| Part {
            stretches: guide.parameters(),
            coordinates: blocks
                .iter()
                .flat_map(|&b| starts[b]..starts[b] + layout.blocks[b].size)
                .collect(),
            own: Vec::new(),
            places: Vec::new(),
            guide,
            blocks,
        };
        let mut parts: Vec<Part> = guides.into_iter().map(part).collect();
        let slots = slots(&parts, layout.blocks.len());
        let starts = self::starts(slots.iter().map(|&(k, at)| &parts[k].stretches[at]));
        for (k, part) in parts.iter_mut().enumerate() {
            let of = |at| slots.iter().position(|&slot| slot == (k, at));
            part.own = (0..part.stretches.len()).filter_map(of).collect();
            let place = |(&i, s): (&usize, &Stretch)| starts[i]..starts[i] + s.size;
            part.places = part
                .own
                .iter()
                .zip(&part.stretches)
                .flat_map(place)
                .collect();
        }
        Joint {
            parts,
            slots,
            layout,
        }
    }

    fn pick(places: &[usize], from: &[f64]) -> Vec<f64> {
        places.iter().map(|&i| from[i]).collect()
    }

    fn put(places: &[usize], values: &[f64], to: &mut [f64]) {
        places.iter().zip(values).for_each(|(&i, &v)| to[i] = v);
    }

    /// The parts, each with its own of the whole's parameters.
    fn with_own<'s, 'g>(
        &'s self,
        params: &'s [Var<'g>],
    ) -> impl Iterator<Item = (&'s Part, Vec<Var<'g>>)> {
        let own = |part: &'s Part| (part, part.own.iter().map(|&i| params[i]).collect());
        self.parts.iter().map(own)
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

/// Where each of several stretches begins that lie one after the other.
fn starts<'s>(stretches: impl Iterator<Item = &'s Stretch>) -> Vec<usize> {
    let mut next = 0;
    let start = |s: &Stretch| {
        next += s.size;
        next - s.size
    };
    stretches.map(start).collect()
}

/// The parts' parameters in the order of the whole: locations block by block, then the others part by part.
fn slots(parts: &[Part], blocks: usize) -> Vec<(usize, usize)> {
    let located = |part: &Part| part.guide.locations() > 0;
    let numbered = || parts.iter().enumerate().filter(|(_, p)| located(p));
    let owner = |block: usize| {
        numbered().find_map(|(k, p)| p.blocks.iter().position(|&b| b == block).map(|at| (k, at)))
    };
    let others =
        numbered().flat_map(|(k, p)| (p.blocks.len()..p.stretches.len()).map(move |at| (k, at)));
    (0..blocks).filter_map(owner).chain(others).collect()
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
        for ((part, own), noise) in self.with_own(params).zip(noises) {
            let own = part.guide.sample(&own, noise);
            part.blocks
                .iter()
                .zip(own)
                .for_each(|(&b, d)| draws[b] = Some(d));
        }
        draws.into_iter().flatten().collect()
    }

    fn log_density<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Var<'g> {
        let noises = self.noises(noise);
        let parts = self.with_own(params).zip(noises);
        let each = parts.map(|((part, own), noise)| part.guide.log_density(&own, noise));
        each.reduce(|a, b| a + b).expect("there are several guides")
    }

    fn entropy<'g>(&self, params: &[Var<'g>], graph: &'g Graph) -> Var<'g> {
        let parts = self.with_own(params);
        let each = parts.map(|(part, own)| part.guide.entropy(&own, graph));
        each.reduce(|a, b| a + b).expect("there are several guides")
    }

    fn init(&self, centre: &[f64], sd: &[f64]) -> Vec<f64> {
        let mut params = vec![0.0; self.parameters().iter().map(|p| p.size).sum()];
        for part in &self.parts {
            let at = &part.coordinates;
            let own = part
                .guide
                .init(&Self::pick(at, centre), &Self::pick(at, sd));
            Self::put(&part.places, &own, &mut params);
        }
        params
    }

    fn latent(&self, parameter: usize) -> usize {
        let found = self.parts.iter().find_map(|part| {
            let own = part.places.iter().position(|&p| p == parameter)?;
            part.coordinates.get(part.guide.latent(own)).copied()
        });
        found.unwrap_or(0)
    }

    fn scale(&self, params: &[f64], out: &mut [f64]) {
        for part in &self.parts {
            let mut own = vec![0.0; part.places.len()];
            part.guide
                .scale(&Self::pick(&part.places, params), &mut own);
            Self::put(&part.places, &own, out);
        }
    }

    fn moments(&self, params: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let size = self.layout.size();
        let (mut means, mut sds) = (vec![0.0; size], vec![1.0; size]);
        for part in &self.parts {
            let own = part.guide.moments(&Self::pick(&part.places, params));
            Self::put(&part.coordinates, &own.0, &mut means);
            Self::put(&part.coordinates, &own.1, &mut sds);
        }
        (means, sds)
    }
}
