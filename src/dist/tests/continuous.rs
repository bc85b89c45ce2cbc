//! Continuous families of numbers.

use super::rows::*;
use statrs::distribution::{self as st, Continuous};

pub fn rows() -> Vec<Row> {
    let all = [location_scale(), positive(), bounded()];
    all.into_iter().flatten().collect()
}

fn location_scale() -> Vec<Row> {
    vec![
        row("Normal", 0, &[0.5, 2.0]).statrs(&[-3.0, 0.0, 0.5, 4.0], |x| {
            st::Normal::new(0.5, 2.0).unwrap().ln_pdf(x)
        }),
        row("Normal", 0, &[100.0, 0.01])
            .statrs(&[99.98, 100.0, 100.03], |x| {
                st::Normal::new(100.0, 0.01).unwrap().ln_pdf(x)
            })
            .digits(1e-10),
        row("Normal", 1, &[-1.0, 4.0]).statrs(&[-2.0, -1.2, 0.0], |x| {
            st::Normal::new(-1.0, 0.5).unwrap().ln_pdf(x)
        }),
        row("StudentT", 0, &[5.0, 0.5, 2.0]).statrs(&[-6.0, 0.5, 1.0, 5.0], |x| {
            st::StudentsT::new(0.5, 2.0, 5.0).unwrap().ln_pdf(x)
        }),
        row("StudentT", 0, &[1.5, -1.0, 0.5])
            .statrs(&[-6.0, -1.2, 1.0, 50.0], |x| {
                st::StudentsT::new(-1.0, 0.5, 1.5).unwrap().ln_pdf(x)
            })
            .moments(1),
        row("StudentT", 0, &[300.0, 0.0, 1.0]).scipy(&[
            (-2.0, -2.9131784908730514),
            (0.5, -1.0451363037306707),
            (3.0, -5.368371602347377),
        ]),
        row("StudentT", 0, &[1000000000000.0, 0.0, 1.0])
            .scipy(&[
                (-2.0, -2.9189385332046727),
                (0.5, -1.0439385332046727),
                (3.0, -5.418938533204672),
            ])
            .extreme(),
        row("Cauchy", 0, &[1.0, 2.0])
            .statrs(&[-30.0, 0.0, 1.0, 4.0], |x| {
                st::Cauchy::new(1.0, 2.0).unwrap().ln_pdf(x)
            })
            .moments(0),
        row("Cauchy", 0, &[-5.0, 0.1])
            .statrs(&[-6.0, -5.05, -4.0], |x| {
                st::Cauchy::new(-5.0, 0.1).unwrap().ln_pdf(x)
            })
            .moments(0),
        row("Laplace", 0, &[1.0, 0.5])
            .statrs(&[-1.0, 0.9, 1.2, 3.0], |x| {
                st::Laplace::new(1.0, 0.5).unwrap().ln_pdf(x)
            })
            .quadrature(1e-4),
        row("Laplace", 0, &[0.0, 10.0])
            .statrs(&[-30.0, 1.0, 25.0], |x| {
                st::Laplace::new(0.0, 10.0).unwrap().ln_pdf(x)
            })
            .quadrature(1e-4),
        row("Logistic", 0, &[1.0, 0.5]).scipy(&[
            (-1.0, -3.3431526752756744),
            (0.9, -0.7031305582032384),
            (1.2, -0.7328833242399598),
            (3.0, -3.3431526752756744),
        ]),
        row("Logistic", 0, &[-3.0, 4.0]).scipy(&[
            (-30.0, -8.1386347504716),
            (-3.0, -2.772588722239781),
            (25.0, -8.388117294027438),
        ]),
        row("Logistic", 0, &[0.0, 1.0])
            .scipy(&[(-1000.0, -1000.0), (1000.0, -1000.0)])
            .extreme(),
        row("Gumbel", 0, &[1.0, 0.5]).statrs(&[0.2, 0.9, 1.2, 3.0], |x| {
            st::Gumbel::new(1.0, 0.5).unwrap().ln_pdf(x)
        }),
        row("Gumbel", 0, &[-3.0, 4.0]).statrs(&[-9.0, -3.0, 25.0], |x| {
            st::Gumbel::new(-3.0, 4.0).unwrap().ln_pdf(x)
        }),
        row("SkewNormal", 0, &[1.0, 2.0, 3.0]).scipy(&[
            (-0.5, -5.604503914357945),
            (1.1, -1.5006899537940424),
            (2.0, -1.1130819888169068),
            (6.0, -4.043938533204704),
        ]),
        row("SkewNormal", 0, &[0.0, 0.5, -1.0]).scipy(&[
            (-1.0, -1.5556570814137451),
            (0.0, -0.22579135264472738),
            (0.3, -1.0063479836988103),
        ]),
        row("SkewNormal", 0, &[0.0, 1.0, 0.0]).scipy(&[
            (-1.0, -1.4189385332046727),
            (0.0, -0.9189385332046727),
            (2.0, -2.9189385332046727),
        ]),
    ]
}

fn positive() -> Vec<Row> {
    vec![
        row("LogNormal", 0, &[0.3, 0.7]).statrs(&[0.1, 1.0, 1.5, 6.0], |x| {
            st::LogNormal::new(0.3, 0.7).unwrap().ln_pdf(x)
        }),
        row("LogNormal", 0, &[-2.0, 0.1]).statrs(&[0.1, 0.13, 0.2], |x| {
            st::LogNormal::new(-2.0, 0.1).unwrap().ln_pdf(x)
        }),
        row("LogNormal", 0, &[0.0, 5.0])
            .scipy(&[(1e-200, -3783.5298462295486), (1e+200, -4704.563883427167)])
            .extreme(),
        row("HalfNormal", 0, &[1.5]).scipy(&[
            (0.01, -0.631278682975114),
            (0.5, -0.6868120163084473),
            (1.5, -1.1312564607528919),
            (5.0, -6.186812016308449),
        ]),
        row("HalfNormal", 0, &[20.0]).scipy(&[
            (0.3, -3.2216361261987183),
            (10.0, -3.346523626198718),
            (50.0, -6.346523626198718),
        ]),
        row("HalfStudentT", 0, &[5.0, 2.0]).scipy(&[
            (0.01, -0.9686345890172242),
            (1.0, -1.11499008156302),
            (5.0, -3.4014102377037103),
            (12.0, -7.281022051865347),
        ]),
        row("HalfStudentT", 0, &[2.5, 0.5])
            .scipy(&[
                (0.1, 0.34187640663593255),
                (1.0, -1.3024902611385727),
                (20.0, -10.940646781951731),
            ])
            .moments(2),
        row("HalfStudentT", 0, &[3.0, 1.0])
            .scipy(&[(1e-250, -0.3077416690635645), (1e+250, -2300.695610085773)])
            .extreme(),
        row("HalfCauchy", 0, &[2.0])
            .scipy(&[
                (0.01, -1.1447548855369054),
                (1.0, -1.3678734371636099),
                (4.0, -2.7541677982835004),
                (40.0, -7.138691313155969),
            ])
            .moments(0),
        row("HalfCauchy", 0, &[0.1])
            .scipy(&[
                (0.02, 1.8117816745513093),
                (0.1, 1.1578552071446453),
                (1.0, -2.7641181291366688),
            ])
            .moments(0),
        row("HalfCauchy", 0, &[1.0])
            .scipy(&[(1e-250, -0.4515827052894548), (1e+250, -1151.7441292023123)])
            .extreme(),
        row("Exponential", 0, &[0.5])
            .statrs(&[0.01, 1.0, 8.0], |x| st::Exp::new(0.5).unwrap().ln_pdf(x)),
        row("Exponential", 0, &[1000.0]).statrs(&[0.0001, 0.001, 0.004], |x| {
            st::Exp::new(1000.0).unwrap().ln_pdf(x)
        }),
        row("Exponential", 1, &[4.0]).statrs(&[0.01, 2.0, 16.0], |x| {
            st::Exp::new(0.25).unwrap().ln_pdf(x)
        }),
        row("Gamma", 0, &[2.0, 3.0]).statrs(&[0.05, 0.6, 3.0], |x| {
            st::Gamma::new(2.0, 3.0).unwrap().ln_pdf(x)
        }),
        row("Gamma", 0, &[0.3, 0.1]).statrs(&[1e-06, 0.5, 30.0], |x| {
            st::Gamma::new(0.3, 0.1).unwrap().ln_pdf(x)
        }),
        row("Gamma", 0, &[1000.0, 10.0])
            .statrs(&[90.0, 100.0, 111.0], |x| {
                st::Gamma::new(1000.0, 10.0).unwrap().ln_pdf(x)
            })
            .digits(1e-10),
        row("Gamma", 1, &[2.0, 0.25]).statrs(&[0.05, 0.6, 3.0], |x| {
            st::Gamma::new(2.0, 4.0).unwrap().ln_pdf(x)
        }),
        row("Gamma", 2, &[6.0, 0.5]).statrs(&[0.5, 6.0, 20.0], |x| {
            st::Gamma::new(2.0, 0.3333333333333333).unwrap().ln_pdf(x)
        }),
        row("Gamma", 3, &[6.0, 3.0]).statrs(&[0.5, 6.0, 20.0], |x| {
            st::Gamma::new(4.0, 0.6666666666666666).unwrap().ln_pdf(x)
        }),
        row("InverseGamma", 0, &[5.0, 3.0]).statrs(&[0.2, 0.6, 4.0], |x| {
            st::InverseGamma::new(5.0, 3.0).unwrap().ln_pdf(x)
        }),
        row("InverseGamma", 0, &[1.5, 0.5])
            .statrs(&[0.05, 0.4, 40.0], |x| {
                st::InverseGamma::new(1.5, 0.5).unwrap().ln_pdf(x)
            })
            .moments(1),
        row("ChiSquared", 0, &[3.0]).statrs(&[0.1, 2.0, 9.0], |x| {
            st::ChiSquared::new(3.0).unwrap().ln_pdf(x)
        }),
        row("ChiSquared", 0, &[0.8]).statrs(&[0.001, 0.5, 5.0], |x| {
            st::ChiSquared::new(0.8).unwrap().ln_pdf(x)
        }),
        row("Weibull", 0, &[1.7, 2.0]).statrs(&[0.1, 1.5, 5.0], |x| {
            st::Weibull::new(1.7, 2.0).unwrap().ln_pdf(x)
        }),
        row("Weibull", 0, &[0.6, 0.3]).statrs(&[0.001, 0.2, 4.0], |x| {
            st::Weibull::new(0.6, 0.3).unwrap().ln_pdf(x)
        }),
        row("Pareto", 0, &[2.0, 5.0]).statrs(&[2.01, 3.0, 8.0], |x| {
            st::Pareto::new(2.0, 5.0).unwrap().ln_pdf(x)
        }),
        row("Pareto", 0, &[0.1, 1.5])
            .statrs(&[0.11, 0.3, 20.0], |x| {
                st::Pareto::new(0.1, 1.5).unwrap().ln_pdf(x)
            })
            .moments(1),
    ]
}

fn bounded() -> Vec<Row> {
    vec![
        row("Beta", 0, &[2.0, 3.0]).statrs(&[0.05, 0.4, 0.9], |x| {
            st::Beta::new(2.0, 3.0).unwrap().ln_pdf(x)
        }),
        row("Beta", 0, &[0.3, 1.5]).statrs(&[1e-05, 0.1, 0.8], |x| {
            st::Beta::new(0.3, 1.5).unwrap().ln_pdf(x)
        }),
        row("Beta", 0, &[200.0, 500.0])
            .statrs(&[0.25, 0.28, 0.33], |x| {
                st::Beta::new(200.0, 500.0).unwrap().ln_pdf(x)
            })
            .digits(1e-10),
        row("Beta", 1, &[0.25, 8.0]).statrs(&[0.02, 0.25, 0.6], |x| {
            st::Beta::new(2.0, 6.0).unwrap().ln_pdf(x)
        }),
        row("Uniform", 0, &[-1.0, 3.0]).statrs(&[-0.9, 0.0, 2.5], |x| {
            st::Uniform::new(-1.0, 3.0).unwrap().ln_pdf(x)
        }),
        row("Uniform", 0, &[1000.0, 1001.0]).statrs(&[1000.2, 1000.9], |x| {
            st::Uniform::new(1000.0, 1001.0).unwrap().ln_pdf(x)
        }),
        row("VonMises", 0, &[1.0, 2.0]).scipy(&[
            (-2.5, -4.534783982473894),
            (0.0, -1.581265996156022),
            (1.0, -0.6618706078923016),
            (3.0, -3.4941642809865865),
        ]),
        row("VonMises", 0, &[-3.0, 0.2]).scipy(&[
            (-3.0, -1.647852176950688),
            (-0.5, -2.008080900060075),
            (2.0, -1.7911197398580427),
        ]),
        row("VonMises", 0, &[0.5, 50.0]).scipy(&[
            (0.2, -1.1986281120008484),
            (0.5, 1.0345474317188503),
            (0.8, -1.1986281120008493),
        ]),
        row("Kumaraswamy", 0, &[2.0, 3.0]).scipy(&[
            (0.05, -1.2089790647621728),
            (0.4, 0.5267619630643443),
            (0.9, -1.6350634600730736),
        ]),
        row("Kumaraswamy", 0, &[0.5, 1.5]).scipy(&[
            (0.001, 3.1501287800277447),
            (0.2, 0.22064508340691513),
            (0.8, -1.300287512492606),
        ]),
        row_of("Flat", 0, vec![Given::Absent, Given::Absent])
            .by_hand(&[(-1e9, 0.0), (0.0, 0.0)])
            .improper(),
        row("Flat", 0, &[-1.0, 0.5])
            .by_hand(&[(-0.9, 0.0), (0.3, 0.0)])
            .improper(),
        row("HalfFlat", 0, &[2.0])
            .by_hand(&[(2.1, 0.0), (1e9, 0.0)])
            .improper(),
    ]
}
