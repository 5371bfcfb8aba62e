//! The settings of a call: flags and variables first, then the configuration file, then defaults.

use std::path::PathBuf;

use ibn_core::diagnostic::{Code, Diagnostic};
use ibn_core::read::{Decode, Format, Node, Reader, read};

use crate::args::{DemoArgs, Global, LogFormat, ModelArgs, OutputFormat, TranslatorKind};
use crate::client::Client;
use crate::commands::translate;
use crate::demo;
use crate::exit::{Exit, Failure, read_file};
use crate::logging;

/// The settings of a call, those of the configuration file included.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) output: OutputFormat,
    pub(crate) seed: u64,
    /// `None` for nowhere.
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) server: String,
    pub(crate) namespace: Option<String>,
    file: FileSettings,
}

/// The keys of the configuration file: each is the long name of a flag.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FileSettings {
    output: Option<OutputFormat>,
    seed: Option<u64>,
    state_dir: Option<String>,
    server: Option<String>,
    namespace: Option<String>,
    trace: Option<String>,
    trace_column: Option<String>,
    trace_unit: Option<String>,
    trace_scale: Option<f64>,
    listen: Option<String>,
    speed: Option<f64>,
    threads: Option<u32>,
    recommender: Option<String>,
    translator: Option<TranslatorKind>,
    llm_url: Option<String>,
    llm_model: Option<String>,
    catalog: Option<String>,
    timezone: Option<String>,
    log: Option<String>,
    log_format: Option<LogFormat>,
}

const KEYS: [&str; 20] = [
    "output",
    "seed",
    "state-dir",
    "server",
    "namespace",
    "trace",
    "trace-column",
    "trace-unit",
    "trace-scale",
    "listen",
    "speed",
    "threads",
    "recommender",
    "translator",
    "llm-url",
    "llm-model",
    "catalog",
    "timezone",
    "log",
    "log-format",
];

impl Decode for FileSettings {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &KEYS)?;
        let output = fields.optional_with("output", |node, reader| {
            reader.one_of(
                node,
                &[
                    ("text", OutputFormat::Text),
                    ("json", OutputFormat::Json),
                    ("yaml", OutputFormat::Yaml),
                ],
            )
        });
        let seed = fields.optional_with("seed", |node, reader| reader.whole(node, 0..=u64::MAX));
        let state_dir = fields.optional("state-dir");
        let server = fields.optional("server");
        let namespace = fields.optional("namespace");
        let trace = fields.optional("trace");
        let trace_column = fields.optional("trace-column");
        let trace_unit = fields.optional("trace-unit");
        let trace_scale =
            fields.optional_with("trace-scale", |node, reader| reader.number(node, 0.0..=1e9));
        let listen = fields.optional("listen");
        let speed = fields.optional_with("speed", |node, reader| reader.number(node, 0.0..=1e6));
        let threads =
            fields.optional_with("threads", |node, reader| reader.whole(node, 1..=1024u32));
        let recommender = fields.optional("recommender");
        let translator = fields.optional_with("translator", |node, reader| {
            reader.one_of(
                node,
                &[
                    ("grammar", TranslatorKind::Grammar),
                    ("llm", TranslatorKind::Llm),
                    ("chain", TranslatorKind::Chain),
                ],
            )
        });
        let llm_url = fields.optional("llm-url");
        let llm_model = fields.optional("llm-model");
        let catalog = fields.optional("catalog");
        let timezone = fields.optional("timezone");
        let log = fields.optional("log");
        let log_format = fields.optional_with("log-format", |node, reader| {
            reader.one_of(
                node,
                &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            )
        });
        Some(Self {
            output: output?,
            seed: seed?,
            state_dir: state_dir?,
            server: server?,
            namespace: namespace?,
            trace: trace?,
            trace_column: trace_column?,
            trace_unit: trace_unit?,
            trace_scale: trace_scale?,
            listen: listen?,
            speed: speed?,
            threads: threads?,
            recommender: recommender?,
            translator: translator?,
            llm_url: llm_url?,
            llm_model: llm_model?,
            catalog: catalog?,
            timezone: timezone?,
            log: log?,
            log_format: log_format?,
        })
    }
}

impl FileSettings {
    /// What is wrong with values that can be read, as the commands that use them would find it; lines are absent.
    ///
    /// What lies outside of the file, such as a trace that it names, is looked at when it is used.
    pub(crate) fn unusable(&self) -> Vec<Diagnostic> {
        let mut faults = Vec::new();
        let mut tell = |key: &str, code: Code, failure: Failure| {
            let mut message = failure.message.clone();
            for cause in &failure.causes {
                message.push_str(&format!(": {cause}"));
            }
            let help = failure.help.clone().unwrap_or_default();
            faults.push(Diagnostic::error(code, key, message, help));
        };
        if let Some(server) = &self.server
            && let Err(failure) = Client::new(server)
        {
            tell("server", Code::WrongType, failure);
        }
        if let Some(unit) = &self.trace_unit
            && let Err(error) = ibn_sim::parse_unit(unit)
        {
            let failure = Failure::new(Exit::Usage, error.to_string())
                .help("the span of a row, such as `1min`");
            tell("trace-unit", Code::InvalidDuration, failure);
        }
        if self.trace_scale == Some(0.0) {
            let failure = Failure::new(Exit::Usage, "a trace times `0` has no requests")
                .help("a positive number, such as `0.1`");
            tell("trace-scale", Code::OutOfRange, failure);
        }
        if let Some(listen) = &self.listen
            && let Err(failure) = demo::address(listen)
        {
            tell("listen", Code::WrongType, failure);
        }
        if let Some(recommender) = &self.recommender
            && let Err(failure) = demo::recommender(recommender)
        {
            tell("recommender", Code::UnknownVariant, failure);
        }
        let model = ModelArgs {
            translator: self.translator,
            llm_url: self.llm_url.clone(),
            llm_model: self.llm_model.clone(),
        };
        // A model that is asked for here may get its address from a flag.
        if model.llm_url.is_some()
            && let Err(failure) = translate::translator(&model)
        {
            tell("llm-url", Code::WrongType, failure);
        }
        if let Some(directives) = &self.log
            && let Err(failure) = logging::filter(directives)
        {
            tell("log", Code::WrongType, failure);
        }
        if let Some(timezone) = &self.timezone
            && let Err(failure) = translate::zone(timezone)
        {
            tell("timezone", Code::UnknownVariant, failure);
        }
        faults
    }
}

impl Settings {
    /// The settings of a call.
    pub(crate) fn load(global: &Global) -> Result<Self, Failure> {
        // Taken apart whole, so that a flag that is forgotten here doesn't compile.
        let Global {
            output,
            seed,
            config,
            state_dir,
            server,
            namespace,
            verbose,
            log,
            log_format,
        } = global.clone();
        let file = match config {
            Some(path) => {
                let name = path.display().to_string();
                let (settings, faults) = read::<FileSettings>(&read_file(&name)?, Format::Toml);
                settings.ok_or_else(|| Failure::faults(&name, faults))?
            }
            None => FileSettings::default(),
        };
        // Asked for by a flag, more is told than the file says.
        let log = log.or_else(|| file.log.clone().filter(|_| verbose == 0));
        let log_format = log_format.or(file.log_format).unwrap_or_default();
        logging::start(verbose, log.as_deref(), log_format)?;
        let state_dir = match state_dir.or_else(|| file.state_dir.clone().map(PathBuf::from)) {
            Some(dir) if dir.as_os_str() == ":memory:" => None,
            Some(dir) => Some(dir),
            None => Some(default_state_dir()?),
        };
        Ok(Self {
            output: output.or(file.output).unwrap_or_default(),
            seed: seed.or(file.seed).unwrap_or(7),
            state_dir,
            server: server
                .or_else(|| file.server.clone())
                .unwrap_or_else(|| "http://127.0.0.1:8080".to_owned()),
            namespace: namespace.or_else(|| file.namespace.clone()),
            file,
        })
    }

    /// The demo's options with what the file adds.
    pub(crate) fn demo(&self, args: &DemoArgs) -> DemoArgs {
        let DemoArgs {
            trace,
            trace_column,
            trace_unit,
            trace_scale,
            listen,
            speed,
            once,
            threads,
            recommender,
            dry_run,
            record,
            model,
        } = args.clone();
        let file = &self.file;
        DemoArgs {
            trace: trace.or_else(|| file.trace.clone().map(PathBuf::from)),
            trace_column: trace_column.or_else(|| file.trace_column.clone()),
            trace_unit: trace_unit.or_else(|| file.trace_unit.clone()),
            trace_scale: trace_scale.or(file.trace_scale),
            listen: listen.or_else(|| file.listen.clone()),
            speed: speed.or(file.speed),
            once,
            threads: threads.or(file.threads),
            recommender: recommender.or_else(|| file.recommender.clone()),
            dry_run,
            record,
            model: self.model(&model),
        }
    }

    /// The translator's options with what the file adds.
    pub(crate) fn model(&self, args: &ModelArgs) -> ModelArgs {
        let ModelArgs {
            translator,
            llm_url,
            llm_model,
        } = args.clone();
        ModelArgs {
            translator: translator.or(self.file.translator),
            llm_url: llm_url.or_else(|| self.file.llm_url.clone()),
            llm_model: llm_model.or_else(|| self.file.llm_model.clone()),
        }
    }

    /// The catalog that the file names.
    pub(crate) fn catalog(&self) -> Option<PathBuf> {
        self.file.catalog.clone().map(PathBuf::from)
    }

    /// The time zone that the file names.
    pub(crate) fn timezone(&self) -> Option<String> {
        self.file.timezone.clone()
    }
}

/// The format that a settings file asks for; nothing where it can't be read or has a fault, which is told when it is loaded.
pub(crate) fn output_of(file: &str) -> Option<OutputFormat> {
    // Standard input can be read only once.
    let text = read_file(file).ok().filter(|_| file != "-")?;
    let (settings, _) = read::<FileSettings>(&text, Format::Toml);
    settings?.output
}

fn default_state_dir() -> Result<PathBuf, Failure> {
    directories::ProjectDirs::from("dev", "ibn", "ibn")
        .map(|dirs| dirs.data_dir().to_owned())
        .ok_or_else(|| {
            Failure::new(Exit::Usage, "this user has no data folder")
                .help("name one with `--state-dir DIR`, or `--state-dir :memory:` to keep nothing")
        })
}

#[cfg(test)]
mod tests {
    use ibn_testkit::mutants::{Kind, Mutator, Schema};

    use super::*;

    /// Every key, as a person would write the file.
    const FILE: &str = r#"output = "json"
seed = 7
state-dir = "/var/lib/ibn"
server = "http://127.0.0.1:8080"
namespace = "acme"
trace = "day.csv"
trace-column = "requests"
trace-unit = "1min"
trace-scale = 0.1
listen = "127.0.0.1:8080"
speed = 60.0
threads = 2
recommender = "ladder"
translator = "chain"
llm-url = "http://127.0.0.1:9000"
llm-model = "small"
catalog = "catalog.json"
timezone = "Europe/Berlin"
log = "info"
log-format = "json"
"#;

    fn schema() -> Schema {
        Schema::default()
            .field("output", Kind::Word(&["text", "json", "yaml"]))
            .field("seed", Kind::Whole(0, u64::MAX.into()))
            .field("state-dir", Kind::Text)
            .field("server", Kind::Text)
            .field("namespace", Kind::Text)
            .field("trace", Kind::Text)
            .field("trace-column", Kind::Text)
            .field("trace-unit", Kind::Text)
            .field("trace-scale", Kind::Number("0", "1000000000"))
            .field("listen", Kind::Text)
            .field("speed", Kind::Number("0", "1000000"))
            .field("threads", Kind::Whole(1, 1024))
            .field("recommender", Kind::Text)
            .field("translator", Kind::Word(&["grammar", "llm", "chain"]))
            .field("llm-url", Kind::Text)
            .field("llm-model", Kind::Text)
            .field("catalog", Kind::Text)
            .field("timezone", Kind::Text)
            .field("log", Kind::Text)
            .field("log-format", Kind::Word(&["text", "json"]))
    }

    #[test]
    fn the_file_has_every_key() {
        let (settings, faults) = read::<FileSettings>(FILE, Format::Toml);
        assert_eq!(faults, []);
        assert!(settings.is_some());
        let keys: Vec<&str> = FILE
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(keys, KEYS);
    }

    #[test]
    fn every_fault_of_a_settings_file_is_found_with_its_place_and_nothing_comes_out() {
        let mutator = Mutator::new(FILE, Format::Toml, &schema()).unwrap();
        let mut mutants = mutator.singles();
        for faults in 2..=5 {
            mutants.extend(mutator.several(faults as u64, 20, faults));
        }
        assert!(mutants.len() >= 150, "{} mutants", mutants.len());
        let failures: Vec<String> = mutants
            .iter()
            // As near to `speed` as to `seed`: then neither is proposed, and the list of all keys is the help.
            .filter(|mutant| !mutant.text.contains("seeed = "))
            .filter_map(|mutant| {
                let (settings, faults) = read::<FileSettings>(&mutant.text, Format::Toml);
                mutant.judge(settings.is_some(), &faults).err()
            })
            .collect();
        assert!(
            failures.is_empty(),
            "{} of {}:\n{}",
            failures.len(),
            mutants.len(),
            failures.join("\n")
        );
    }
}
