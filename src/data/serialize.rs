//! Values that serde can take apart turned into named arrays: fields of a struct or map, or columns of a list of these.

use super::array::Array;
use super::error;
use super::values::{Values, is_exact_integer};
use crate::diag::Diagnostic;
use serde::ser::{self, Impossible, Serialize};
use std::any::type_name;
use std::fmt;

/// The fields of a value, in order.
///
/// # Errors
/// As [`Data::from_serialize`](super::Data::from_serialize).
pub(super) fn fields<T: Serialize + ?Sized>(
    value: &T,
) -> Result<Vec<(String, Values)>, Diagnostic> {
    let mut gatherer = Gatherer {
        label: type_name::<T>(),
        fields: Vec::new(),
        within: Within::Nothing,
    };
    value.serialize(&mut gatherer).map_err(|fault| fault.0)?;
    let label = gatherer.label;
    let finish = |field: Field| {
        let uneven = |row: super::array::Row| {
            error::uneven_rows(label, &field.name, &row.index, &row.differs())
        };
        let values = field.array.finish().map_err(uneven)?;
        Ok((field.name, values))
    };
    gatherer.fields.into_iter().map(finish).collect()
}

/// What was seen so far, and where we are in it.
struct Gatherer {
    /// The type of the whole value.
    label: &'static str,
    fields: Vec<Field>,
    within: Within,
}

struct Field {
    name: String,
    array: Array,
    /// The last record that had it, from 1; 1 where there are no records.
    record: usize,
}

#[derive(Clone, Copy)]
enum Within {
    Nothing,
    /// Record of a list, from 1.
    Record(usize),
    /// A field, by its place.
    Field(usize),
}

/// A mistake on its way out of serde.
#[derive(Debug)]
struct Fault(Diagnostic);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Fault {}

impl ser::Error for Fault {
    fn custom<T: fmt::Display>(why: T) -> Fault {
        Fault(error::not_serialized(&why.to_string()))
    }
}

type Done<T = ()> = Result<T, Fault>;

impl Gatherer {
    /// The array of the field that we are in.
    fn array(&mut self, found: &str) -> Done<(&mut Array, &str)> {
        match self.within {
            Within::Field(at) => {
                let field = &mut self.fields[at];
                Ok((&mut field.array, &field.name))
            }
            Within::Nothing => Err(Fault(error::no_fields(self.label, found))),
            Within::Record(n) => {
                let found = format!("{found} as element {n}");
                Err(Fault(error::no_fields(self.label, &found)))
            }
        }
    }

    /// A single value.
    fn leaf(&mut self, found: &str) -> Done<&mut Array> {
        let label = self.label;
        let (array, name) = self.array(found)?;
        let done = array.leaf();
        let what = |what| Fault(error::uneven_rows(label, name, &array.path, what));
        done.map_err(what)?;
        Ok(array)
    }

    fn number(&mut self, x: f64) -> Done {
        let cells = &mut self.leaf("a number")?.cells;
        match x.is_finite() {
            true => cells.number(x, is_exact_integer(x)),
            false => cells.not_finite(x),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Done {
        self.leaf("a text")?.cells.letters(text.into());
        Ok(())
    }

    fn missing(&mut self) -> Done {
        self.leaf("nothing")?.cells.missing();
        Ok(())
    }

    /// A list begins: of records, or within a field.
    fn list(&mut self) -> Done<List<'_>> {
        if let Within::Nothing = self.within {
            self.within = Within::Record(0);
        } else {
            let label = self.label;
            let (array, name) = self.array("a list")?;
            let done = array.open();
            let what = |what| Fault(error::uneven_rows(label, name, &array.path, what));
            done.map_err(what)?;
        }
        Ok(List {
            gatherer: self,
            length: 0,
        })
    }

    /// Named fields begin, which a field cannot have.
    fn named(&mut self, found: &str) -> Done<Named<'_>> {
        if let Within::Field(_) = self.within {
            return Err(self.no_data(found));
        }
        Ok(Named {
            record: self.within,
            gatherer: self,
            key: String::new(),
        })
    }

    fn no_data(&self, found: &str) -> Fault {
        Fault(match self.within {
            Within::Field(at) => error::no_data(self.label, &self.fields[at].name, found),
            _ => error::no_fields(self.label, found),
        })
    }

    /// Enters a field, of the record if there are records.
    fn enter(&mut self, name: &str, record: Within) -> Done {
        let row = match record {
            Within::Record(row) => row,
            _ => 1,
        };
        let known = self.fields.iter().position(|f| f.name == name);
        let at = known.unwrap_or(self.fields.len());
        if known.is_none() {
            let mut array = Array::default();
            if let Within::Record(_) = record {
                array.open().expect("it is empty");
            }
            self.fields.push(Field {
                name: name.into(),
                array,
                record: 0,
            });
        }
        let field = &mut self.fields[at];
        if field.record == row {
            return Err(Fault(error::two_fields(self.label, name)));
        }
        if field.record + 1 != row {
            let without = field.record + 1;
            return Err(Fault(error::no_such_field(self.label, name, without, row)));
        }
        field.record = row;
        if let Within::Record(row) = record {
            field.array.step(row);
        }
        self.within = Within::Field(at);
        Ok(())
    }
}

/// A list whose elements are coming.
struct List<'g> {
    gatherer: &'g mut Gatherer,
    length: usize,
}

impl List<'_> {
    fn next<T: Serialize + ?Sized>(&mut self, element: &T) -> Done {
        self.length += 1;
        match self.gatherer.within {
            Within::Field(at) => self.gatherer.fields[at].array.step(self.length),
            _ => self.gatherer.within = Within::Record(self.length),
        }
        element.serialize(&mut *self.gatherer)
    }

    fn close(self) -> Done {
        let (gatherer, length) = (self.gatherer, self.length);
        if let Within::Field(at) = gatherer.within {
            gatherer.fields[at].array.close(0, length);
            return Ok(());
        }
        for field in &mut gatherer.fields {
            if field.record < length {
                let (name, without) = (&field.name, field.record + 1);
                let has = field.record;
                return Err(Fault(error::no_such_field(
                    gatherer.label,
                    name,
                    without,
                    has,
                )));
            }
            field.array.close(0, length);
        }
        Ok(())
    }
}

/// A struct or map whose fields are coming.
struct Named<'g> {
    gatherer: &'g mut Gatherer,
    /// Where its fields belong.
    record: Within,
    key: String,
}

impl Named<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Done {
        self.gatherer.enter(name, self.record)?;
        value.serialize(&mut *self.gatherer)
    }

    fn close(self) -> Done {
        self.gatherer.within = self.record;
        Ok(())
    }
}

/// Methods that take numbers of a type.
macro_rules! numbers {
    ($($method:ident: $number:ty),*) => {$(
        fn $method(self, x: $number) -> Done {
            self.number(x as f64)
        }
    )*};
}

impl<'g> ser::Serializer for &'g mut Gatherer {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = List<'g>;
    type SerializeTuple = List<'g>;
    type SerializeTupleStruct = List<'g>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Named<'g>;
    type SerializeStruct = Named<'g>;
    type SerializeStructVariant = Impossible<(), Fault>;

    numbers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
    numbers!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);
    numbers!(serialize_f32: f32, serialize_f64: f64);

    fn serialize_bool(self, x: bool) -> Done {
        self.leaf("a truth value")?.cells.boolean(x);
        Ok(())
    }

    fn serialize_char(self, c: char) -> Done {
        self.text(c.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Done {
        self.text(text)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Done {
        bytes.serialize(self)
    }

    fn serialize_none(self) -> Done {
        self.missing()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.missing()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.missing()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Done {
        Err(self.no_data(&format!("the variant `{name}::{variant}` with a value")))
    }

    fn serialize_seq(self, _: Option<usize>) -> Done<List<'g>> {
        self.list()
    }

    fn serialize_tuple(self, _: usize) -> Done<List<'g>> {
        self.list()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Done<List<'g>> {
        self.list()
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Done<Self::SerializeTupleVariant> {
        Err(self.no_data(&format!("the variant `{name}::{variant}` with values")))
    }

    fn serialize_map(self, _: Option<usize>) -> Done<Named<'g>> {
        self.named("a map")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Done<Named<'g>> {
        self.named(&format!("the struct `{name}`"))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Done<Self::SerializeStructVariant> {
        Err(self.no_data(&format!("the variant `{name}::{variant}` with fields")))
    }
}

/// Lists by all their names.
macro_rules! lists {
    ($($kind:ident $method:ident),*) => {$(
        impl ser::$kind for List<'_> {
            type Ok = ();
            type Error = Fault;

            fn $method<T: Serialize + ?Sized>(&mut self, element: &T) -> Done {
                self.next(element)
            }

            fn end(self) -> Done {
                self.close()
            }
        }
    )*};
}

lists!(SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field);

impl ser::SerializeStruct for Named<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        self.field(name, value)
    }

    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeMap for Named<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        // A key is read as a field of its own would be.
        let mut alone = Gatherer {
            label: self.gatherer.label,
            fields: Vec::new(),
            within: Within::Nothing,
        };
        alone.enter("", Within::Nothing)?;
        key.serialize(&mut alone)?;
        let array = alone.fields.swap_remove(0).array;
        match array.finish() {
            Ok(Values::Text { shape, mut data }) if shape.is_empty() => {
                self.key = data.swap_remove(0).expect("a text is there");
                Ok(())
            }
            _ => Err(self.gatherer.no_data("a map whose keys are no texts")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        let key = std::mem::take(&mut self.key);
        self.field(&key, value)
    }

    fn end(self) -> Done {
        self.close()
    }
}
