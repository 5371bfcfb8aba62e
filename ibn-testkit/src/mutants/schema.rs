//! What a mutator must know of the fields of a document, in the words of its documentation and not of its reader.

/// What the fields of a kind of document may hold.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// The fields, each under a path in which `[]` stands for any element: `spec.expectations[].objective`.
    pub fields: Vec<Rule>,
    /// Sets of fields of which exactly one is needed, under the path that holds them.
    pub groups: Vec<Group>,
    /// Fields of which the first may not exceed the second: `(holder, min, max)`.
    pub ordered: Vec<(&'static str, &'static str, &'static str)>,
    /// Times of which the first must be before the second: `(holder, from, until)`.
    pub intervals: Vec<(&'static str, &'static str, &'static str)>,
}

/// What one field may hold.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Where it stands.
    pub path: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
}

/// Fields of which exactly one is needed.
#[derive(Debug, Clone)]
pub struct Group {
    /// The path of the mapping that holds them.
    pub path: &'static str,
    /// Their names, each with a value that is valid in YAML and JSON; empty for the value of the one that is there.
    pub names: Vec<(&'static str, &'static str)>,
}

/// What a field holds.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Any text.
    Text,
    /// The name of an object: a DNS subdomain.
    Name,
    /// A DNS label.
    Label,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number from the first to the second.
    Whole(i128, i128),
    /// A finite number from the first to the second, as they are written.
    Number(&'static str, &'static str),
    /// A factor of an amount: at least 0.
    Factor,
    /// A quantile, between 0 and 1.
    Quantile,
    /// A Kubernetes quantity; whether it may be negative.
    Quantity {
        /// A difference may.
        signed: bool,
    },
    /// A duration.
    Duration,
    /// A duration inside bounds: one that is too short and one that is too long.
    Within(&'static str, &'static str),
    /// A time.
    Timestamp,
    /// The value of an indicator: texts that are none.
    Value(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// The API version.
    ApiVersion(&'static str),
    /// The kind of document.
    DocumentKind(&'static str),
    /// A mapping with known fields.
    Map,
    /// A mapping with free keys, or a list: only its type is known.
    Open,
}

impl Schema {
    /// With one more field that may be absent.
    #[must_use]
    pub fn field(mut self, path: &'static str, kind: Kind) -> Self {
        self.fields.push(Rule {
            path,
            kind,
            required: false,
        });
        self
    }

    /// With one more field that must be there.
    #[must_use]
    pub fn required(mut self, path: &'static str, kind: Kind) -> Self {
        self.fields.push(Rule {
            path,
            kind,
            required: true,
        });
        self
    }

    /// With a set of fields of which exactly one is needed.
    #[must_use]
    pub fn exactly_one(
        mut self,
        path: &'static str,
        names: &[(&'static str, &'static str)],
    ) -> Self {
        self.groups.push(Group {
            path,
            names: names.to_vec(),
        });
        self
    }

    /// With a minimum that may not exceed its maximum.
    #[must_use]
    pub fn ordered(mut self, holder: &'static str, min: &'static str, max: &'static str) -> Self {
        self.ordered.push((holder, min, max));
        self
    }

    /// With an interval that may not end before it begins.
    #[must_use]
    pub fn interval(
        mut self,
        holder: &'static str,
        from: &'static str,
        until: &'static str,
    ) -> Self {
        self.intervals.push((holder, from, until));
        self
    }

    /// The rule of a field at this path.
    pub(super) fn rule(&self, path: &str) -> Option<&Rule> {
        let pattern = pattern(path);
        self.fields.iter().find(|rule| rule.path == pattern)
    }

    /// The set that a field belongs to.
    pub(super) fn group(&self, holder: &str, name: &str) -> Option<&Group> {
        let holder = pattern(holder);
        self.groups.iter().find(|group| {
            group.path == holder && group.names.iter().any(|(known, _)| *known == name)
        })
    }
}

/// The path with `[]` for each element.
pub(super) fn pattern(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => {
                inside = true;
                pattern.push_str("[]");
            }
            ']' => inside = false,
            _ if inside => {}
            _ => pattern.push(c),
        }
    }
    pattern
}
