//! Notices of every reason and phase, made up: what `candor check` renders to try templates, and what the
//! tests read. The story is that of the model messages: payments fail in the EU; the search index moves.

use crate::domain::incident::{Impact, Need, Phase};
use crate::domain::kept::KeptPromises;
use crate::domain::notice::{Action, Affected, CaseFacts, Guidance, Kind, Notice, Voice};

mod story;

use story::*;
pub use story::{reader, sender};

/// Every reason in the phases in which it makes sense, by a name of its own.
pub fn every_reason() -> Vec<(&'static str, Notice)> {
    let mut all = incidents();
    all.extend(ends());
    all.extend(maintenances());
    all.extend(uncertain());
    all.push(("hostile", hostile()));
    all
}

fn incidents() -> Vec<(&'static str, Notice)> {
    let note = "A failed payment may be sent again with the same key; it is not charged twice.";
    let monitoring = {
        let news = words("u3", "14:20", Phase::Monitoring, "The new certificate is on half of the machines.");
        CaseFacts { phase: Phase::Monitoring, phase_moved: true, updates: vec![news], ..incident_facts() }
    };
    let better = CaseFacts { impact: Some(Impact::Minor), impact_before: Some(Impact::Major), ..monitoring.clone() };
    let worse = CaseFacts { impact: Some(Impact::Critical), impact_before: Some(Impact::Minor), ..incident_facts() };
    let unmoved = words("u9", "14:02", Phase::Investigating, "We are still looking. Two machines were restarted.");
    let wider = CaseFacts {
        added: vec!["Search".to_owned()],
        components: vec!["Payments API".to_owned(), "Search".to_owned()],
        ..incident_facts()
    };
    let narrower = CaseFacts { removed: vec!["Refunds".to_owned()], ..incident_facts() };
    let renamed = CaseFacts { renamed: Some("Payments fail everywhere".to_owned()), ..identified(Kind::Phase).case };
    let back = CaseFacts { phase_moved: true, ..incident_facts() };
    let called_off = Guidance { known: true, called_off: vec![pause_export()], ..Guidance::unknown() };
    let updated = CaseFacts { updates: vec![unmoved], ..incident_facts() };
    vec![
        ("opened, nothing to do", opened(known_none(note))),
        ("opened, nothing known", opened(Guidance::unknown())),
        ("opened, no order of priorities", without_order(opened(Guidance::unknown()))),
        ("opened, action required", opened(required())),
        ("opened, one thing to consider", opened(considered(1))),
        ("action required", Notice { guidance: required(), ..identified(Kind::Phase) }),
        ("several actions", Notice { guidance: several(), ..identified(Kind::Action) }),
        ("action called off", Notice { guidance: called_off, ..identified(Kind::Phase) }),
        ("suggestion called off", Notice { guidance: suggestion_off(), ..identified(Kind::Phase) }),
        ("still to be done, in another language", {
            let guidance = Guidance { actions: vec![in_another_language()], ..still_required() };
            Notice { guidance, ..notice(Kind::Updated, "14:03", incident_facts()) }
        }),
        ("phase", identified(Kind::Phase)),
        ("renamed", notice(Kind::Phase, "13:39", renamed)),
        ("updated", Notice { guidance: still_required(), ..notice(Kind::Updated, "14:03", updated) }),
        ("monitoring", notice(Kind::Phase, "14:21", monitoring)),
        ("back", notice(Kind::Back, "14:30", back)),
        ("worse without a reason", notice(Kind::Worse, "14:03", worse)),
        ("better", notice(Kind::Better, "14:21", better)),
        ("wider", notice(Kind::Wider, "14:03", wider.clone())),
        ("wider, newly hit", newly_hit(wider)),
        ("narrower", notice(Kind::Narrower, "14:03", narrower)),
        ("corrected", corrected()),
        ("due", due()),
        ("due, source lost", Notice { lost_sight_since: Some(at("13:51")), ..due() }),
        (
            "due, daily",
            Notice { is_daily: true, next_word: Some(on(24, "14:10")), guidance: Guidance::unknown(), ..due() },
        ),
        ("drill", Notice { drill: true, ..opened(known_none(note)) }),
    ]
}

/// For a client who depends on everything: `["*"]`.
fn without_order(notice: Notice) -> Notice {
    let concerned = ["Payments API", "Search"].map(|name| (0, name.to_owned())).to_vec();
    Notice { concerned, untouched: Vec::new(), ..notice }
}

fn newly_hit(case: CaseFacts) -> Notice {
    let case = CaseFacts { updates: vec![second_words(), first_words()], ..case };
    let guidance = considered(2);
    let concerned = vec![(1, "Payments API".to_owned()), (2, "Search".to_owned())];
    Notice { is_brief: true, concerned, untouched: Vec::new(), guidance, ..notice(Kind::Wider, "14:03", case) }
}

/// A condition in the text: the suggestion falls away, not the condition.
fn suggestion_off() -> Guidance {
    let retry = Action { need: Need::Maybe, ..bare_action("retry", "If a payment failed, send it again.") };
    Guidance { known: true, called_off: vec![retry], ..Guidance::unknown() }
}

fn in_another_language() -> Action {
    Action {
        language: Some("fr".to_owned()),
        undo: Some("Reprenez l'export.".to_owned()),
        by: Some(at("21:00")),
        ..bare_action("pause", "Suspendez l'export.")
    }
}

fn considered(count: usize) -> Guidance {
    let texts = ["Send urgent payments by the US gateway.", "Tell your support desk."];
    let actions =
        texts.iter().take(count).map(|text| Action { need: Need::Maybe, ..bare_action(text, text) }).collect();
    Guidance { need: Need::Maybe, known: true, actions, ..Guidance::unknown() }
}

fn several() -> Guidance {
    let pass_on = Action {
        forward: Some("Card payments in the EU fail at times; please try again later.".to_owned()),
        language: Some("de".to_owned()),
        ..bare_action("tell", "Sagen Sie Ihrem Kundendienst Bescheid.")
    };
    let mut guidance = required();
    guidance.actions.push(pass_on);
    guidance.actions.extend(considered(1).actions);
    guidance
}

fn ends() -> Vec<(&'static str, Notice)> {
    let whole_story = {
        let mut case = ended_facts();
        case.updates.extend([second_words(), first_words()]);
        let promises = Some(KeptPromises { kept: 1, made: 1 });
        Notice { is_brief: true, promises, ..over(Kind::Resolved, case) }
    };
    let report = words("u5", "15:30", Phase::Postmortem, "The certificate was renewed by hand. It is now automatic.");
    let postmortem = CaseFacts { phase: Phase::Postmortem, updates: vec![report], ..ended_facts() };
    let minor = CaseFacts { impact: Some(Impact::Minor), updates: Vec::new(), ..ended_facts() };
    let gone = CaseFacts {
        removed: vec!["Payments API".to_owned()],
        components: vec!["Refunds".to_owned()],
        ..incident_facts()
    };
    let undo = Guidance { undo: vec![pause_export()], known: true, ..Guidance::unknown() };
    let reopened = CaseFacts {
        updates: vec![words("u6", "15:10", Phase::Investigating, "Errors are back.")],
        phase_moved: true,
        ..incident_facts()
    };
    vec![
        ("resolved", resolved()),
        ("resolved, to be undone in another language", {
            let case =
                CaseFacts { report_by: Some("2026-11-27".to_owned()), impact: Some(Impact::Minor), ..ended_facts() };
            let guidance = Guidance { undo: vec![in_another_language()], ..Guidance::unknown() };
            Notice { guidance, ..over(Kind::Resolved, case) }
        }),
        ("resolved within a minute, its title in brackets", {
            let title = "[EU] Payments fail [major]".to_owned();
            Notice { case: CaseFacts { title, started_at: Some(at("14:52")), ..ended_facts() }, ..resolved() }
        }),
        ("resolved, minor, without words", {
            let promises = Some(KeptPromises { kept: 0, made: 1 });
            Notice { promises, ..over(Kind::Resolved, minor) }
        }),
        ("opened, no beginning stated", unstated(opened(Guidance::unknown()))),
        ("resolved, no beginning stated", unstated(over(Kind::Resolved, ended_facts()))),
        ("closed by hand, no beginning stated", unstated(closed_by_hand(Kind::Withdrawn, incident_facts()))),
        ("resolved, the whole story", whole_story),
        ("withdrawn", over(Kind::Withdrawn, incident_facts())),
        ("closed by hand", closed_by_hand(Kind::Withdrawn, incident_facts())),
        ("unaffected", Notice { guidance: undo, ..over(Kind::Unaffected, gone) }),
        ("reopened", Notice { next_word: Some(at("16:10")), ..notice(Kind::Reopened, "15:11", reopened) }),
        ("corrected, after the end", {
            let case = CaseFacts { updates: corrected().case.updates, phase_moved: false, ..ended_facts() };
            over(Kind::Corrected, case)
        }),
        ("postmortem", Notice { now: at("15:31"), ..over(Kind::Postmortem, postmortem) }),
    ]
}

/// The notice in every phase that its case could be in: what is over stays so.
pub fn in_every_phase(notice: Notice) -> Vec<Notice> {
    let phases: &[Phase] = match notice.case.phase {
        Phase::Investigating | Phase::Identified | Phase::Monitoring => {
            &[Phase::Investigating, Phase::Identified, Phase::Monitoring]
        }
        Phase::Scheduled | Phase::InProgress | Phase::Verifying => {
            &[Phase::Scheduled, Phase::InProgress, Phase::Verifying]
        }
        Phase::Resolved | Phase::Postmortem => &[Phase::Resolved, Phase::Postmortem],
        Phase::Completed => &[Phase::Completed],
        Phase::Cancelled => &[Phase::Cancelled],
    };
    let of = |phase: &Phase| Notice { case: CaseFacts { phase: *phase, ..notice.case.clone() }, ..notice.clone() };
    phases.iter().map(of).collect()
}

/// The same where nobody has said when it began.
fn unstated(notice: Notice) -> Notice {
    Notice { case: CaseFacts { started_at: None, ..notice.case }, ..notice }
}

/// What a person on our side closed while it was open: two steps had been asked, one of them with a way back.
fn closed_by_hand(reason: Kind, case: CaseFacts) -> Notice {
    let report_by = Some("2026-11-27".to_owned());
    let phase_last_said = Some(if case.phase.is_maintenance() { Phase::Scheduled } else { Phase::Identified });
    let case = CaseFacts { closed_by_hand_at: Some(at("14:52")), phase_last_said, report_by, ..case };
    let tell = bare_action("tell", "Tell your support desk.");
    let guidance = Guidance { undo: vec![pause_export()], called_off: vec![tell], ..Guidance::unknown() };
    Notice { guidance, ..over(reason, case) }
}

fn maintenances() -> Vec<(&'static str, Notice)> {
    let first = CaseFacts { updates: planned_facts().first_words.into_iter().collect(), ..planned_facts() };
    let moved = CaseFacts {
        moved_from: Some((on(24, "21:00"), Some(on(24, "22:30")))),
        scheduled_for: Some(on(25, "21:00")),
        scheduled_until: Some(on(25, "22:30")),
        ..planned_facts()
    };
    let verifying = CaseFacts { phase: Phase::Verifying, phase_moved: true, ..running_facts() };
    let done = CaseFacts { phase: Phase::Completed, ended_at: Some(on(24, "22:20")), ..running_facts() };
    let cancelled = CaseFacts { phase: Phase::Cancelled, phase_moved: true, ..planned_facts() };
    let undo = Guidance { known: true, undo: set_timeout().actions, ..Guidance::unknown() };
    let opened = Notice { is_brief: true, guidance: Guidance::unknown(), ..work(Kind::Opened, on(17, "09:01"), first) };
    let cut_short = work(Kind::Cancelled, on(24, "21:40"), cancelled.clone());
    vec![
        ("maintenance cancelled after its planned start", Notice { next_word: None, ..cut_short }),
        ("maintenance planned", opened),
        (
            "maintenance reminder",
            Notice { guidance: set_timeout(), ..work(Kind::Reminder, on(23, "21:00"), planned_facts()) },
        ),
        ("maintenance moved", work(Kind::Moved, on(23, "12:00"), moved)),
        ("maintenance started", running(Kind::Started, "21:00", "22:30")),
        (
            "maintenance checked",
            Notice { next_word: Some(on(24, "22:30")), ..work(Kind::Phase, on(24, "22:05"), verifying) },
        ),
        ("maintenance due", Notice { promised: Some(on(24, "21:45")), ..running(Kind::Due, "21:44", "22:30") }),
        ("maintenance begun by the clock", unsaid(running(Kind::Started, "21:00", "22:30"))),
        ("maintenance overdue, begun by the clock", unsaid(running(Kind::Overdue, "22:31", "23:59"))),
        ("maintenance moved while it runs", {
            let moved = running(Kind::Moved, "22:05", "23:30");
            let case = CaseFacts {
                moved_from: Some((on(24, "21:00"), Some(on(24, "22:30")))),
                scheduled_until: Some(on(24, "23:30")),
                ..moved.case
            };
            Notice { case, ..moved }
        }),
        ("maintenance that is an incident now", {
            let worse = running(Kind::Worse, "21:40", "22:40");
            let case = CaseFacts {
                phase: Phase::Investigating,
                phase_moved: true,
                became_incident: true,
                impact: None,
                ..worse.case
            };
            Notice { case, ..worse }
        }),
        ("maintenance overdue", running(Kind::Overdue, "22:31", "23:59")),
        (
            "maintenance completed",
            Notice { guidance: undo, next_word: None, ..work(Kind::Completed, on(24, "22:21"), done) },
        ),
        ("maintenance closed by hand", {
            let closed = CaseFacts { phase: Phase::Cancelled, ..planned_facts() };
            let notice = closed_by_hand(Kind::Withdrawn, closed);
            Notice { guidance: Guidance::unknown(), concerned: vec![(2, "Search".to_owned())], ..notice }
        }),
        ("maintenance cancelled", Notice { next_word: None, ..work(Kind::Cancelled, on(23, "12:00"), cancelled) }),
    ]
}

/// The same where its source has not said that it has begun.
fn unsaid(notice: Notice) -> Notice {
    let case = CaseFacts { phase: Phase::Scheduled, phase_moved: false, started_at: None, ..notice.case };
    Notice { case, ..notice }
}

fn uncertain() -> Vec<(&'static str, Notice)> {
    let unscoped = |notice: Notice| {
        let case = CaseFacts { components: Vec::new(), component_ids: Vec::new(), ..notice.case.clone() };
        Notice {
            affected: Affected::Possibly,
            concerned: Vec::new(),
            untouched: Vec::new(),
            next_word: None,
            guidance: Guidance::unknown(),
            case,
            ..notice
        }
    };
    let supplied = |notice: Notice| {
        let case = CaseFacts { voice: Voice::Supplier("GitHub".to_owned()), ..notice.case.clone() };
        Notice { case, ..notice }
    };
    let unknown_word = CaseFacts { phase_unknown: Some("mitigating".to_owned()), ..incident_facts() };
    vec![
        ("possibly, no component named", unscoped(opened(Guidance::unknown()))),
        ("possibly, resolved", unscoped(resolved())),
        ("possibly, named", Notice { affected: Affected::Possibly, next_word: None, ..opened(Guidance::unknown()) }),
        ("supplier, due after its estimate", {
            let due = supplied(due());
            let case = CaseFacts { estimate_passed: Some(at("13:30")), ..due.case };
            Notice { case, ..due }
        }),
        ("supplier, no longer listed", {
            let gone = supplied(resolved());
            let case = CaseFacts { last_seen_at: gone.case.ended_at, ..gone.case };
            Notice { case, ..gone }
        }),
        ("supplier, opened", supplied(opened(Guidance::unknown()))),
        ("supplier, corrected", supplied(corrected())),
        ("supplier, withdrawn", supplied(over(Kind::Withdrawn, incident_facts()))),
        ("supplier, due, source lost", supplied(Notice { lost_sight_since: Some(at("13:51")), ..due() })),
        ("unknown phase word", notice(Kind::Phase, "14:03", unknown_word)),
    ]
}

/// Feed text that tries to be a template, markup, a header, and the place of the client's name.
fn hostile() -> Notice {
    let body = "{{ 7 * 7 }} {% include 'x' %} <script>alert(1)</script>\r\nBcc: all@example.com\r\n\r\n\
                {title} \u{E0C1} <a href=\"javascript:x\">click</a>";
    let words = words("h1", "13:12", Phase::Investigating, body);
    let case = CaseFacts {
        title: "{{ sender }}\r\nBcc: all@example.com <b>\u{E0C1}".to_owned(),
        components: vec!["<i>Payments</i>\r\n{names}".to_owned()],
        first_words: Some(words.clone()),
        updates: vec![words],
        url: Some("javascript:alert(1)".to_owned()),
        ..incident_facts()
    };
    Notice { is_brief: true, concerned: Vec::new(), ..notice(Kind::Opened, "13:13", case) }
}
