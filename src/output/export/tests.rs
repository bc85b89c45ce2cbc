//! A small fit with all that is awkward in it, in every form.

use super::super::{Estimate, Posterior, Quantity, Run};
use super::*;
use crate::types::Base;
use std::collections::BTreeMap;
use std::fs;

fn array(name: &str, shape: &[usize], dims: &[Option<&str>], draws: &[f64]) -> Quantity {
    Quantity {
        name: name.into(),
        shape: shape.to_vec(),
        dims: dims.iter().map(|d| d.map(str::to_owned)).collect(),
        labels: vec![None; shape.len()],
        draws: draws.to_vec(),
        ..Quantity::default()
    }
}

fn run() -> Run {
    Run {
        model: "schools.vi".into(),
        seed: u64::MAX,
        elbo: Some(Estimate {
            mean: -31.5,
            se: f64::NAN,
        }),
        converged: true,
        ..Run::default()
    }
}

/// Two draws of a scalar, an array of a part with labels, a count, truth values and nothing.
fn small() -> InferenceData {
    let labels = ["Zürich", "a, b/c"].map(str::to_owned).to_vec();
    let w = Quantity {
        labels: vec![Some(labels)],
        ..array("h.w", &[2], &[Some("town")], &[1.0, 2.0, 3.0, 4.0])
    };
    let n = Quantity {
        base: Base::Int,
        ..array("n", &[], &[], &[3.0, -4.0])
    };
    let on = Quantity {
        base: Base::Bool,
        ..array("on", &[], &[], &[1.0, 0.0])
    };
    let none = array("none", &[0], &[None], &[]);
    let posterior = Posterior {
        quantities: vec![array("mu", &[], &[], &[0.5, f64::NAN]), w, n, on, none],
        draws: 2,
        log_p: vec![-1.5, f64::NEG_INFINITY],
        log_q: Vec::new(),
    };
    let data = || array("y", &[2], &[Some("N")], &[10.0, 20.0]);
    let size = array("N", &[], &[], &[2.0]);
    let likelihood = array("y", &[2], &[Some("N")], &[-1.0, -2.0, -3.0, -4.0]);
    InferenceData::new(posterior, run())
        .with(Group::LOG_LIKELIHOOD, 2, vec![likelihood])
        .with(Group::OBSERVED_DATA, 1, vec![data()])
        .with(Group::CONSTANT_DATA, 1, vec![size, data()])
        .with(Group::PRIOR, 7, Vec::new())
}

/// The files of a store.
fn store(data: &InferenceData) -> BTreeMap<String, Vec<u8>> {
    let Write::Folder(write) = zarr::FORMAT.write else {
        panic!("a store is a folder");
    };
    let mut files = BTreeMap::new();
    let mut put = |key: &str, bytes: &[u8]| {
        assert!(files.insert(key.to_owned(), bytes.to_vec()).is_none());
        Ok(())
    };
    write(&mut put, data).expect("memory takes everything");
    files
}

fn text(format: &Format, data: &InferenceData) -> String {
    let Write::File(write) = format.write else {
        panic!("{} is a file", format.name);
    };
    let mut bytes = Vec::new();
    write(&mut bytes, data).expect("memory takes everything");
    String::from_utf8(bytes).expect("it is text")
}

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).expect("it is JSON")
}

fn reals(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Names, axes and shapes of a group.
fn axes(data: &InferenceData, group: Group) -> Vec<(String, Vec<String>, Vec<usize>)> {
    let all = dataset::datasets(data);
    let found = all.into_iter().find(|d| d.name == group.name);
    let variables = found.expect("the group is there").variables;
    let of = |a: dataset::Array| (a.name, a.dims, a.shape);
    variables.into_iter().map(of).collect()
}

#[test]
fn a_store_has_metadata_and_chunks_of_every_array() {
    let files = store(&small());
    let chunks: Vec<&str> = (files.keys().map(String::as_str))
        .filter(|key| !key.contains("/.z") && !key.starts_with('.'))
        .collect();
    assert_eq!(
        chunks,
        [
            "constant_data/N/0",
            "constant_data/y/0",
            "log_likelihood/N/0",
            "log_likelihood/chain/0",
            "log_likelihood/draw/0",
            "log_likelihood/y/0.0.0",
            "observed_data/N/0",
            "observed_data/y/0",
            "posterior/chain/0",
            "posterior/draw/0",
            "posterior/h.w/0.0.0",
            "posterior/mu/0.0",
            "posterior/n/0.0",
            "posterior/on/0.0",
            "posterior/town/0",
            "sample_stats/chain/0",
            "sample_stats/draw/0",
            "sample_stats/lp/0.0",
        ]
    );
    assert_eq!(files["posterior/h.w/0.0.0"], reals(&[1.0, 2.0, 3.0, 4.0]));
    assert_eq!(files["posterior/mu/0.0"], reals(&[0.5, f64::NAN]));
    assert_eq!(
        files["sample_stats/lp/0.0"],
        reals(&[-1.5, f64::NEG_INFINITY])
    );
    let whole =
        |values: &[i64]| -> Vec<u8> { values.iter().flat_map(|x| x.to_le_bytes()).collect() };
    assert_eq!(files["posterior/n/0.0"], whole(&[3, -4]));
    assert_eq!(files["posterior/on/0.0"], [1, 0]);
    assert_eq!(files["posterior/draw/0"], whole(&[0, 1]));
    assert_eq!(files["observed_data/N/0"], whole(&[1, 2]));
    let letters = |text: &str| -> Vec<u8> {
        text.chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect()
    };
    assert_eq!(files["posterior/town/0"], letters("Züricha, b/c"));
    let form = |key: &str| json(&files[&format!("posterior/{key}/.zarray")]);
    assert_eq!(
        form("h.w"),
        serde_json::json!({
            "zarr_format": 2, "shape": [1, 2, 2], "chunks": [1, 2, 2], "dtype": "<f8", "order": "C",
            "compressor": null, "filters": null, "fill_value": null,
        })
    );
    assert_eq!(form("town")["dtype"], "<U6");
    assert_eq!(
        (&form("n")["dtype"], &form("on")["dtype"]),
        (&"<i8".into(), &"|b1".into())
    );
    assert_eq!(form("none")["shape"], serde_json::json!([1, 2, 0]));
    assert_eq!(form("none")["chunks"], serde_json::json!([1, 2, 1]));
    let dims = json(&files["posterior/h.w/.zattrs"]);
    assert_eq!(
        dims,
        serde_json::json!({"_ARRAY_DIMENSIONS": ["chain", "draw", "town"]})
    );
    let about = json(&files[".zattrs"]);
    assert_eq!(
        (&about["seed"], &about["elbo"]),
        (&u64::MAX.into(), &(-31.5).into())
    );
    // An error that is not known is not told.
    assert_eq!(about.get("elbo_se"), None);
}

#[test]
fn all_metadata_of_a_store_stand_in_one_file_too() {
    let files = store(&small());
    let all = json(&files[".zmetadata"]);
    let mut metadata = 0;
    for (key, bytes) in files
        .iter()
        .filter(|(k, _)| k.contains(".z") && *k != ".zmetadata")
    {
        assert_eq!(all["metadata"][key], json(bytes), "{key}");
        metadata += 1;
    }
    assert_eq!(
        all["metadata"].as_object().expect("an object").len(),
        metadata
    );
    assert_eq!(all["zarr_consolidated_format"], 1);
}

#[test]
fn large_arrays_are_cut_along_the_draws() {
    // Rows of 3 MB: two draws in a chunk of 8 MB, and the last chunk half empty.
    let width = 3 << 17;
    let values: Vec<f64> = (0..3 * width).map(|i| i as f64).collect();
    let posterior = Posterior {
        quantities: vec![array("x", &[width], &[None], &values)],
        draws: 3,
        ..Posterior::default()
    };
    let files = store(&InferenceData::new(posterior, Run::default()));
    let form = json(&files["posterior/x/.zarray"]);
    assert_eq!(form["chunks"], serde_json::json!([1, 2, width]));
    assert_eq!(files["posterior/x/0.0.0"], reals(&values[..2 * width]));
    let mut last = values[2 * width..].to_vec();
    last.resize(2 * width, 0.0);
    assert_eq!(files["posterior/x/0.1.0"], reals(&last));
    assert!(!files.contains_key("posterior/x/0.2.0"));
}

#[test]
fn axes_have_the_programs_names_where_xarray_can_have_them() {
    let two = |name: &str, dims: &[Option<&str>]| {
        let shape = vec![2; dims.len()];
        array(name, &shape, dims, &vec![0.0; 1 << dims.len()])
    };
    let labelled = Quantity {
        labels: vec![Some(vec!["a".into(), "b".into()])],
        ..two("d", &[Some("J")])
    };
    let posterior = Posterior {
        quantities: vec![
            two("a", &[Some("J"), None]),
            two("cov", &[Some("J"), Some("J")]),
            array("other", &[3], &[Some("J")], &[0.0; 3]),
            labelled,
            two("e", &[Some("draw")]),
            two("chain", &[Some("chain")]),
            two("J", &[Some("J")]),
        ],
        draws: 1,
        ..Posterior::default()
    };
    let found = axes(
        &InferenceData::new(posterior, Run::default()),
        Group::POSTERIOR,
    );
    let found: Vec<(String, String)> = found
        .into_iter()
        .map(|(name, dims, _)| (name, dims[2..].join(" ")))
        .collect();
    let expected = [
        ("a", "J a_dim_1"),
        ("cov", "J cov_dim_1"),
        ("other", "other_dim_0"),
        ("d", "d_dim_0"),
        ("e", "e_dim_0"),
        ("chain_", "chain_dim_0"),
        ("J_", "J"),
    ];
    assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn an_extent_is_told_by_its_axis_alone() {
    let found = axes(&small(), Group::CONSTANT_DATA);
    assert_eq!(found, [("y".into(), vec!["N".into()], vec![2])]);
}

#[test]
fn whole_numbers_that_are_not_are_reals() {
    let values = |base, draws: &[f64]| {
        let quantity = Quantity {
            base,
            ..array("x", &[], &[], draws)
        };
        match dataset::values(&quantity) {
            dataset::Values::Real(_) => "real",
            dataset::Values::Int(_) => "int",
            dataset::Values::Bool(_) => "bool",
            dataset::Values::Text(_) => "text",
        }
    };
    assert_eq!(values(Base::Int, &[1.0, -7.0]), "int");
    assert_eq!(values(Base::Int, &[1.0, f64::NAN]), "real");
    assert_eq!(values(Base::Int, &[0.5]), "real");
    assert_eq!(values(Base::Int, &[1e17]), "real");
    assert_eq!(values(Base::Bool, &[1.0, 0.0]), "bool");
    assert_eq!(values(Base::Bool, &[2.0]), "real");
    assert_eq!(values(Base::Real, &[1.0]), "real");
}

#[test]
fn json_is_a_dictionary_of_groups() {
    let object = json(text(&json::FORMAT, &small()).as_bytes());
    let expected = serde_json::json!({
        "attrs": {
            "inference_library": "elbo", "inference_library_version": env!("CARGO_PKG_VERSION"),
            "model": "schools.vi", "seed": u64::MAX, "elbo": -31.5, "converged": 1,
        },
        "posterior": {
            "mu": [[0.5, null]], "h.w": [[[1.0, 2.0], [3.0, 4.0]]], "n": [[3, -4]], "on": [[true, false]],
            "none": [[[], []]],
        },
        "sample_stats": { "lp": [[-1.5, null]] },
        "log_likelihood": { "y": [[[-1.0, -2.0], [-3.0, -4.0]]] },
        "observed_data": { "y": [10.0, 20.0] },
        "constant_data": { "y": [10.0, 20.0] },
        "coords": { "town": ["Zürich", "a, b/c"], "none_dim_0": [], "N": [1, 2] },
        "dims": { "mu": [], "h.w": ["town"], "n": [], "on": [], "none": ["none_dim_0"], "lp": [], "y": ["N"] },
    });
    assert_eq!(object, expected);
}

#[test]
fn columns_have_the_likelihood_too() {
    let csv = text(&csv::FORMAT, &small());
    let lines: Vec<&str> = csv.lines().filter(|l| !l.starts_with('#')).collect();
    let expected = [
        "lp__,mu,h:w.1,h:w.2,n,on,log_lik.1,log_lik.2",
        "-1.5,0.5,1,2,3,1,-1,-2",
        "-inf,nan,3,4,-4,0,-3,-4",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn columns_that_two_arrays_ask_for_are_two() {
    let likelihood = |name| array(name, &[], &[], &[0.0]);
    let posterior = Posterior {
        quantities: vec![likelihood("y_rep"), likelihood("log_lik_x")],
        draws: 1,
        ..Posterior::default()
    };
    let data = InferenceData::new(posterior, Run::default())
        .with(Group::POSTERIOR_PREDICTIVE, 1, vec![likelihood("y")])
        .with(
            Group::LOG_LIKELIHOOD,
            1,
            vec![likelihood("x"), likelihood("y")],
        );
    let names: Vec<String> = rows::columns(&data).into_iter().map(|c| c.name).collect();
    let expected = ["y_rep", "log_lik_x", "y_rep_", "log_lik_x_", "log_lik_y"];
    assert_eq!(names, expected);
}

#[test]
fn no_draws_are_arrays_of_none() {
    let posterior = Posterior {
        quantities: vec![array("x", &[2], &[None], &[])],
        ..Posterior::default()
    };
    let data = InferenceData::new(posterior, Run::default());
    let files = store(&data);
    assert_eq!(
        json(&files["posterior/x/.zarray"])["shape"],
        serde_json::json!([1, 0, 2])
    );
    assert!(!files.keys().any(|key| key.starts_with("posterior/x/0")));
    assert_eq!(
        json(text(&json::FORMAT, &data).as_bytes())["posterior"]["x"],
        serde_json::json!([[]])
    );
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("none.nc"), &data).expect("it can be written");
}

#[test]
fn every_form_is_written_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    for format in FORMATS {
        // Endings are read in either case.
        let name = format!("fit{}", format.ending.to_uppercase());
        let path = folder.path().join(name);
        if let Write::Needs(feature) = format.write {
            let problem = write(&path, &small()).unwrap_err();
            assert_eq!(problem.code, "E0706");
            assert!(problem.message.contains(feature));
            continue;
        }
        let other = InferenceData::new(Posterior::default(), run());
        write(&path, &other).expect(format.name);
        write(&path, &small()).expect(format.name);
        assert!(path.exists(), "{}", format.name);
    }
    let store = folder.path().join("fit.ZARR");
    assert!(store.join("posterior/mu/0.0").is_file());
    let names = fs::read_dir(folder.path()).unwrap();
    let left: Vec<String> = names
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_same_fit_is_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    for format in FORMATS.iter().filter(|f| matches!(f.write, Write::File(_))) {
        let paths = ["a", "b"].map(|n| folder.path().join(format!("{n}{}", format.ending)));
        paths
            .iter()
            .for_each(|p| write(p, &small()).expect(format.name));
        let [a, b] = paths.map(|p| fs::read(p).unwrap());
        assert!(a == b, "{}", format.name);
    }
}

#[test]
fn an_unknown_ending_is_answered_with_the_known_ones() {
    for path in ["fit", "fit.xlsx", "fit.zarr.gz", ".zarr"] {
        let problem = write(path.as_ref(), &small()).unwrap_err();
        assert_eq!(problem.code, "E0705");
        let help = problem.help.expect("there is help");
        assert!(FORMATS.iter().all(|f| help.contains(f.ending)), "{help}");
    }
}

#[test]
fn a_store_takes_the_place_of_a_store_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fit.zarr");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("notes.txt"), "mine").unwrap();
    assert_eq!(write(&path, &small()).unwrap_err().code, "E0707");
    assert_eq!(fs::read_to_string(path.join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_store_that_cannot_be_written_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fit.zarr");
    write(&path, &small()).unwrap();
    let failing = folder::replace_folder(&path, &mut |put| {
        put("posterior/mu/0.0", &[])?;
        // The name that another array already has.
        put("posterior/mu/0.0", &[])
    });
    let problem = failing.unwrap_err();
    assert_eq!(problem.code, "E0703");
    assert_eq!(fs::read(path.join("posterior/mu/0.0")).unwrap().len(), 16);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    // A file that is no folder cannot be made into one.
    let below = path.join(".zgroup/fit.nc");
    assert_eq!(write(&below, &small()).unwrap_err().code, "E0703");
}

#[cfg(feature = "arrow")]
mod of_parquet {
    use super::*;
    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type};

    #[test]
    fn columns_are_named_as_the_program_names_elements() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fit.parquet");
        write(&path, &small()).unwrap();
        let file = fs::File::open(&path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let schema = reader.schema().clone();
        let batch = reader.build().unwrap().next().unwrap().unwrap();
        let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        let expected = [
            "chain",
            "draw",
            "lp",
            "mu",
            "h.w[Zürich]",
            "h.w[a, b/c]",
            "n",
            "on",
            "log_lik[1]",
            "log_lik[2]",
        ];
        assert_eq!(names, expected);
        assert_eq!(schema.metadata()["model"], "schools.vi");
        let column = |name: &str| batch.column_by_name(name).expect("a column");
        let real = |name: &str| column(name).as_primitive::<Float64Type>().values().to_vec();
        assert_eq!(real("h.w[a, b/c]"), [2.0, 4.0]);
        assert!(real("mu")[1].is_nan());
        let whole = column("n").as_primitive::<Int64Type>().values().to_vec();
        assert_eq!(whole, [3, -4]);
        assert!(column("on").as_boolean().value(0) && !column("on").as_boolean().value(1));
    }
}
