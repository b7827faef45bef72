//! `candor case ID --components … | --everyone | --nobody | --announce | --close`: records what a person decided.
//!
//! With a daemon running it is only recorded, and the daemon plans and sends. Deliberately absent: what a
//! decision does to a case (`domain::decide`).

use super::arguments::{Arguments, CaseArguments};
use super::exit::Exit;
use super::opening::{self, Hands};
use super::{show, wait};
use crate::domain::decide::{self, Decision, Refused};
use crate::passes::ingest::TakenCase;
use crate::store::rows::{Recorded, Write};

/// A write that finds its case changed reads and decides again that often.
const MOST_CONFLICTS: usize = 8;
const LONGEST_NAME: usize = 64;

/// The decision that the flags make; `None`: the case is only shown.
pub fn asked(flags: &CaseArguments) -> Option<Decision> {
    let components: Vec<String> =
        flags.components.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    let chosen = [
        (!flags.components.is_empty(), Decision::Components(components)),
        (flags.everyone, Decision::Everyone),
        (flags.nobody, Decision::Nobody),
        (flags.announce, Decision::Announce),
        (flags.close, Decision::Close),
    ];
    chosen.into_iter().find(|(is_asked, _)| *is_asked).map(|(_, decision)| decision)
}

pub async fn decide(arguments: &Arguments, case: &str, decision: &Decision) -> Exit {
    match decided(arguments, case, decision).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn decided(arguments: &Arguments, named: &str, decision: &Decision) -> Result<Exit, Exit> {
    let current = opening::files(arguments)?;
    show::surroundings(&current.settings);
    let Some(store) = opening::state(&current.settings)? else { return Err(opening::unknown_case(named)) };
    let case_key = opening::case_key(&store, named).await?;
    store.close().await;
    let mut hands = Hands::open(current, opening::clock()).await?;
    let exit = record(arguments, &mut hands, case_key, decision).await;
    hands.close().await;
    exit
}

async fn record(arguments: &Arguments, hands: &mut Hands, case_key: i64, decision: &Decision) -> Result<Exit, Exit> {
    for _ in 0..MOST_CONFLICTS {
        let story = hands.shared.store.story(case_key).await.map_err(opening::store_failed)?;
        let Some(story) = story else { return Err(opening::unknown_case("that was there a moment ago")) };
        let current = hands.shared.current.load_full();
        let now = hands.shared.clock.now();
        let step = decide::decide(&story, decision, &person(), &current.catalog, &current.settings.pace, now);
        let step = match step {
            Ok(step) => step,
            Err(refused) => return Ok(said(&refused, &story.case.reference)),
        };
        let case = TakenCase {
            case_key,
            id: step.case.id.clone(),
            reference: step.case.reference.clone(),
            sequence: step.change.as_ref().map(|change| change.sequence),
        };
        let write = Write { case: step.case, updates: step.updates, changes: step.change.into_iter().collect() };
        match hands.shared.store.record(vec![write], None).await.map_err(opening::store_failed)? {
            Recorded::Conflict => {}
            Recorded::Done { .. } => return sent(arguments, hands, &case).await,
        }
    }
    show::problem("others kept writing this case; try again");
    Err(Exit::Failed)
}

async fn sent(arguments: &Arguments, hands: &mut Hands, case: &TakenCase) -> Result<Exit, Exit> {
    if case.sequence.is_none() {
        show::note(&format!(
            "recorded; nobody is told yet, because the case was found open at the first sight of its feed: `candor case {} --announce` tells it now, its next change does so anyway",
            case.reference
        ));
        return Ok(Exit::Done);
    }
    hands.send().await?;
    if hands.is_daemon_at_work() {
        wait::until_planned(&hands.shared, case).await;
    }
    wait::report(arguments, &hands.shared, case).await?;
    Ok(Exit::Done)
}

fn said(refused: &Refused, reference: &str) -> Exit {
    let text = format!("{reference}: {refused}");
    match refused {
        Refused::UnknownComponents { .. } => {
            show::problem(&text);
            Exit::Wrong
        }
        Refused::Over | Refused::AnnouncedAlready => {
            show::problem(&text);
            Exit::Failed
        }
        Refused::SoAlready => {
            show::note(&text);
            Exit::Done
        }
    }
}

/// Who sits at the terminal, for the change row: `sudo` hides them behind root.
fn person() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let mut names = named.map(|name| name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect::<String>());
    names.find(|name| !name.trim().is_empty()).unwrap_or_else(|| "somebody".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::arguments::Command;
    use super::*;

    #[test]
    fn at_most_one_decision_is_read_from_the_flags() {
        let check = |flags: &[&str], expected: Option<Option<Decision>>| {
            let call = ["candor", "case", "K7QM"].iter().chain(flags);
            let parsed = Arguments::try_parse_from(call).ok().and_then(|arguments| arguments.command);
            let found = parsed.map(|command| match command {
                Command::Case(flags) => asked(&flags),
                other => panic!("{other:?}"),
            });
            assert_eq!(found, expected, "{flags:?}");
        };
        check(&[], Some(None));
        let two = Decision::Components(vec!["payments".into(), "Pay by link".into()]);
        check(&["--components", "payments, Pay by link"], Some(Some(two)));
        check(&["--everyone"], Some(Some(Decision::Everyone)));
        check(&["--nobody"], Some(Some(Decision::Nobody)));
        check(&["--announce"], Some(Some(Decision::Announce)));
        check(&["--close"], Some(Some(Decision::Close)));
        check(&["--close", "--nobody"], None);
        check(&["--components"], None);
    }
}
