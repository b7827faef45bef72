use std::time::Duration;

use super::*;
use crate::feed::Memory;

struct Folder {
    directory: tempfile::TempDir,
    cursor: Cursor,
}

impl Folder {
    fn new() -> Folder {
        Folder { directory: tempfile::tempdir().unwrap(), cursor: Cursor::default() }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    fn look(&mut self) -> Reading {
        let path = self.directory.path().to_owned();
        self.look_at(&path)
    }

    fn set_modified(&self, name: &str, second: u64) {
        let file = fs::File::options().append(true).open(self.directory.path().join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(second)).unwrap();
    }

    /// One look, whose memory is stored as JSON and read back.
    fn look_at(&mut self, path: &Path) -> Reading {
        let reading = read(path, "folder", self.cursor.clone(), "2026-11-23T13:20:00Z".parse().unwrap());
        let stored = serde_json::to_string(&reading.memory).unwrap();
        let Memory::File(cursor) = serde_json::from_str(&stored).unwrap() else { panic!("the memory of files") };
        self.cursor = cursor;
        reading
    }

    /// The incidents of one look, in order.
    fn taken(&mut self) -> Vec<String> {
        self.look().observations.into_iter().map(|observation| observation.incident).collect()
    }
}

fn update(id: &str, body: &str) -> String {
    format!("[incident]\nid = \"{id}\"\ntitle = \"T\"\n[update]\nid = \"u1\"\nbody = \"{body}\"\n")
}

#[test]
fn files_are_taken_once_in_the_order_of_names_and_left_alone() {
    let mut folder = Folder::new();
    folder.write("20-b.toml", update("b", "x"));
    folder.write("10-a.toml", update("a", "x"));
    folder.write("30-c.json", r#"{"incident": {"id": "c"}, "update": {"body": "x"}}"#);
    folder.write(".hidden.toml", update("hidden", "x"));
    folder.write("40-d.toml.tmp", "half an upd");
    fs::create_dir(folder.directory.path().join("50-folder")).unwrap();
    assert_eq!(folder.taken(), ["a", "b", "c"]);
    assert_eq!(folder.taken(), Vec::<String>::new());
    assert_eq!(fs::read_dir(folder.directory.path()).unwrap().count(), 6);
    folder.write("40-d.toml", update("d", "x"));
    assert_eq!(folder.taken(), ["d"]);
}

#[test]
fn a_changed_file_is_taken_again_and_a_touched_one_is_not() {
    let mut folder = Folder::new();
    folder.write("a.toml", update("a", "first words"));
    assert_eq!(folder.taken(), ["a"]);
    folder.write("a.toml", update("a", "other words"));
    let again = folder.look();
    assert_eq!(again.observations[0].updates[0].id.as_deref(), Some("u1"));
    assert_eq!(again.observations[0].updates[0].body, "other words");
    folder.set_modified("a.toml", 1_700_000_000);
    assert_eq!(folder.taken(), Vec::<String>::new());
}

#[test]
fn a_settled_file_is_known_by_its_length_and_time_and_a_fresh_one_is_read_again() {
    let look_is_at = 1_795_440_000;
    for (modified, taken_again) in [(look_is_at - 60, false), (look_is_at - 1, true), (look_is_at + 60, true)] {
        let mut folder = Folder::new();
        for words in ["first words", "other words"] {
            folder.write("a.toml", update("a", words));
            folder.set_modified("a.toml", modified);
            let found = folder.look().observations.len() == 1;
            assert_eq!(found, words == "first words" || taken_again, "{words}, changed at {modified}");
        }
    }
}

#[test]
fn a_faulty_file_is_named_with_its_place_as_long_as_it_is_and_tried_again_when_it_changes() {
    let mut folder = Folder::new();
    folder.write("a.toml", "[incident]\ntitel = \"x\"\n");
    folder.write("b.toml", update("b", "x"));
    folder.write("c.toml", b"[incident]\nid = \"\xff\"");
    folder.write("d.toml", vec![b'#'; LONGEST_TEXT + 1]);
    let reading = folder.look();
    assert_eq!(reading.observations.len(), 1, "the others are not held up");
    assert_eq!(reading.failure, None, "the folder can be read");
    let faults: Vec<&FileFault> = reading.file_faults.iter().collect();
    let [unknown, latin, long] = faults.as_slice() else { panic!("{faults:?}") };
    assert_eq!(unknown.file.file_name().unwrap(), "a.toml");
    assert!(unknown.fault.starts_with("line 2, column 1: "), "{unknown:?}");
    assert!(latin.fault.starts_with("line 2, column 7: "), "{latin:?}");
    assert!(long.fault.contains("at most 1048576 bytes"), "{long:?}");
    assert_eq!(folder.look().file_faults, reading.file_faults, "they are still faulty");
    folder.write("a.toml", update("a", "x"));
    let mended = folder.look();
    assert_eq!(mended.observations[0].incident, "a");
    assert_eq!(mended.file_faults.len(), 2);
}

#[test]
fn an_update_without_an_id_is_known_by_its_file() {
    let mut folder = Folder::new();
    folder.write("2026-11-23-payments.toml", "[incident]\ntitle = \"T\"\n[update]\nbody = \"x\"\n");
    assert_eq!(folder.taken(), ["2026-11-23-payments"]);
}

#[test]
fn a_single_file_is_a_feed_too_and_a_missing_one_is_a_failure() {
    let mut folder = Folder::new();
    let path = folder.directory.path().join("update.toml");
    let missing = folder.look_at(&path);
    assert!(matches!(missing.failure.unwrap().cause, Cause::Files(_)));
    folder.write("update.toml", update("a", "x"));
    assert_eq!(folder.look_at(&path).observations.len(), 1);
    let again = folder.look_at(&path);
    assert_eq!((again.observations.len(), again.listing), (0, Listing::None));
    assert!(!again.shows_nowhere("a"), "no file is no end");
    fs::remove_file(&path).unwrap();
    assert!(folder.look_at(&path).failure.is_some());
    folder.write("update.toml", update("a", "x"));
    assert_eq!(folder.look_at(&path).observations.len(), 0, "the memory outlives a failure");
}

#[test]
fn many_files_come_in_several_readings() {
    let mut folder = Folder::new();
    for number in 0..MOST_AT_ONCE + 3 {
        folder.write(&format!("{number:04}.toml"), update(&number.to_string(), "x"));
    }
    let first = folder.look();
    assert_eq!((first.observations.len(), first.rest), (MOST_AT_ONCE, Rest::Waiting));
    assert_eq!(folder.taken(), ["500", "501", "502"]);
    assert_eq!(folder.taken(), Vec::<String>::new());
}

#[tokio::test]
async fn a_new_file_wakes_the_watcher_and_reading_does_not() {
    let mut folder = Folder::new();
    folder.write("a.toml", update("a", "x"));
    let watch = FolderWatch::start(folder.directory.path()).unwrap();
    let limit = Duration::from_secs(10);
    folder.write("b.toml", update("b", "x"));
    folder.write("c.toml", update("c", "x"));
    tokio::time::timeout(limit, watch.changed()).await.expect("a new file wakes");
    assert_eq!(folder.taken(), ["a", "b", "c"]);
    let quiet = tokio::time::timeout(Duration::from_millis(300), watch.changed()).await;
    assert!(quiet.is_err(), "reading the folder is no change");
    assert!(FolderWatch::start(&folder.directory.path().join("not/there")).is_err());
}

#[test]
fn of_too_many_files_those_that_changed_last_are_read() {
    let folder = Folder::new();
    for (name, second) in [("a", 50), ("b", 10), ("c", 40), ("d", 20), ("e", 30), ("f", 60), ("g", 30)] {
        folder.write(name, "");
        folder.set_modified(name, second);
    }
    fs::create_dir(folder.directory.path().join("done")).unwrap();
    for (most, names, left_out) in
        [(7, "abcdefg", false), (6, "acdefg", true), (4, "acfg", true), (3, "acf", true), (1, "f", true)]
    {
        let found = candidates(folder.directory.path(), most).unwrap();
        let kept: String = found.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!((kept.as_str(), found.left_out), (names, left_out), "{most}");
    }
}

#[test]
fn a_folder_of_too_many_files_is_read_and_that_is_said() {
    let mut folder = Folder::new();
    for number in 0..=MOST_FILES {
        folder.write(&format!("{number:06}.toml"), "");
    }
    folder.write("000000.toml", update("newest", "x"));
    folder.set_modified("000000.toml", 4_000_000_000);
    let reading = folder.look();
    assert_eq!(reading.failure, None);
    assert_eq!(reading.observations.len(), 1);
    let words: Vec<&str> = reading.oddities.iter().map(|oddity| oddity.words.as_str()).collect();
    assert!(words.len() == 1 && words[0].contains("only the 10000 that changed last"), "{words:?}");
}
