//! A fit as one file, from which every later question can be answered.
//!
//! The file is a ZIP archive, so that other programs read it as well: `fit.json` with what was asked and what is said of the
//! result, the program's texts under `program/`, and arrays of NumPy (`.npy`) under `data/`, `draws/` and `fit/`. Each member
//! has a checksum, and so do all data together: two fits of the same data have the same fingerprint.

use super::{Error, Fit, Host};
use crate::data::{self, Data, Entry, InMemory, Kind, Numbers, Origin, Values};
use crate::diag::{Diagnostic, Sources};
use crate::infer::{self, FitParams, Method, Posterior, Quantity};
use crate::output::replace_file;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// Counts up when what is written can no longer be read by what was written to read it.
const FORMAT: u32 = 1;

/// Everything that is no array and no text of a program.
#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// The version that wrote it.
    elbo: String,
    /// Names of the program's files: its own, then those it imports.
    program: Vec<String>,
    /// Names of functions of the Rust program around that it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    host: Vec<String>,
    seed: u64,
    result: infer::Fit,
    draws: usize,
    quantities: Vec<Quantity>,
    data: Vec<Given>,
    /// SHA-256 of the data.
    fingerprint: String,
}

/// An entry of the data; its numbers stand beside, but for what is none.
#[derive(Serialize, Deserialize)]
struct Given {
    name: String,
    /// Where it was found.
    label: String,
    kind: Kind,
    /// Flat indices of missing numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing: Vec<usize>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    boolean: bool,
    /// Texts, and rows of several lengths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<serde_json::Value>,
    /// Levels of a label that come first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    levels: Vec<String>,
    /// Left in its file, for its size.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stored: bool,
}

impl Fit {
    /// Writes the fit to a file, whole or not at all.
    ///
    /// # Errors
    /// E0703 if it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        replace_file(path.as_ref(), self.to_bytes()).map_err(Error::from)
    }

    /// Reads what [`Fit::save`] has written. A fit whose program calls functions of the Rust program around is read by
    /// [`Host::load_fit`].
    ///
    /// # Errors
    /// E0639 if there is nothing to read, and those of [`Fit::from_bytes`].
    pub fn load(path: impl AsRef<Path>) -> Result<Fit, Error> {
        Host::disk().load_fit(path)
    }

    /// The fit as the bytes of such a file.
    ///
    /// ```
    /// use elbo::{Data, Fit, Options, Program};
    /// let model = Program::parse("mu ~ Normal(3, 2)")?.bind(&Data::default())?;
    /// let fit = model.fit(&Options::default())?;
    /// let again = Fit::from_bytes("mu.elbo", &fit.to_bytes())?;
    /// assert_eq!(fit.posterior(), again.posterior());
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        self.write().expect("memory takes what is written")
    }

    fn write(&self) -> ZipResult<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        // No clock: the same fit gives the same bytes.
        let options = SimpleFileOptions::default().large_file(true);
        let mut put = |name: &str, bytes: &[u8]| -> ZipResult<()> {
            zip.start_file(name, options)?;
            Ok(zip.write_all(bytes)?)
        };
        let manifest = self.manifest();
        let json = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from)?;
        put("fit.json", &json)?;
        for (i, text) in self.program.sources().texts().enumerate() {
            put(&member_of_program(i), text.as_bytes())?;
        }
        for entry in self.data.entries() {
            if let Ok(numbers) = entry.numbers() {
                let bytes = data::write_npy(numbers.shape, numbers.data);
                put(&format!("data/{}.npy", entry.name), &bytes)?;
            }
        }
        let posterior = self.posterior();
        for quantity in &posterior.quantities {
            let shape = [&[posterior.draws], &quantity.shape[..]].concat();
            let bytes = data::write_npy(&shape, &quantity.draws);
            put(&format!("draws/{}.npy", quantity.name), &bytes)?;
        }
        for (name, values) in self.vectors() {
            put(
                &format!("fit/{name}.npy"),
                &data::write_npy(&[values.len()], &values),
            )?;
        }
        Ok(zip.finish()?.into_inner())
    }

    fn manifest(&self) -> Manifest {
        let result = infer::Fit {
            posterior: Posterior::default(),
            ..self.result.clone()
        };
        let meta = |q: &Quantity| Quantity {
            draws: Vec::new(),
            name: q.name.clone(),
            shape: q.shape.clone(),
            dims: q.dims.clone(),
            base: q.base,
            labels: q.labels.clone(),
            integer: q.integer,
        };
        Manifest {
            format: FORMAT,
            elbo: env!("CARGO_PKG_VERSION").into(),
            program: self.program.sources().names().map(String::from).collect(),
            host: self.program.host_functions().map(String::from).collect(),
            seed: self.seed,
            result,
            draws: self.posterior().draws,
            quantities: self.posterior().quantities.iter().map(meta).collect(),
            data: self.data.entries().iter().map(given).collect(),
            fingerprint: self.fingerprint(),
        }
    }

    /// SHA-256 of names, shapes and values of the data, in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for entry in self.data.entries() {
            hash.update(entry.name.as_bytes());
            hash.update([0]);
            match entry.numbers() {
                Ok(Numbers { shape, data, .. }) => {
                    shape
                        .iter()
                        .for_each(|n| hash.update((*n as u64).to_le_bytes()));
                    data.iter()
                        .for_each(|x| hash.update(x.to_bits().to_le_bytes()));
                }
                Err(_) => hash.update(serde_json::Value::from(&entry.values).to_string()),
            }
        }
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Vectors of the fit itself, by name.
    fn vectors(&self) -> [(&'static str, Vec<f64>); 8] {
        let infer::Fit {
            params,
            posterior,
            trace,
            ..
        } = &self.result;
        [
            ("guide", params.guide.clone()),
            ("mean", params.mean.clone()),
            ("sd", params.sd.clone()),
            ("learned", params.learned.clone()),
            ("log_p", posterior.log_p.clone()),
            ("log_q", posterior.log_q.clone()),
            ("trace_step", trace.iter().map(|t| t.0 as f64).collect()),
            ("trace_elbo", trace.iter().map(|t| t.1).collect()),
        ]
    }

    /// Reads a fit from the bytes of a file, which messages call `name`.
    ///
    /// # Errors
    /// E0649 if the file is damaged or no fit, or was written by a version that this one does not understand, E0710 if its
    /// program calls functions that are not offered.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Fit, Error> {
        Host::default().fit_from_bytes(name, bytes)
    }
}

impl Host {
    /// [`Fit::load`] of one of this host's files, whose program may call its functions.
    ///
    /// # Errors
    /// E0710 if it calls others, and those of [`Fit::load`].
    pub fn load_fit(&self, path: impl AsRef<Path>) -> Result<Fit, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = self.files().read(path).map_err(|e| {
            let message = format!("cannot read the fit {name}: {e}");
            let help = "`elbo fit MODEL --save FILE` writes one";
            Error::from(Diagnostic::error("E0639", message).help(help))
        })?;
        self.fit_from_bytes(&name, &bytes)
    }

    /// [`Fit::from_bytes`] of a fit whose program calls functions of this host.
    ///
    /// # Errors
    /// E0710 if it calls others, and those of [`Fit::from_bytes`].
    pub fn fit_from_bytes(&self, name: &str, bytes: &[u8]) -> Result<Fit, Error> {
        let file = Saved {
            name,
            archive: ZipArchive::new(Cursor::new(bytes)).map_err(|_| not_a_fit(name))?,
        };
        file.read(self)
    }

    /// That a program which offered these has been saved, and does not go without.
    fn missing<'n>(&self, name: &str, names: &'n [String]) -> Option<Error> {
        let offered = |n: &&'n String| !self.functions().iter().any(|f| f.name == **n);
        let missing: Vec<String> = names
            .iter()
            .filter(offered)
            .map(|n| format!("`{n}`"))
            .collect();
        let message = format!(
            "{name} was fitted by a Rust program that offers {}",
            missing.join(", ")
        );
        let help = "read it by `Host::load_fit` of a host that offers the same functions";
        let problem = Diagnostic::error("E0710", message).help(help);
        (!missing.is_empty()).then(|| problem.into())
    }
}

/// Not by its name, which may lead anywhere.
fn member_of_program(i: usize) -> String {
    format!("program/{i}.vi")
}

fn given(entry: &Entry) -> Given {
    let numbers = entry.numbers().ok();
    let stored = matches!(entry.values, Values::Stored(_));
    Given {
        name: entry.name.clone(),
        label: entry.origin.label.clone(),
        kind: entry.origin.kind,
        missing: numbers.map_or(Vec::new(), |n| n.missing.to_vec()),
        boolean: numbers.is_some_and(|n| n.boolean),
        json: (numbers.is_none() && !stored).then(|| (&entry.values).into()),
        stored,
        levels: entry.levels.clone(),
    }
}

/// A file that is being read.
struct Saved<'b> {
    name: &'b str,
    archive: ZipArchive<Cursor<&'b [u8]>>,
}

impl Saved<'_> {
    fn read(mut self, host: &Host) -> Result<Fit, Error> {
        let json = self.member("fit.json").map_err(|_| not_a_fit(self.name))?;
        self.check_format(&json)?;
        let manifest: Manifest =
            serde_json::from_slice(&json).map_err(|e| self.damaged(&format!("fit.json: {e}")))?;
        let mut files = InMemory::default();
        for (i, file) in manifest.program.iter().enumerate() {
            files.insert(file, self.member(&member_of_program(i))?);
        }
        let main = manifest
            .program
            .first()
            .ok_or_else(|| self.damaged("it has no program"))?;
        let program = host.with_files(Arc::new(files)).load(main);
        let program = program.map_err(|e| host.missing(self.name, &manifest.host).unwrap_or(e))?;
        let mut data = Data::default();
        for given in &manifest.data {
            if !given.stored {
                data.insert_entry(self.entry(given)?);
            }
        }
        let mut quantities = Vec::new();
        for quantity in manifest.quantities {
            let draws = self.array(&format!("draws/{}.npy", quantity.name))?;
            if draws.len() != quantity.numel() * manifest.draws {
                return Err(self.damaged(&format!(
                    "the draws of `{}` have another number",
                    quantity.name
                )));
            }
            quantities.push(Quantity { draws, ..quantity });
        }
        let mut vector = |name: &str| self.array(&format!("fit/{name}.npy"));
        let params = FitParams {
            guide: vector("guide")?,
            mean: vector("mean")?,
            sd: vector("sd")?,
            learned: vector("learned")?,
            samples: match manifest.result.method {
                Method::Svi => 0,
                _ => manifest.result.samples,
            },
        };
        let posterior = Posterior {
            quantities,
            draws: manifest.draws,
            log_p: vector("log_p")?,
            log_q: vector("log_q")?,
        };
        let steps = vector("trace_step")?.into_iter().map(|step| step as usize);
        let trace = steps.zip(vector("trace_elbo")?).collect();
        Ok(Fit {
            program,
            data: Arc::new(data),
            result: infer::Fit {
                params,
                posterior,
                trace,
                ..manifest.result
            },
            seed: manifest.seed,
            threads: 1,
        })
    }

    fn check_format(&self, json: &[u8]) -> Result<(), Error> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
            elbo: String,
        }
        let version: Version =
            serde_json::from_slice(json).map_err(|e| self.damaged(&format!("fit.json: {e}")))?;
        if version.format == FORMAT {
            return Ok(());
        }
        let message = format!(
            "the fit {} was written by elbo {} in format {}, and this version reads format {FORMAT}",
            self.name, version.elbo, version.format
        );
        let help = "fit once more with this version, or read it with the other one";
        Err(Diagnostic::error("E0649", message).help(help).into())
    }

    fn entry(&mut self, given: &Given) -> Result<Entry, Error> {
        let origin = Origin {
            label: given.label.clone(),
            kind: given.kind,
            span: None,
        };
        if let Some(json) = &given.json {
            let text = serde_json::json!({ given.name.as_str(): json }).to_string();
            let files = InMemory::new([("data.json", text)]);
            let read = data::load(&files, "data.json".as_ref(), &mut Sources::default());
            let entry = read.ok().and_then(|d| d.get(&given.name).cloned());
            let entry = entry.ok_or_else(|| self.damaged(&format!("the data `{}`", given.name)))?;
            return Ok(Entry {
                origin,
                levels: given.levels.clone(),
                ..entry
            });
        }
        let (shape, values) = self.shaped(&format!("data/{}.npy", given.name))?;
        let values = match Values::numbers(shape, values) {
            Values::Numbers {
                shape,
                data,
                integer,
                ..
            } => Values::Numbers {
                shape,
                data,
                integer,
                missing: given.missing.clone(),
                boolean: given.boolean,
            },
            other => other,
        };
        Ok(Entry {
            name: given.name.clone(),
            values,
            origin,
            mixed: None,
            levels: given.levels.clone(),
        })
    }

    fn array(&mut self, member: &str) -> Result<Vec<f64>, Error> {
        Ok(self.shaped(member)?.1)
    }

    /// An array of numbers with its shape.
    fn shaped(&mut self, member: &str) -> Result<(Vec<usize>, Vec<f64>), Error> {
        let bytes = self.member(member)?;
        let files = InMemory::new([("array.npy", bytes)]);
        let read = data::load(&files, "array.npy".as_ref(), &mut Sources::default());
        let values = read.ok().and_then(|d| Some(d.get("array")?.values.clone()));
        match values {
            Some(Values::Numbers { shape, data, .. }) => Ok((shape, data)),
            _ => Err(self.damaged(&format!("its member {member} is no array of numbers"))),
        }
    }

    /// The bytes of a member, whose checksum is right.
    fn member(&mut self, name: &str) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let read = self.archive.by_name(name).map_err(io::Error::from);
        let read = read.and_then(|mut member| member.read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(bytes),
            Err(e) => Err(self.damaged(&format!("its member {name}: {e}"))),
        }
    }

    fn damaged(&self, what: &str) -> Error {
        let message = format!("the fit {} is damaged: {what}", self.name);
        let help = "copy it once more from where it is whole, or fit again";
        Diagnostic::error("E0649", message).help(help).into()
    }
}

fn not_a_fit(name: &str) -> Error {
    let message = format!("{name} is no saved fit, or not all of it is there");
    let help = "`elbo fit MODEL --save FILE` writes one";
    Diagnostic::error("E0649", message).help(help).into()
}
