//! Plots as inline SVG: an axis below, perhaps one at the left, and layers of marks between them.
//!
//! plotters draws them in fixed colours, one for each [`Role`]. The page's style gives the roles other colours where the
//! reader prefers a dark page, by rules such as `[fill="#1F6FB2"]{fill:var(--posterior)}`: rules of a style sheet
//! outweigh attributes. A drawing that is copied out of the page keeps its light colours.

use super::axis::Axis;
use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Posterior,
    Prior,
    Observed,
    Replicated,
    Text,
    Axis,
    Grid,
}

/// The name of each role in the style sheet, and its colours on a light page and on a dark one.
const ROLES: &[(Role, &str, [u8; 3], [u8; 3])] = &[
    (
        Role::Posterior,
        "posterior",
        [31, 111, 178],
        [108, 178, 240],
    ),
    (Role::Prior, "prior", [179, 86, 13], [240, 163, 92]),
    (Role::Observed, "observed", [28, 32, 36], [236, 238, 240]),
    (
        Role::Replicated,
        "replicated",
        [72, 133, 190],
        [95, 147, 196],
    ),
    (Role::Text, "label", [79, 89, 99], [164, 173, 183]),
    (Role::Axis, "axis", [138, 147, 156], [107, 117, 128]),
    (Role::Grid, "grid", [227, 230, 234], [43, 49, 56]),
];

/// Rules that give every role its colour, to follow the style sheet.
pub(super) fn palette() -> String {
    let hex = |[r, g, b]: [u8; 3]| format!("#{r:02X}{g:02X}{b:02X}");
    let (mut light, mut dark, mut rules) = (String::new(), String::new(), String::new());
    for &(_, name, day, night) in ROLES {
        let key = hex(day);
        light += &format!("--{name}:{key};");
        dark += &format!("--{name}:{};", hex(night));
        rules += &format!("svg [fill=\"{key}\"]{{fill:var(--{name})}}");
        rules += &format!("svg [stroke=\"{key}\"]{{stroke:var(--{name})}}\n");
    }
    // The prior's lines differ from the posterior's by more than their colour.
    rules += &format!(
        "polyline[stroke=\"{}\"]{{stroke-dasharray:22 14}}",
        hex(ROLES[1].2)
    );
    format!(":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{rules}")
}

/// Points of a plot, as (x, y).
pub(super) type Points = Vec<(f64, f64)>;

/// Marks of one kind.
pub(super) enum Marks {
    /// What lies between a curve and 0.
    Area(Points),
    Line(Points),
    Dots(Points),
    /// Small dots, of which there are many.
    Specks(Points),
    /// Hollow dots.
    Rings(Points),
    /// From 0 to a height, between two places on the x axis: (left, right, height).
    Bars(Vec<(f64, f64, f64)>),
    /// Upright, from one height to another: (x, low, high).
    Intervals(Vec<(f64, f64, f64)>),
}

/// Marks with their colour and how opaque they are, from 0 to 1.
pub(super) struct Layer(pub(super) Role, pub(super) f64, pub(super) Marks);

/// A drawing; later layers cover earlier ones.
pub(super) struct Plot {
    /// What it shows, for those who cannot see it.
    pub(super) title: String,
    /// Width and height, in the pixels of a page that shows it at full size.
    pub(super) size: (u32, u32),
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) layers: Vec<Layer>,
}

/// Units of the drawing to a pixel: plotters rounds to whole units.
const FINE: u32 = 4;
/// The height of letters, in pixels.
const FONT: u32 = 12;
/// Widths and radii, in units of the drawing.
const LINE: u32 = 6;
const DOT: u32 = 10;
const SPECK: u32 = 6;
const RING: u32 = 14;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'c> = ChartContext<'c, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Failed<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

impl Plot {
    /// The drawing as an element of a page.
    pub(super) fn draw(&self) -> Markup {
        let (width, height) = (self.size.0 * FINE, self.size.1 * FINE);
        let mut svg = String::new();
        let canvas = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        if let Err(e) = self.draw_on(canvas) {
            return html! { p.note { "This could not be drawn: " (e) } };
        }
        let inside = svg.split_once('>').map_or("", |(_, rest)| rest);
        let inside = inside.rsplit_once("</svg>").map_or("", |(marks, _)| marks);
        let inside = inside
            .replace(" opacity=\"1\"", "")
            .replace(" stroke=\"none\"", "")
            .replace(" font-family=\"sans-serif\"", "");
        html! {
            svg role="img" viewBox=(format!("0 0 {width} {height}")) width=(self.size.0) height=(self.size.1) {
                title { (self.title) }
                (PreEscaped(inside))
            }
        }
    }

    fn draw_on<'a>(&self, canvas: Canvas<'a>) -> Result<(), Failed<'a>> {
        let described = |axis: &Axis| u32::from(!axis.description().is_empty());
        let below = 18 * u32::from(self.x.shown) + 18 * described(&self.x);
        // A digit is a little more than half as wide as it is high.
        let ticks = 12 + 7 * self.y.letters() as u32;
        let left = ticks * u32::from(self.y.shown) + 18 * described(&self.y);
        let mut chart = ChartBuilder::on(&canvas)
            .margin_top(px(8))
            .margin_right(px(if self.x.shown { 16 } else { 1 }))
            .margin_left(px(if self.x.shown && !self.y.shown { 14 } else { 3 }))
            .x_label_area_size(px(below + 1))
            .y_label_area_size(px(left + 1))
            .build_cartesian_2d(self.x.span(), self.y.span())?;
        self.draw_axes(&mut chart)?;
        for layer in &self.layers {
            self.draw_layer(&mut chart, layer)?;
        }
        canvas.present()
    }

    fn draw_axes<'a>(&self, chart: &mut Chart<'a, '_>) -> Result<(), Failed<'a>> {
        let Plot { x, y, size, .. } = self;
        // plotters makes letters smaller by this.
        let font = ("sans-serif", px(FONT) as f64 * 1.24).into_font();
        let text = font.color(&colour(Role::Text));
        let (x_tick, y_tick) = (|v: &f64| x.tick(*v), |v: &f64| y.tick(*v));
        let across = (size.0 as usize / (24 + 7 * x.letters())).max(2);
        let upwards = size.1 as usize / 40;
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh()
            .axis_style(colour(Role::Axis).stroke_width(FINE))
            .bold_line_style(colour(Role::Grid).stroke_width(FINE))
            .light_line_style(TRANSPARENT)
            .label_style(text.clone())
            .axis_desc_style(text)
            .set_all_tick_mark_size(px(3))
            .x_labels(if x.shown { across } else { 0 })
            .y_labels(if y.shown { upwards } else { 0 })
            .x_label_formatter(&x_tick)
            .y_label_formatter(&y_tick);
        // An empty description would be an empty text in the drawing.
        if !x.description().is_empty() {
            mesh.x_desc(x.description());
        }
        if !y.description().is_empty() {
            mesh.y_desc(y.description());
        }
        if !y.shown {
            mesh.disable_y_mesh().disable_y_axis();
        }
        if !x.shown {
            mesh.disable_x_axis();
        }
        mesh.draw()
    }

    fn draw_layer<'a>(&self, chart: &mut Chart<'a, '_>, layer: &Layer) -> Result<(), Failed<'a>> {
        let Layer(role, opacity, marks) = layer;
        let ink = colour(*role).mix(*opacity);
        let (line, fill) = (ink.stroke_width(LINE), ink.filled());
        let at = |&(x, y): &(f64, f64)| (self.x.place(x), self.y.place(y));
        match marks {
            Marks::Area(points) => {
                chart.draw_series(AreaSeries::new(points.iter().map(at), 0.0, ink))?;
            }
            Marks::Line(points) => {
                chart.draw_series(LineSeries::new(points.iter().map(at), line))?;
            }
            Marks::Dots(points) => {
                chart.draw_series(points.iter().map(|p| Circle::new(at(p), DOT, fill)))?;
            }
            Marks::Specks(points) => {
                chart.draw_series(points.iter().map(|p| Circle::new(at(p), SPECK, fill)))?;
            }
            Marks::Rings(points) => {
                chart.draw_series(points.iter().map(|p| Circle::new(at(p), RING, line)))?;
            }
            Marks::Bars(bars) => {
                let bar = |&(left, right, height): &(f64, f64, f64)| {
                    Rectangle::new([at(&(left, 0.0)), at(&(right, height))], fill)
                };
                chart.draw_series(bars.iter().map(bar))?;
            }
            Marks::Intervals(intervals) => {
                let interval = |&(x, low, high): &(f64, f64, f64)| {
                    PathElement::new([at(&(x, low)), at(&(x, high))], line)
                };
                chart.draw_series(intervals.iter().map(interval))?;
            }
        }
        Ok(())
    }
}

/// Pixels in units of the drawing.
fn px(n: u32) -> u32 {
    n * FINE
}

fn colour(role: Role) -> RGBColor {
    let row = ROLES.iter().find(|row| row.0 == role);
    row.map_or(BLACK, |&(_, _, [r, g, b], _)| RGBColor(r, g, b))
}
