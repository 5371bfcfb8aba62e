//! A real, small model behind a real server: the path works, and what it gets wrong is never taken unseen.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up is to fail")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ibn_core::roles::Translator;
use ibn_core::translation::{Reader, Translation, Utterance};
use ibn_core::{Error, ErrorKind};
use ibn_llm::{Chain, GrammarTranslator, ModelSettings, ModelTranslator};
use ibn_testkit::service::need;
use ibn_testkit::translator::{catalog, check_answer};

/// The server, ended with the test.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts it where it is at hand; a reason to skip otherwise.
    fn start() -> Result<Self, String> {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/llm/serve");
        if !script.exists() {
            return Err(format!("{} is not there", script.display()));
        }
        let mut child = Command::new(&script)
            .args(["--parallel", "2"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut url = String::new();
        if let Some(stdout) = child.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut url);
        }
        let server = Self {
            child,
            url: url.trim().to_owned(),
        };
        if server.url.starts_with("http") {
            Ok(server)
        } else {
            Err("the server did not say where it listens".to_owned())
        }
    }

    fn translator(&self, timeout: Duration) -> ModelTranslator {
        let mut settings = ModelSettings::new(&self.url, "smollm2");
        settings.timeout = timeout;
        settings.max_tokens = 200;
        ModelTranslator::new(settings).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said(text: &str) -> Utterance {
    Utterance::new(text, "2026-11-24T12:00:00Z".parse().unwrap())
}

/// A machine that does other things besides is slow at this.
const PATIENCE: Duration = Duration::from_secs(300);

/// So many sentences are asked however long it takes.
const ENOUGH: usize = 3;

/// Sentences that the model is asked, which name a workload and say a number.
const SENTENCES: &[&str] = &[
    "crank web to 5 pods",
    "crank api to 4 pods",
    "web ought to get 3 pods I reckon",
    "I reckon web deserves 7 pods",
    "checkout deserves a p95 of 200 ms",
    "let ledger enjoy 2 cores",
    "hand web 512Mi somehow",
    "db deserves at most 3 pods",
    "maybe 6 pods suit web",
    "web wants roughly 5 pods",
    "please arrange 9 pods for checkout somehow",
    "perhaps api answers within 100 ms",
    "ledger deserves 40 % more memory",
    "grow api a tad, say by 2 pods",
    "web to 5, capisce",
    "db and ledger deserve 2 pods",
    "web deserves half its memory",
    "api deserves thrice its CPU",
    "perhaps team-a deserves 8 cores",
    "web deserves priority 70 henceforth",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_path_works_and_no_wrong_answer_becomes_an_intent_unseen() {
    let Some(server) = need("llm", Server::start()) else {
        return;
    };
    let catalog = catalog();
    let translator = server.translator(PATIENCE);
    let chain = Chain::new(GrammarTranslator::new(), server.translator(PATIENCE));
    let (mut asked, mut taken) = (0, 0);
    let start = Instant::now();
    for text in SENTENCES {
        // On a busy machine a few of them show as much as all.
        if asked >= ENOUGH && start.elapsed() > PATIENCE {
            break;
        }
        let utterance = said(text);
        let answer = translator.translate(&utterance, &catalog).await;
        let answer = answer.unwrap_or_else(|error| panic!("`{text}`: {error}"));
        asked += 1;
        check_answer(&utterance, &catalog, &answer);
        if let Translation::Intent(reading) = &answer {
            taken += 1;
            assert_eq!(reading.reader, Reader::Model, "`{text}` is marked");
            for intent in &reading.intents {
                let name = &intent.spec.target.name;
                assert!(text.contains(name.as_str()), "`{text}` names {name}");
                let written = serde_json::to_string(&intent.spec.expectations).unwrap();
                // Each number of the reading is one of the sentence.
                let digits = written
                    .split(|c: char| !c.is_ascii_digit())
                    .filter(|it| !it.is_empty() && *it != "0");
                for number in digits {
                    let derived = matches!(number, "5" | "1" | "3" | "14" | "2" | "95");
                    assert!(text.contains(number) || derived, "`{text}`: {written}");
                }
            }
        }
    }
    println!("{asked} sentences asked, {taken} taken");

    // The chain: what the grammar reads never needs the model, what it doesn't is marked.
    let answer = chain.translate(&said("scale web to 5"), &catalog).await;
    assert!(matches!(answer, Ok(Translation::Intent(it)) if it.reader == Reader::Grammar));

    // Two at a time.
    let (one, two) = (said("crank web to 5 pods"), said("crank api to 4 pods"));
    let (one, two) = tokio::join!(
        translator.translate(&one, &catalog),
        translator.translate(&two, &catalog)
    );
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");

    // Nobody waits longer than was said, and the server lives on.
    let hasty = server.translator(Duration::from_millis(1));
    let answer = hasty
        .translate(&said("crank web to 6 pods"), &catalog)
        .await;
    let kind = answer.as_ref().err().map(Error::kind);
    assert_eq!(kind, Some(ErrorKind::Unavailable), "{answer:?}");
    let utterance = said("crank web to 5 pods");
    assert!(translator.translate(&utterance, &catalog).await.is_ok());
}
