use std::time::Duration;

use super::*;
use crate::domain::incident::{Impact, Phase};
use crate::feed::Memory;
use crate::feed::fetch::Limits;

#[path = "../../../tests/real_parts/replay_atom.rs"]
mod replay_atom;
#[path = "../../../tests/real_parts/replay_server.rs"]
mod replay_server;

use replay_server::{OUR_CLOSING_WORDS, ReplayServer, Step, recorded};

const SUMMARY: &str = "summary.json";
const INCIDENTS: &str = "incidents.json";
const MAINTENANCES: &str = "scheduled-maintenances.json";

/// A page that is replayed, and what a caller keeps about it.
struct Follower {
    server: ReplayServer,
    client: FeedClient,
    memory: PageMemory,
    open: BTreeSet<String>,
}

impl Follower {
    async fn of(steps: Vec<Step>) -> Follower {
        let server = ReplayServer::start(steps).await;
        let client = FeedClient::new(Limits::default());
        Follower { server, client, memory: PageMemory::default(), open: BTreeSet::new() }
    }

    async fn look(&mut self) -> Reading {
        let now = self.server.read_at();
        self.look_at(now).await
    }

    /// One look; commits its memory and keeps `open` as a caller would.
    async fn look_at(&mut self, now: Timestamp) -> Reading {
        let page = Url::parse(&self.server.url()).unwrap();
        let question = Question { source: "github", page: &page, open: &self.open, now };
        let reading = read(&self.client, question, self.memory.clone()).await;
        let Memory::Statuspage(memory) = reading.memory.clone() else { panic!("the memory of a page") };
        self.memory = *memory;
        for observation in &reading.observations {
            if observation.phase.is_some_and(Phase::is_over) {
                self.open.remove(&observation.incident);
            } else {
                self.open.insert(observation.incident.clone());
            }
        }
        reading
    }

    /// The documents that were asked for since the last call, with their status.
    fn asked(&self) -> Vec<(String, u16)> {
        self.server.take_answered().into_iter().map(|answered| (answered.path, answered.status)).collect()
    }
}

fn asked(expected: &[(&str, u16)]) -> Vec<(String, u16)> {
    expected.iter().map(|(path, status)| ((*path).to_owned(), *status)).collect()
}

/// Plays a sequence to its end and gives (incident, phase, impact, number of updates) of each change.
async fn told(folder: &str) -> Vec<(String, Phase, Option<Impact>, usize)> {
    let mut follower = Follower::of(recorded(folder)).await;
    let mut told: Vec<(String, Phase, Option<Impact>, usize)> = Vec::new();
    loop {
        let reading = follower.look().await;
        assert_eq!(
            (&reading.failure, &reading.oddities, reading.older.len()),
            (&None, &BTreeSet::new(), 0),
            "{folder}"
        );
        assert_eq!(reading.listing, Listing::Whole, "{folder}: every recorded read changes the page");
        for seen in &reading.observations {
            let state = (seen.incident.clone(), seen.phase.unwrap(), seen.impact, seen.updates.len());
            let last = told.iter().rev().find(|(incident, ..)| *incident == seen.incident);
            if last != Some(&state) {
                told.push(state);
            }
        }
        if follower.server.advance().is_none() {
            return told;
        }
    }
}

/// What was told of an incident: its id, phase, impact and number of updates.
type State<'a> = (&'a str, Phase, Impact, usize);

#[test]
fn a_document_that_is_sent_again_byte_by_byte_is_no_change() {
    let memory = DocumentMemory { hash: hash(b"{}"), ..DocumentMemory::default() };
    assert!(memory.holds(b"{}") && !memory.holds(b"{ }"));
    assert!(!DocumentMemory::default().holds(b""), "nothing has been read");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn recorded_incidents_are_followed_to_their_end() {
    use Impact::{Critical, Maintenance, Major, Minor};
    use Phase::{Completed, InProgress, Investigating, Monitoring, Resolved, Scheduled};
    let expected: [(&str, &[State<'_>]); 7] = [
        (
            "summary-seq-deescalated-2020-vts24q167tc8",
            &[
                ("vts24q167tc8", Investigating, Major, 1),
                ("vts24q167tc8", Investigating, Minor, 2),
                ("vts24q167tc8", Resolved, Minor, 3),
            ],
        ),
        (
            "summary-seq-maintenance-53t2nlxs8016",
            &[
                ("53t2nlxs8016", Scheduled, Maintenance, 1),
                ("53t2nlxs8016", Scheduled, Maintenance, 2),
                ("53t2nlxs8016", Scheduled, Maintenance, 3),
                ("53t2nlxs8016", InProgress, Maintenance, 4),
                ("53t2nlxs8016", Completed, Maintenance, 5),
            ],
        ),
        (
            "summary-seq-minor-to-critical-bhbcjn4n3jzp",
            &[
                ("bhbcjn4n3jzp", Investigating, Minor, 2),
                ("bhbcjn4n3jzp", Investigating, Minor, 3),
                ("bhbcjn4n3jzp", Investigating, Critical, 4),
                ("bhbcjn4n3jzp", Investigating, Critical, 5),
                ("bhbcjn4n3jzp", Investigating, Critical, 7),
                ("bhbcjn4n3jzp", Investigating, Critical, 9),
                ("bhbcjn4n3jzp", Investigating, Critical, 10),
                ("bhbcjn4n3jzp", Investigating, Critical, 11),
                ("bhbcjn4n3jzp", Resolved, Critical, 12),
            ],
        ),
        (
            "summary-seq-old-update-edited-day-later-zzl9nl31lb35",
            &[
                ("zzl9nl31lb35", Investigating, Minor, 2),
                ("cg3wwz9dw5dg", Investigating, Minor, 2),
                ("cg3wwz9dw5dg", Resolved, Minor, 5),
                ("zzl9nl31lb35", Resolved, Minor, 4),
            ],
        ),
        (
            "summary-seq-renamed-and-edited-y5hdmv0p49x3",
            &[
                ("flf8c4lvch31", InProgress, Maintenance, 2),
                ("y5hdmv0p49x3", Investigating, Minor, 1),
                ("y5hdmv0p49x3", Investigating, Minor, 2),
                ("y5hdmv0p49x3", Investigating, Minor, 3),
                ("flf8c4lvch31", InProgress, Maintenance, 4),
                ("y5hdmv0p49x3", Resolved, Minor, 4),
            ],
        ),
        (
            "summary-seq-two-parallel-escalated-7ck5966p1073",
            &[
                ("7ck5966p1073", Investigating, Minor, 2),
                ("hmvr5kpgzc45", Investigating, Minor, 2),
                ("7ck5966p1073", Investigating, Minor, 3),
                ("7ck5966p1073", Investigating, Major, 4),
                ("hmvr5kpgzc45", Investigating, Minor, 4),
                ("7ck5966p1073", Investigating, Major, 6),
                ("7ck5966p1073", Investigating, Major, 9),
                ("hmvr5kpgzc45", Resolved, Minor, 5),
                ("7ck5966p1073", Investigating, Major, 10),
                ("7ck5966p1073", Investigating, Major, 11),
                ("7ck5966p1073", Investigating, Major, 12),
                ("7ck5966p1073", Investigating, Major, 13),
                ("7ck5966p1073", Investigating, Major, 14),
                ("7ck5966p1073", Resolved, Major, 15),
            ],
        ),
        (
            "summary-seq-with-monitoring-ql942tw29yl6",
            &[
                ("vq183jvj6vrw", Investigating, Minor, 2),
                ("ql942tw29yl6", Investigating, Minor, 5),
                ("ql942tw29yl6", Investigating, Critical, 8),
                ("vq183jvj6vrw", Investigating, Minor, 3),
                ("ql942tw29yl6", Investigating, Critical, 9),
                ("vq183jvj6vrw", Resolved, Minor, 5),
                ("ql942tw29yl6", Investigating, Critical, 10),
                ("ql942tw29yl6", Monitoring, Critical, 12),
                ("ql942tw29yl6", Resolved, Critical, 15),
            ],
        ),
    ];
    for (folder, states) in expected {
        let states: Vec<_> = states
            .iter()
            .map(|(incident, phase, impact, updates)| ((*incident).to_owned(), *phase, Some(*impact), *updates))
            .collect();
        assert_eq!(told(folder).await, states, "{folder}");
    }
}

#[tokio::test]
async fn the_end_comes_with_the_words_of_the_atom_capture_else_with_marked_ones() {
    let mut follower = Follower::of(recorded("summary-seq-old-update-edited-day-later-zzl9nl31lb35")).await;
    while follower.server.advance().is_some() {}
    let reading = follower.look().await;
    let ended = reading.observations.iter().find(|seen| seen.incident == "zzl9nl31lb35").unwrap();
    let closing = ended.updates.last().unwrap();
    assert_eq!(closing.phase, Some(Phase::Resolved));
    assert!(closing.body.starts_with("This incident has been resolved. Thank you for your patience"));
    assert_eq!(ended.resolved_at, Some("2025-11-21T00:22:00Z".parse().unwrap()));

    let mut follower = Follower::of(recorded("summary-seq-deescalated-2020-vts24q167tc8")).await;
    while follower.server.advance().is_some() {
        follower.look().await;
    }
    let reading = follower.look_at(follower.server.read_at()).await;
    assert_eq!(reading.observations, [], "nothing has changed");
    let Follower { server, client, .. } = follower;
    let page = Url::parse(&server.url()).unwrap();
    let open = BTreeSet::new();
    let question = Question { source: "github", page: &page, open: &open, now: server.read_at() };
    let reading = read(&client, question, PageMemory::default()).await;
    assert_eq!(reading.observations[0].updates.last().unwrap().body, OUR_CLOSING_WORDS);
}

#[tokio::test]
async fn the_lists_are_read_when_something_changed_or_is_open_and_only_then() {
    let mut follower = Follower::of(recorded("summary-seq-deescalated-2020-vts24q167tc8")).await;
    follower.look().await;
    assert_eq!(follower.asked(), asked(&[(SUMMARY, 200), (INCIDENTS, 200), (MAINTENANCES, 200)]));
    let quiet = follower.look().await;
    assert_eq!(follower.asked(), asked(&[(SUMMARY, 304)]));
    assert_eq!((quiet.listing, quiet.observations.len()), (Listing::Partial, 0));

    follower.server.advance();
    follower.look().await;
    assert_eq!(follower.asked().len(), 3);
    let open = follower.look().await;
    assert_eq!(follower.asked(), asked(&[(SUMMARY, 304), (INCIDENTS, 304), (MAINTENANCES, 304)]));
    assert_eq!(open.listing, Listing::Whole);
    assert!(open.listed_ids.contains("vts24q167tc8"), "a 304 keeps what the version listed");
}

#[tokio::test]
async fn an_incident_that_leaves_every_list_is_not_listed_and_nothing_more() {
    let mut follower = Follower::of(recorded("summary-seq-deescalated-2020-vts24q167tc8")).await;
    follower.server.empty_the_lists();
    follower.look().await;
    follower.server.advance();
    assert!(!follower.look().await.shows_nowhere("vts24q167tc8"));
    while follower.server.advance().is_some() {}
    for _ in 0..2 {
        let reading = follower.look().await;
        assert_eq!(reading.observations, []);
        assert_eq!(reading.failure, None);
        assert!(reading.shows_nowhere("vts24q167tc8"));
        assert!(follower.open.contains("vts24q167tc8"));
    }
    let page = Url::parse(&follower.server.url()).unwrap();
    assert_eq!(permalink(&follower.client, &page, "vts24q167tc8").await, Permalink::There);
    follower.server.delete("vts24q167tc8");
    assert_eq!(permalink(&follower.client, &page, "vts24q167tc8").await, Permalink::Gone);
    assert_eq!(permalink(&follower.client, &page, "../api/v2/summary.json").await, Permalink::Gone);
}

#[tokio::test]
async fn an_empty_body_says_nothing() {
    let mut steps = recorded("summary-seq-deescalated-2020-vts24q167tc8");
    let empty = recorded("empty-body").remove(0);
    steps.insert(2, Step { read_at: steps[1].read_at + Duration::from_secs(60), ..empty });
    let mut follower = Follower::of(steps).await;
    follower.server.advance();
    follower.look().await;
    follower.server.advance();
    let reading = follower.look().await;
    let failure = reading.failure.clone().unwrap();
    assert_eq!((failure.document.as_str(), failure.cause), (SUMMARY, Cause::Foreign("an empty body".to_owned())));
    assert_eq!(reading.listing, Listing::Partial);
    assert!(reading.listed_ids.contains("vts24q167tc8") && !reading.shows_nowhere("vts24q167tc8"));
    follower.server.advance();
    assert_eq!(follower.look().await.observations[0].impact, Some(Impact::Minor));
}

#[tokio::test]
async fn a_stale_read_says_nothing_and_is_named() {
    let mut follower = Follower::of(recorded("stale-read")).await;
    follower.look().await;
    follower.server.advance();
    let reading = follower.look().await;
    assert_eq!(reading.observations, []);
    assert_eq!(reading.page_updated_at, None);
    assert_eq!(reading.older[0].document, SUMMARY);
    assert_eq!(reading.older[0].page_updated_at, "2023-10-27T07:44:57.593Z".parse().unwrap());
    follower.server.advance();
    let reading = follower.look().await;
    assert_eq!((reading.older.len(), reading.page_updated_at), (0, Some("2023-10-28T08:11:09.718Z".parse().unwrap())));
}

#[tokio::test]
async fn a_failing_page_owes_the_lists() {
    let mut follower = Follower::of(recorded("summary-seq-deescalated-2020-vts24q167tc8")).await;
    follower.look().await;
    follower.server.advance();
    follower.server.fail_with(Some(503));
    let reading = follower.look().await;
    assert_eq!(reading.failure.unwrap().cause, Cause::Status(503));
    assert_eq!((reading.listing, reading.observations.len()), (Listing::Partial, 0));
    assert_eq!(reading.memory, Memory::Statuspage(Box::new(follower.memory.clone())));
    follower.server.fail_with(None);
    assert_eq!(follower.look().await.observations.len(), 1);
}

#[test]
fn addresses_keep_the_page_s_path_and_nothing_else() {
    for (page, expected) in [
        ("https://status.example.com", "https://status.example.com/api/v2/summary.json"),
        ("https://status.example.com/", "https://status.example.com/api/v2/summary.json"),
        ("https://example.com/status/?x=1#y", "https://example.com/status/api/v2/summary.json"),
    ] {
        assert_eq!(address(&Url::parse(page).unwrap(), &["api", "v2", SUMMARY]).as_str(), expected);
    }
    let hostile = address(&Url::parse("https://a.example/x").unwrap(), &["incidents", "../../b?c#d"]);
    assert_eq!(hostile.as_str(), "https://a.example/x/incidents/..%2F..%2Fb%3Fc%23d");
}

#[test]
fn the_memory_survives_being_stored() {
    let memory = Memory::Statuspage(Box::new(PageMemory { lists_owed: true, ..PageMemory::default() }));
    let stored = serde_json::to_string(&memory).unwrap();
    assert_eq!(serde_json::from_str::<Memory>(&stored).unwrap(), memory);
}
