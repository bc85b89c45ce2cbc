//! Families that wrap others.

use super::rows::*;

pub fn rows() -> Vec<Row> {
    let all = [
        truncated(),
        integrals(),
        censored(),
        mixture(),
        zero_inflated(),
        hurdle(),
        ordered(),
    ];
    all.into_iter().flatten().collect()
}

/// Families whose distribution function is an integral.
fn integrals() -> Vec<Row> {
    let cut = |family, args: &[f64], lower: f64, upper: f64| {
        let args = args.iter().map(|&x| Given::Number(x)).collect();
        let bounds = [lower, upper].map(Given::Number);
        let all = [dist(family, 0, args)].into_iter().chain(bounds).collect();
        row_of("Truncated", 0, all)
    };
    vec![
        cut("Gamma", &[2.5, 1.5], 0.5, 3.0).scipy(&[
            (0.7, -0.637883541848138),
            (1.6, -0.7478656820714363),
            (2.9, -1.8058050204513973),
        ]),
        cut("InverseGamma", &[3.0, 2.0], 0.5, 3.0).scipy(&[
            (0.7, 0.26825703112163746),
            (1.6, -1.4313144044733779),
            (2.9, -3.2497980078739417),
        ]),
        cut("ChiSquared", &[3.5], 1.0, 6.0).scipy(&[
            (1.2, -1.252228873266182),
            (2.5, -1.3517519919560317),
            (5.5, -2.2604089716828293),
        ]),
        cut("Beta", &[2.5, 1.5], 0.2, 0.7).scipy(&[
            (0.25, 0.0013530355608185607),
            (0.5, 0.8383412523466541),
            (0.69, 1.0824486006288243),
        ]),
        cut("StudentT", &[4.5, 0.5, 2.0], -1.0, 3.0).scipy(&[
            (-0.9, -1.4710325570980107),
            (0.5, -1.1867966463833397),
            (2.5, -1.7386410589042554),
        ]),
        cut("HalfStudentT", &[4.5, 2.0], 0.5, 3.0).scipy(&[
            (0.6, -0.5397373321340095),
            (1.5, -0.8091834551245702),
            (2.9, -1.539550270204925),
        ]),
        row_of(
            "Censored",
            0,
            vec![
                dist("Poisson", 0, vec![Given::Number(3.7)]),
                Given::Absent,
                Given::Fixed(6.0),
            ],
        )
        .scipy(&[
            (0.0, -3.7),
            (3.0, -1.5667610102775185),
            (6.0, -1.7724763596575899),
        ]),
        row_of(
            "Censored",
            0,
            vec![
                dist("Binomial", 0, vec![Given::Fixed(9.0), Given::Number(0.3)]),
                Given::Fixed(1.0),
                Given::Fixed(5.0),
            ],
        )
        .scipy(&[
            (1.0, -1.6296241198877437),
            (3.0, -1.32115127776689),
            (5.0, -2.3145700262476496),
        ]),
        row_of(
            "Censored",
            0,
            vec![
                dist(
                    "NegBinomial",
                    0,
                    vec![Given::Number(4.0), Given::Number(2.5)],
                ),
                Given::Fixed(2.0),
                Given::Fixed(6.0),
            ],
        )
        .scipy(&[
            (2.0, -0.9548218009595365),
            (3.0, -1.9639304319959507),
            (6.0, -1.3427875936091669),
        ]),
    ]
}

fn truncated() -> Vec<Row> {
    vec![
        row_of(
            "Truncated",
            0,
            vec![
                dist("Normal", 0, vec![Given::Number(0.5), Given::Number(2.0)]),
                Given::Number(-1.0),
                Given::Number(3.0),
            ],
        )
        .scipy(&[
            (-0.9, -1.4532036628942888),
            (0.5, -1.2082036628942887),
            (2.9, -1.9282036628942887),
        ]),
        row_of(
            "Truncated",
            0,
            vec![
                dist("Normal", 0, vec![Given::Number(0.5), Given::Number(2.0)]),
                Given::Number(1.0),
                Given::Absent,
            ],
        )
        .scipy(&[(1.1, -0.744023948953483), (4.0, -2.230273948953483)]),
        row_of(
            "Truncated",
            0,
            vec![
                dist("Normal", 0, vec![Given::Number(0.5), Given::Number(2.0)]),
                Given::Absent,
                Given::Number(-2.0),
            ],
        )
        .scipy(&[(-2.1, -0.20946003655029993), (-5.0, -3.1457100365503)]),
        row_of(
            "Truncated",
            0,
            vec![
                dist("Normal", 0, vec![Given::Number(0.0), Given::Number(1.0)]),
                Given::Number(9.0),
                Given::Number(9.5),
            ],
        )
        .scipy(&[(9.1, 1.3135528813677448), (9.4, -1.4614471186322617)])
        .undrawn(),
        row_of(
            "Truncated",
            0,
            vec![
                dist("Normal", 0, vec![Given::Number(0.0), Given::Number(1.0)]),
                Given::Number(-31.0),
                Given::Number(-30.5),
            ],
        )
        .scipy(&[(-30.6, 0.3637989965668604), (-30.9, -8.861201003433052)])
        .undrawn(),
        row_of(
            "Truncated",
            0,
            vec![
                dist("Normal", 0, vec![Given::Number(0.0), Given::Number(1.0)]),
                Given::Number(12.0),
                Given::Absent,
            ],
        )
        .scipy(&[(12.01, 2.371684468364126), (12.5, -3.633265531635877)])
        .undrawn(),
        row_of(
            "Truncated",
            0,
            vec![
                dist("Normal", 0, vec![Given::Number(0.0), Given::Number(1.0)]),
                Given::Number(-50.0),
                Given::Number(-49.0),
            ],
        )
        .scipy(&[(-49.01, 3.4021863584606824), (-49.5, -20.732763641539414)])
        .extreme(),
        row_of(
            "Truncated",
            0,
            vec![
                dist("Geometric", 0, vec![Given::Number(0.3)]),
                Given::Fixed(2.0),
                Given::Fixed(6.0),
            ],
        )
        .scipy(&[
            (2.0, -1.0199658280101076),
            (4.0, -1.7333157158875723),
            (6.0, -2.4466656037650374),
        ]),
        row_of(
            "Truncated",
            0,
            vec![
                dist("Poisson", 0, vec![Given::Number(2.5)]),
                Given::Fixed(1.0),
                Given::Absent,
            ],
        )
        .scipy(&[
            (1.0, -1.4980587843838067),
            (4.0, -1.9272404191092871),
            (9.0, -6.9695604094720345),
        ]),
        row_of(
            "Truncated",
            0,
            vec![
                dist("Poisson", 0, vec![Given::Number(2.0)]),
                Given::Fixed(25.0),
                Given::Absent,
            ],
        )
        .scipy(&[
            (25.0, -0.07978866191065967),
            (26.0, -2.6447380193721965),
            (30.0, -13.268683884960577),
        ])
        .undrawn(),
        row_of(
            "Truncated",
            0,
            vec![
                dist("Binomial", 0, vec![Given::Number(10.0), Given::Number(0.3)]),
                Given::Fixed(0.5),
                Given::Fixed(4.5),
            ],
        )
        .scipy(&[
            (1.0, -1.9148195619852812),
            (2.0, -1.2580400255962123),
            (4.0, -1.41219070542347),
        ]),
        row_of(
            "Truncated",
            0,
            vec![
                dist(
                    "NegBinomial",
                    0,
                    vec![Given::Number(3.0), Given::Number(0.8)],
                ),
                Given::Fixed(1.0),
                Given::Absent,
            ],
        )
        .scipy(&[
            (1.0, -1.3670659084923684),
            (4.0, -2.3018789242173883),
            (20.0, -6.390495014408938),
        ]),
    ]
}

fn censored() -> Vec<Row> {
    vec![
        row_of(
            "Censored",
            0,
            vec![
                dist("Normal", 0, vec![Given::Number(0.5), Given::Number(2.0)]),
                Given::Fixed(-1.0),
                Given::Fixed(3.0),
            ],
        )
        .scipy(&[(0.3, -1.617085713764618), (2.5, -2.112085713764618)])
        .improper(),
        row_of(
            "Censored",
            0,
            vec![
                dist("Normal", 0, vec![Given::Number(0.5), Given::Number(2.0)]),
                Given::Fixed(-1.0),
                Given::Fixed(3.0),
            ],
        )
        .scipy(&[(-1.0, -1.484448229919656), (3.0, -2.247625677214318)])
        .extreme(),
        row_of(
            "Censored",
            0,
            vec![
                dist("Poisson", 0, vec![Given::Number(2.5)]),
                Given::Absent,
                Given::Fixed(4.0),
            ],
        )
        .scipy(&[
            (0.0, -2.5),
            (3.0, -1.5428872736055896),
            (4.0, -1.417067568961742),
        ]),
    ]
}

fn mixture() -> Vec<Row> {
    vec![
        row_of(
            "Mixture",
            0,
            vec![
                vector(&[0.3, 0.7]),
                Given::Distributions(vec![
                    dist("Normal", 0, vec![Given::Number(-1.0), Given::Number(0.5)]),
                    dist("Normal", 0, vec![Given::Number(2.0), Given::Number(1.5)]),
                ]),
            ],
        )
        .scipy(&[
            (-1.0, -1.3296828535987044),
            (0.5, -2.157802899373038),
            (4.0, -2.569967474140458),
        ]),
        row_of(
            "Mixture",
            0,
            vec![
                vector(&[0.3, 0.7]),
                Given::Stack(Box::new(dist(
                    "Normal",
                    0,
                    vec![vector(&[-1.0, 2.0]), vector(&[0.5, 1.5])],
                ))),
            ],
        )
        .scipy(&[
            (-1.0, -1.3296828535987044),
            (0.5, -2.157802899373038),
            (4.0, -2.569967474140458),
        ]),
        row_of(
            "Mixture",
            0,
            vec![
                vector(&[0.3, 0.7]),
                Given::Stack(Box::new(dist("Poisson", 0, vec![vector(&[1.0, 8.0])]))),
            ],
        )
        .scipy(&[
            (0.0, -2.201847340139828),
            (3.0, -3.258857728823038),
            (12.0, -3.390590932603399),
        ]),
        row_of(
            "Mixture",
            0,
            vec![
                vector(&[0.3, 0.7]),
                Given::Distributions(vec![
                    dist("Normal", 0, vec![Given::Number(-1.0), Given::Number(0.5)]),
                    dist("Gamma", 0, vec![Given::Number(3.0), Given::Number(2.0)]),
                ]),
            ],
        )
        .scipy(&[
            (-2.0, -3.429764156970663),
            (-1.0, -1.4297641569706634),
            (1.5, -1.1594475226484897),
        ])
        .quadrature(1e-4),
        row_of(
            "Mixture",
            0,
            vec![
                vector(&[0.3, 0.7]),
                Given::Stack(Box::new(dist(
                    "MvNormal",
                    2,
                    vec![
                        Given::Array(vec![2, 2], vec![-1.0, 0.0, 2.0, 1.0]),
                        Given::Array(vec![2, 2, 2], vec![1.0, 0.0, 0.5, 1.0, 2.0, 0.0, -0.5, 0.7]),
                    ],
                ))),
            ],
        )
        .event(&[2])
        .scipy_at(&[
            (&[0.0, 0.0], -3.492794596752379),
            (&[2.0, 1.5], -2.777560758941999),
        ]),
    ]
}

fn zero_inflated() -> Vec<Row> {
    vec![
        row_of(
            "ZeroInflated",
            0,
            vec![
                Given::Number(0.25),
                dist("Poisson", 0, vec![Given::Number(2.5)]),
            ],
        )
        .scipy(&[
            (0.0, -1.1661513101104868),
            (1.0, -1.871391340577626),
            (6.0, -3.8691888932169514),
        ]),
        row_of(
            "ZeroInflated",
            0,
            vec![
                Given::Number(0.6),
                dist(
                    "NegBinomial",
                    0,
                    vec![Given::Number(3.0), Given::Number(0.8)],
                ),
            ],
        )
        .scipy(&[
            (0.0, -0.33547004634567107),
            (1.0, -2.622338755689835),
            (16.0, -6.65657254592032),
        ]),
    ]
}

fn hurdle() -> Vec<Row> {
    vec![
        row_of(
            "Hurdle",
            0,
            vec![
                Given::Number(0.25),
                dist("Poisson", 0, vec![Given::Number(2.5)]),
            ],
        )
        .scipy(&[
            (0.0, -1.3862943611198906),
            (1.0, -1.7857408568355875),
            (6.0, -3.783538409474913),
        ]),
        row_of(
            "Hurdle",
            0,
            vec![
                Given::Number(0.25),
                dist("Gamma", 0, vec![Given::Number(3.0), Given::Number(2.0)]),
            ],
        )
        .scipy(&[(0.5, -1.2876820724517808), (2.0, -1.5150933502119996)])
        .improper(),
    ]
}

fn ordered() -> Vec<Row> {
    vec![
        row_of(
            "Ordered",
            0,
            vec![dist(
                "Normal",
                0,
                vec![
                    Given::Array(vec![1], vec![0.5]),
                    Given::Array(vec![1], vec![2.0]),
                ],
            )],
        )
        .event(&[3])
        .scipy_at(&[
            (&[-1.0, 0.2, 3.0], -4.118247672065799),
            (&[0.1, 0.2, 0.3], -3.0807476720657987),
        ]),
        row_of(
            "Ordered",
            0,
            vec![dist(
                "Normal",
                0,
                vec![vector(&[0.5, 1.0, 2.0]), Given::Array(vec![1], vec![2.0])],
            )],
        )
        .event(&[3])
        .scipy_at(&[
            (&[-1.0, 0.2, 3.0], -5.322507141293855),
            (&[0.1, 0.2, 0.3], -5.297507141293854),
        ]),
    ]
}
