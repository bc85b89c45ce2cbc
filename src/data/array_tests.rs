//! Arrays in files of bytes: what NumPy 2.4 and the IDX format write, and what is said of files that are cut short.

use super::tests::{error, says};
use super::*;
use crate::diag::Sources;
use std::fs;

/// Reads a file of `tests/data/arrays`, written by NumPy.
fn array(name: &str) -> Result<Data, Diagnostics> {
    load(
        &InMemory::new([(name, bytes(name))]),
        Path::new(name),
        &mut Sources::default(),
    )
}

fn bytes(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/arrays");
    fs::read(folder.join(name)).expect("the file is there")
}

fn numbers(data: &Data, name: &str) -> (Vec<usize>, Vec<f64>) {
    let entry = data.get(name).expect("the name is there");
    let numbers = entry.numbers().expect("it is numeric");
    (numbers.shape.to_vec(), numbers.data.to_vec())
}

/// Shape and numbers of the entry of a name.
fn of(file: &str, name: &str) -> (Vec<usize>, Vec<f64>) {
    numbers(&array(file).expect(file), name)
}

#[test]
fn orders_of_bytes_and_axes_make_no_difference() {
    let rows = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    assert_eq!(
        of("big_endian.npy", "big_endian"),
        (vec![2, 3], rows.clone())
    );
    assert_eq!(of("fortran.npy", "fortran"), (vec![2, 3], rows));
    assert_eq!(of("half.npy", "half"), (vec![3], vec![0.5, -2.0, 65504.0]));
    // x[k, i, j] = 12 i + 4 j + k.
    let (shape, x) = of("compressed.npz", "x");
    assert_eq!((shape, &x[6..9]), (vec![4, 2, 3], &[1.0, 5.0, 9.0][..]));
}

#[test]
fn an_archive_holds_an_array_for_each_member() {
    let data = array("stored.npz").expect("the archive is good");
    let names: Vec<&str> = data.names().collect();
    assert_eq!(names, ["y", "J", "flag", "u", "group", "code"]);
    assert_eq!(numbers(&data, "y"), (vec![3], vec![28.0, 8.0, -3.0]));
    assert_eq!(numbers(&data, "J"), (vec![], vec![3.0]));
    assert_eq!(numbers(&data, "u"), (vec![2], vec![0.0, 255.0]));
    let flag = data.get("flag").expect("flag").numbers().expect("numbers");
    assert!(flag.boolean && flag.data == [1.0, 0.0]);
    let text = |name: &str| match &data.get(name).expect(name).values {
        Values::Text { data, .. } => data.iter().flatten().cloned().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(text("group"), ["north", "süd", "north"]);
    assert_eq!(text("code"), ["a", "bc"]);
    // A whole number that a double rounds counts as a real.
    let big = array("compressed.npz").expect("good");
    assert!(
        !big.get("big")
            .expect("big")
            .numbers()
            .expect("numbers")
            .integer
    );
}

#[test]
fn idx_files_may_be_compressed_and_have_the_name_of_their_stem() {
    let pixels = (0..8).map(f64::from).collect();
    let name = "train-images-idx3-ubyte.gz";
    assert_eq!(of(name, "train_images"), (vec![2, 2, 2], pixels));
    assert_eq!(of("waves.idx", "waves"), (vec![2], vec![0.5, -1.5]));
    for name in ["t10k-labels.idx1-ubyte", "t10k-labels-idx1-ubyte"] {
        let data = super::tests::read(name, [0, 0, 8, 1, 0, 0, 0, 1, 7]).expect(name);
        assert_eq!(
            numbers(&data, "t10k_labels"),
            (vec![1], vec![7.0]),
            "{name}"
        );
    }
}

#[test]
fn what_is_no_number_or_text_is_named() {
    for (file, word) in [
        ("objects.npy", "|O"),
        ("complex.npy", "<c16"),
        ("dates.npy", "<M8[D]"),
        ("records.npy", "('a', '<i4')"),
    ] {
        says(&array(file).expect_err(file)[0], "E0622", &[word]);
    }
    says(
        &error("x.idx", [0, 0, 7, 1, 0, 0, 0, 0]),
        "E0622",
        &["0x07"],
    );
}

#[test]
fn files_cut_short_anywhere_are_damaged() {
    for file in [
        "big_endian.npy",
        "compressed.npz",
        "waves.idx",
        "train-images-idx3-ubyte.gz",
    ] {
        let whole = bytes(file);
        for length in 0..whole.len() {
            let found = error(file, &whole[..length]);
            assert_eq!(found.code, "E0621", "{length} bytes of {file}: {found:?}");
        }
    }
    // Extents whose product no machine can hold.
    let huge = [&[0, 0, 14, 3][..], &[255; 12]].concat();
    says(
        &error("x.idx", huge),
        "E0621",
        &["more than a machine holds"],
    );
    says(&error("x.npy", "PK"), "E0621", &["header"]);
    says(&error("x.npz", "hello"), "E0621", &["archive"]);
    says(&error("x.csv.gz", "a\n1\n"), "E0621", &["gzip"]);
}

#[test]
fn any_change_of_a_byte_gives_values_or_an_error() {
    for file in ["big_endian.npy", "stored.npz", "waves.idx"] {
        let whole = bytes(file);
        for at in 0..whole.len().min(400) {
            for flip in [1, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                let _ = super::tests::read(file, changed);
            }
        }
    }
}

#[test]
fn a_folder_gives_all_its_data_files() {
    let files = InMemory::new([
        ("in/a.json", "{\"a\": 1}"),
        ("in/b.csv", "b\n1\n2\n"),
        ("in/model.vi", "data a: real"),
        ("in/.hidden.csv", "a\n1\n"),
    ]);
    let read = |files: &InMemory| load(files, Path::new("in"), &mut Sources::default());
    let data = read(&files).expect("both can be read");
    assert_eq!(data.names().collect::<Vec<_>>(), ["a", "b"]);
    let mut twice = files.clone();
    twice.insert("in/c.json", "{\"b\": 3}");
    says(
        &read(&twice).expect_err("b is given twice")[0],
        "E0617",
        &["`b`"],
    );
}

#[cfg(not(feature = "arrow"))]
#[test]
fn formats_that_were_left_out_of_the_build_name_the_feature() {
    for name in ["d.parquet", "d.feather", "d.arrow"] {
        says(&error(name, "PAR1"), "E0623", &["feature `arrow`"]);
    }
}
