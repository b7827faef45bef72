//! What an observation changes in a case, and whether that is news.
//!
//! The rules of `semantics.md` §1 and §2. An observation is compared with what the same source said last.
//! Deliberately absent: who is told (`plan.rs`) and everything that happens without the source (`keep`).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, CaseState, Change, ChangeFacts, Facts, SaidAction, Scope, Story, Timers, Update, Version};
use super::component::{Catalog, glob_matches};
use super::incident::{Announce, Need, Observation, ObservedUpdate, Origin, Phase};
use super::notice::Kind;
use super::pace::{Corrections, PaceSettings, Unscoped};
use super::text;

/// What stays removed for that long no longer concerns those it was removed for; and so long the operator
/// has to say whom an unscoped case concerns.
const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);
/// After that long of older reads that agree with each other the new line is taken as true.
const STALE_IS_TRUE_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// All that decides besides the case and the observation.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub now: Timestamp,
    pub pace: &'a PaceSettings,
    pub catalog: &'a Catalog,
    pub feed: &'a FeedRules,
    pub sight: Sight,
    /// For a case that we have not had.
    pub new_id: &'a str,
    pub new_reference: &'a str,
}

/// What the configuration says of the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedRules {
    /// Our components that its unscoped cases concern.
    pub components: Vec<String>,
    /// Globs of names that mean nothing.
    pub ignore: Vec<String>,
    pub unscoped: UnscopedRule,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnscopedRule {
    #[default]
    Ask,
    All,
    None,
}

impl From<Unscoped> for UnscopedRule {
    fn from(rule: Unscoped) -> UnscopedRule {
        match rule {
            Unscoped::Ask => UnscopedRule::Ask,
            Unscoped::All => UnscopedRule::All,
            Unscoped::None => UnscopedRule::None,
        }
    }
}

/// Whether the source has been watched before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The first good read of a polled feed: taken in, nobody is told.
    First,
    /// The first good read of a feed that announces what it finds open.
    FirstAnnounced,
    /// Watched since; the last good read before this one, if it is a polled feed.
    Watching { last_good_at: Option<Timestamp> },
}

/// What came of an observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// It says what we know already.
    Nothing,
    /// It is older than what we know.
    Stale,
    /// A new case needs a title and a body.
    Incomplete {
        missing: &'static str,
    },
    Changed(Box<Step>),
}

/// The case after the observation, with only those updates and changes that have to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub case: Case,
    pub updates: Vec<Update>,
    pub change: Option<Change>,
    pub remarks: Vec<Remark>,
}

/// For the operator: noticed while taking it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    Unmapped(Vec<String>),
    UnknownPhase(String),
    Unscoped,
    NotAnnounced,
    FoundOpenAtFirstSight,
    TakenInAsHistory,
}

/// Takes one observation in. Pure: the same arguments give the same step.
pub fn observe(known: Option<&Story>, seen: &Observation, context: &Context<'_>) -> Observed {
    match known {
        None => first_seen(seen, context),
        Some(story) if story.case.state == CaseState::Archived => Observed::Nothing,
        Some(story) => seen_again(story, seen, context),
    }
}

fn first_seen(seen: &Observation, context: &Context<'_>) -> Observed {
    let Some(title) = seen.title.clone().filter(|title| !title.trim().is_empty()) else {
        return Observed::Incomplete { missing: "title" };
    };
    if seen.origin == Origin::ByHand && seen.updates.iter().all(|u| u.body.trim().is_empty()) {
        return Observed::Incomplete { missing: "body" };
    }
    let phase = seen.phase.unwrap_or(Phase::Investigating);
    let mut remarks = Vec::new();
    let mut work = Work {
        case: blank_case(seen, title, phase, context),
        updates: Vec::new(),
        touched: BTreeSet::new(),
        kinds: BTreeSet::new(),
        facts: None,
    };
    work.take_updates(seen, context, &mut remarks);
    work.take_scope(seen, context, &mut remarks);
    work.take_words_for_all(seen);
    let kinds = opening_kinds(seen, phase, context, &mut remarks);
    work.case.facts.silent_since_first_sight = kinds.is_empty() && !phase.is_over();
    if phase.is_over() {
        work.end(seen, context);
    }
    if kinds.is_empty() {
        work.case.state = if phase.is_over() { CaseState::Closed } else { CaseState::Open };
        work.case.closed_at = phase.is_over().then_some(context.now);
        work.case.timers = Timers::default();
        for update in &mut work.updates {
            update.sequence = Some(0);
        }
        return work.finish(None, context, remarks);
    }
    work.kinds = kinds;
    let why = if work.kinds.contains(&Kind::Resolved) { "found ended" } else { "a case we have not had" };
    work.finish(Some(why.to_owned()), context, remarks)
}

fn opening_kinds(seen: &Observation, phase: Phase, context: &Context<'_>, remarks: &mut Vec<Remark>) -> BTreeSet<Kind> {
    if phase.is_over() {
        if is_history(seen, context) {
            remarks.push(Remark::TakenInAsHistory);
            return BTreeSet::new();
        }
        return BTreeSet::from([Kind::Opened, closing_kind(phase)]);
    }
    match context.sight {
        Sight::First => {
            remarks.push(Remark::FoundOpenAtFirstSight);
            BTreeSet::new()
        }
        Sight::FirstAnnounced | Sight::Watching { .. } => {
            let mut kinds = BTreeSet::from([Kind::Opened]);
            if phase == Phase::InProgress || phase == Phase::Verifying {
                kinds.insert(Kind::Started);
            }
            kinds
        }
    }
}

/// Found closed: told only if its first post came after our last good read and it ended within `max_age`.
fn is_history(seen: &Observation, context: &Context<'_>) -> bool {
    let last_good_at = match context.sight {
        Sight::First | Sight::FirstAnnounced => return true,
        Sight::Watching { last_good_at } => last_good_at,
    };
    let first_post = seen.updates.iter().filter_map(|u| u.at).min();
    let ended = seen.resolved_at.or_else(|| seen.updates.iter().filter_map(|u| u.at).max());
    let posted_before = last_good_at.is_some_and(|good| first_post.is_none_or(|post| post <= good));
    let max_age = SignedDuration::try_from(context.pace.max_age).unwrap_or(SignedDuration::MAX);
    let too_old = ended.is_some_and(|end| context.now.duration_since(end) > max_age);
    posted_before || too_old
}

fn closing_kind(phase: Phase) -> Kind {
    match phase {
        Phase::Completed => Kind::Completed,
        Phase::Cancelled => Kind::Cancelled,
        Phase::Resolved
        | Phase::Postmortem
        | Phase::Investigating
        | Phase::Identified
        | Phase::Monitoring
        | Phase::Scheduled
        | Phase::InProgress
        | Phase::Verifying => Kind::Resolved,
    }
}

fn blank_case(seen: &Observation, title: String, phase: Phase, context: &Context<'_>) -> Case {
    Case {
        key: 0,
        version: 0,
        id: context.new_id.to_owned(),
        reference: context.new_reference.to_owned(),
        source: seen.source.clone(),
        incident: seen.incident.clone(),
        state: CaseState::Open,
        episode: 1,
        sequence: 0,
        opened_at: context.now,
        ended_at: None,
        closed_at: None,
        facts: Facts {
            title,
            phase,
            phase_unknown: seen.phase_unknown.clone(),
            impact: seen.impact,
            components: Vec::new(),
            scope: Scope::Unscoped,
            started_at: seen.started_at,
            resolved_at: None,
            scheduled_for: seen.scheduled_for,
            scheduled_until: seen.scheduled_until,
            url: seen.url.clone(),
            data_loss: None,
            report_by: None,
            stand: None,
            said_action: None,
            silent_since_first_sight: false,
            revised_at: seen.revised_at,
            last_news_at: context.now,
            last_listed_at: context.now,
            missed_reads: Vec::new(),
            stale_since: None,
        },
        timers: Timers::default(),
    }
}

fn seen_again(story: &Story, seen: &Observation, context: &Context<'_>) -> Observed {
    let mut work = Work {
        case: story.case.clone(),
        updates: story.updates.clone(),
        touched: BTreeSet::new(),
        kinds: BTreeSet::new(),
        facts: None,
    };
    if is_stale(story, seen) {
        let since = *work.case.facts.stale_since.get_or_insert(context.now);
        let believed = context.now.duration_since(since) >= STALE_IS_TRUE_AFTER && story.case.state == CaseState::Open;
        if !believed {
            return if work.case == story.case {
                Observed::Stale
            } else {
                Observed::Changed(Box::new(Step { case: work.case, updates: vec![], change: None, remarks: vec![] }))
            };
        }
    }
    let mut remarks = Vec::new();
    let facts = &mut work.case.facts;
    facts.stale_since = None;
    facts.missed_reads.clear();
    facts.revised_at = seen.revised_at.or(facts.revised_at);
    facts.started_at = seen.started_at.or(facts.started_at);
    facts.url = seen.url.clone().or(facts.url.take());
    let new_title = seen.title.clone().filter(|title| !title.trim().is_empty());
    facts.title = new_title.unwrap_or_else(|| facts.title.clone());

    work.take_updates(seen, context, &mut remarks);
    work.take_phase(seen, context, &mut remarks);
    work.take_impact(seen);
    work.take_window(seen);
    work.take_scope(seen, context, &mut remarks);
    work.take_words_for_all(seen);
    work.drop_what_is_not_news();
    if work.kinds.is_empty() {
        if work.case == story.case && work.touched.is_empty() {
            return Observed::Nothing;
        }
        return work.finish_against(story, None, context, remarks);
    }
    let why = format!("{} said so", seen.source);
    work.finish_against(story, Some(why), context, remarks)
}

/// Older than what we know: by the source's own stamp, or as many updates short at the same stamp.
fn is_stale(story: &Story, seen: &Observation) -> bool {
    if seen.origin != Origin::Polled {
        return false;
    }
    let known = story.updates.iter().filter(|u| u.origin == Origin::Polled).count();
    match (seen.revised_at, story.case.facts.revised_at) {
        (Some(theirs), Some(ours)) => theirs < ours || (theirs == ours && seen.updates.len() < known),
        (Some(_) | None, None) | (None, Some(_)) => false,
    }
}

/// The case while it takes an observation in.
struct Work {
    case: Case,
    updates: Vec<Update>,
    /// Numbers of updates that are new or rewritten.
    touched: BTreeSet<i64>,
    kinds: BTreeSet<Kind>,
    facts: Option<ChangeFacts>,
}

impl Work {
    fn change_facts(&mut self) -> &mut ChangeFacts {
        let facts = &self.case.facts;
        self.facts.get_or_insert_with(|| ChangeFacts {
            title: facts.title.clone(),
            phase: facts.phase,
            phase_before: None,
            impact: facts.impact,
            impact_before: None,
            added: Vec::new(),
            removed: Vec::new(),
            moved_from: None,
            promised: None,
            lost_sight_since: None,
        })
    }

    fn take_updates(&mut self, seen: &Observation, context: &Context<'_>, remarks: &mut Vec<Remark>) {
        for observed in &seen.updates {
            let normalised = text::normalise(&observed.body);
            let says_nothing = normalised.is_empty() && observed.status.is_none() && observed.action.is_none();
            let id = update_id(observed, &normalised);
            if let Some(position) = self.updates.iter().position(|known| known.id == id) {
                self.take_rewrite(position, observed, &normalised, context);
            } else if !says_nothing && !self.has_text(observed, &normalised) {
                self.take_new_update(id, observed, seen.origin, &normalised, context, remarks);
            }
        }
    }

    fn has_text(&self, observed: &ObservedUpdate, normalised: &str) -> bool {
        self.updates.iter().any(|known| {
            text::normalise(&known.body) == normalised
                && known.status == observed.status
                && known.action == observed.action
        })
    }

    fn take_new_update(
        &mut self,
        id: String,
        observed: &ObservedUpdate,
        origin: Origin,
        normalised: &str,
        context: &Context<'_>,
        remarks: &mut Vec<Remark>,
    ) {
        let last_told = self.updates.iter().filter(|u| u.sequence.is_some()).max_by_key(|u| u.number);
        let repeats_the_last = origin != Origin::ByHand
            && last_told.is_some_and(|last| text::alike(&text::normalise(&last.body), normalised));
        let is_news = observed.announce == Announce::Yes && !repeats_the_last;
        if observed.announce == Announce::Silent {
            remarks.push(Remark::NotAnnounced);
        }
        let number = self.updates.iter().map(|u| u.number).max().unwrap_or(0) + 1;
        self.updates.push(Update {
            number,
            id,
            sequence: None,
            phase: observed.phase,
            body: observed.body.clone(),
            status: observed.status.clone(),
            action: observed.action.clone(),
            need: observed.need,
            next_word: observed.next_word,
            at: observed.at.unwrap_or(context.now),
            seen_at: context.now,
            origin,
            versions: Vec::new(),
        });
        self.touched.insert(number);
        if is_news {
            self.kinds.insert(if observed.phase == Some(Phase::Postmortem) { Kind::Postmortem } else { Kind::Updated });
        }
    }

    fn take_rewrite(&mut self, position: usize, observed: &ObservedUpdate, normalised: &str, context: &Context<'_>) {
        let known = &mut self.updates[position];
        let before = text::normalise(&known.body);
        if before == normalised || normalised.is_empty() {
            return;
        }
        let only_typos = text::differ_by_typos_only(&before, normalised);
        let former = std::mem::replace(&mut known.body, observed.body.clone());
        known.status = observed.status.clone().or(known.status.take());
        known.versions.insert(0, Version { body: former, seen_at: context.now, sequence: None });
        known.versions.truncate(20);
        self.touched.insert(known.number);
        // A text that nobody has been sent yet is simply the text.
        if only_typos || known.sequence.is_none() {
            return;
        }
        let is_over = self.case.facts.phase.is_over();
        let grew = normalised.chars().count() * 2 > before.chars().count() * 3;
        if is_over && grew {
            self.kinds.insert(Kind::Postmortem);
            return;
        }
        match (context.pace.corrections, is_over) {
            (Corrections::Open, false) | (Corrections::All, _) => {
                self.kinds.insert(Kind::Corrected);
            }
            (Corrections::Open, true) | (Corrections::None, _) => {}
        }
    }

    fn take_phase(&mut self, seen: &Observation, context: &Context<'_>, remarks: &mut Vec<Remark>) {
        if let Some(word) = &seen.phase_unknown {
            if self.case.facts.phase_unknown.as_ref() != Some(word) {
                remarks.push(Remark::UnknownPhase(word.clone()));
            }
            self.case.facts.phase_unknown = Some(word.clone());
            return;
        }
        let Some(next) = seen.phase else { return };
        let before = self.case.facts.phase;
        self.case.facts.phase_unknown = None;
        if next == before {
            return;
        }
        self.case.facts.phase = next;
        let facts = self.change_facts();
        facts.phase_before = facts.phase_before.or(Some(before));
        match (before.is_over(), next.is_over()) {
            (false, false) => {
                self.kinds.insert(open_move(before, next));
            }
            (false, true) => {
                self.kinds.insert(closing_kind(next));
                self.end(seen, context);
            }
            (true, false) => self.reopen(),
            (true, true) => {
                // Resolved to post-mortem is told by its update, which has been taken already.
                self.case.facts.resolved_at = seen.resolved_at.or(self.case.facts.resolved_at);
            }
        }
    }

    fn end(&mut self, seen: &Observation, context: &Context<'_>) {
        self.case.state = CaseState::Ended;
        self.case.ended_at = Some(context.now);
        let last_post = self.updates.iter().map(|u| u.at).max();
        self.case.facts.resolved_at = seen.resolved_at.or(last_post).or(Some(context.now));
        self.case.timers = Timers { last_quiet_at: self.case.timers.last_quiet_at, ..Timers::default() };
    }

    fn reopen(&mut self) {
        self.case.state = CaseState::Open;
        self.case.ended_at = None;
        self.case.closed_at = None;
        self.case.facts.resolved_at = None;
        self.case.episode += 1;
        self.kinds.insert(Kind::Reopened);
    }

    fn take_impact(&mut self, seen: &Observation) {
        let Some(next) = seen.impact else { return };
        let before = self.case.facts.impact.replace(next);
        if let Some(before) = before.filter(|before| *before != next) {
            let facts = self.change_facts();
            facts.impact_before = facts.impact_before.or(Some(before));
            self.kinds.insert(if next > before { Kind::Worse } else { Kind::Better });
        }
    }

    fn take_window(&mut self, seen: &Observation) {
        let before = (self.case.facts.scheduled_for, self.case.facts.scheduled_until);
        let after = (seen.scheduled_for.or(before.0), seen.scheduled_until.or(before.1));
        if before == after {
            return;
        }
        (self.case.facts.scheduled_for, self.case.facts.scheduled_until) = after;
        if let (Some(start), Phase::Scheduled) = (before.0, self.case.facts.phase) {
            self.change_facts().moved_from = Some((start, before.1));
            self.kinds.insert(Kind::Moved);
        }
    }

    fn take_scope(&mut self, seen: &Observation, context: &Context<'_>, remarks: &mut Vec<Remark>) {
        let listed: Vec<String> = seen.components.clone().unwrap_or_default();
        let meaningful: Vec<String> =
            listed.into_iter().filter(|name| !is_ignored(name, &context.feed.ignore)).collect();
        let named = context.catalog.resolve(&meaningful);
        let is_new_name = |name: &String| !self.case.facts.components.contains(name);
        if !named.unmapped.is_empty() && named.unmapped.iter().any(is_new_name) {
            remarks.push(Remark::Unmapped(named.unmapped.clone()));
        }
        let before = self.case.facts.scope;
        if !named.keys.is_empty() {
            self.rescope(meaningful, context);
            return;
        }
        if before != Scope::Unscoped && !(before == Scope::Nobody || before == Scope::Everyone) {
            return;
        }
        let declared = if context.feed.components.is_empty() {
            context.catalog.named_by_words(&self.words_of_case())
        } else {
            context.feed.components.clone()
        };
        if !declared.is_empty() {
            self.rescope(declared, context);
        } else if before == Scope::Unscoped {
            self.leave_unscoped(meaningful, context, remarks);
        }
    }

    fn words_of_case(&self) -> String {
        let bodies = self.updates.iter().map(|u| text::normalise(&u.body));
        std::iter::once(self.case.facts.title.clone()).chain(bodies).collect::<Vec<_>>().join("\n")
    }

    fn leave_unscoped(&mut self, unmapped: Vec<String>, context: &Context<'_>, remarks: &mut Vec<Remark>) {
        self.case.facts.components = unmapped;
        match context.feed.unscoped {
            UnscopedRule::All => self.case.facts.scope = Scope::Everyone,
            UnscopedRule::None => self.case.facts.scope = Scope::Nobody,
            UnscopedRule::Ask => {
                if self.case.timers.unscoped_at.is_none() && !self.case.facts.phase.is_over() {
                    self.case.timers.unscoped_at = Some(context.now + TEN_MINUTES);
                    remarks.push(Remark::Unscoped);
                }
            }
        }
    }

    fn rescope(&mut self, names: Vec<String>, context: &Context<'_>) {
        let was = self.case.facts.scope;
        let keys_before = match was {
            Scope::Named | Scope::NamedByPerson => context.catalog.resolve(&self.case.facts.components).keys,
            Scope::Unscoped | Scope::Everyone | Scope::Nobody => Vec::new(),
        };
        let keys = context.catalog.resolve(&names).keys;
        self.case.facts.components = names;
        self.case.facts.scope = Scope::Named;
        self.case.timers.unscoped_at = None;
        let added: Vec<String> = keys.iter().filter(|k| !keys_before.contains(k)).cloned().collect();
        let removed: Vec<String> = keys_before.iter().filter(|k| !keys.contains(k)).cloned().collect();
        let is_new_case = self.case.key == 0 && self.case.sequence == 0;
        if is_new_case || self.case.facts.phase.is_over() {
            return;
        }
        if !removed.is_empty() || was == Scope::Everyone {
            self.case.timers.unaffected_at = Some(context.now + TEN_MINUTES);
        }
        let names_of = |keys: Vec<String>| keys.iter().map(|k| context.catalog.name_of(k)).collect::<Vec<_>>();
        let (added, removed) = (names_of(added), names_of(removed));
        if !added.is_empty() {
            self.kinds.insert(Kind::Wider);
        }
        if !removed.is_empty() {
            self.kinds.insert(Kind::Narrower);
        }
        let facts = self.change_facts();
        facts.added.extend(added);
        facts.removed.extend(removed);
    }

    /// What the authors said to everybody: data, report, order, and what clients are to do.
    fn take_words_for_all(&mut self, seen: &Observation) {
        for observed in &seen.updates {
            let facts = &mut self.case.facts;
            facts.data_loss = observed.data_loss.or(facts.data_loss);
            facts.report_by = observed.report_by.clone().or(facts.report_by.take());
            facts.stand = observed.stand.clone().or(facts.stand.take());
        }
        for number in &self.touched {
            let Some(update) = self.updates.iter().find(|u| u.number == *number) else { continue };
            let said = match (&update.action, update.need) {
                (_, Some(Need::None)) => Some((Need::None, String::new())),
                (Some(text), need) => Some((need.unwrap_or(Need::Required), text.clone())),
                (None, Some(Need::Maybe | Need::Required) | None) => None,
            };
            if let Some((need, text)) = said {
                self.case.facts.said_action = Some(SaidAction { need, text, said_at: update.at });
            }
        }
    }

    /// A rewrite that comes with a new update is folded into it; an end needs no word that an update came.
    fn drop_what_is_not_news(&mut self) {
        if self.kinds.contains(&Kind::Updated) || self.kinds.iter().any(|kind| kind.is_at_once()) {
            self.kinds.remove(&Kind::Corrected);
        }
    }

    fn finish(self, why: Option<String>, context: &Context<'_>, remarks: Vec<Remark>) -> Observed {
        let story = Story { case: self.case.clone(), updates: vec![], changes: vec![] };
        self.finish_against(&story, why, context, remarks)
    }

    /// Makes the change row, or joins the one that waits, and gives every untold update its sequence.
    fn finish_against(
        mut self,
        story: &Story,
        why: Option<String>,
        context: &Context<'_>,
        remarks: Vec<Remark>,
    ) -> Observed {
        let change = why.map(|why| {
            self.case.facts.last_news_at = context.now;
            let by_hand = self.updates.iter().any(|u| self.touched.contains(&u.number) && u.origin == Origin::ByHand);
            let facts = self.change_facts().clone();
            let facts = ChangeFacts {
                title: self.case.facts.title.clone(),
                phase: self.case.facts.phase,
                impact: self.case.facts.impact,
                ..facts
            };
            let urgency = if by_hand { Urgency::ByHand } else { Urgency::ByKind };
            let new = News { kinds: std::mem::take(&mut self.kinds), facts, why, urgency };
            join(&mut self.case, story.waiting(), new, context.pace, context.now)
        });
        if let Some(change) = &change {
            for update in &mut self.updates {
                if update.sequence.is_none() {
                    update.sequence = Some(change.sequence);
                    self.touched.insert(update.number);
                }
                let told_before = update.sequence.is_some_and(|s| s < change.sequence);
                if let Some(version) = update.versions.first_mut()
                    && version.seen_at == context.now
                    && told_before
                    && version.sequence.is_none()
                {
                    version.sequence = Some(change.sequence);
                }
            }
        }
        let touched = self.touched;
        let updates = self.updates.into_iter().filter(|u| touched.contains(&u.number)).collect();
        Observed::Changed(Box::new(Step { case: self.case, updates, change, remarks }))
    }
}

fn is_ignored(name: &str, ignore: &[String]) -> bool {
    let lower = name.trim().to_lowercase();
    ignore.iter().any(|glob| glob_matches(&glob.to_lowercase(), &lower))
}

fn open_move(before: Phase, next: Phase) -> Kind {
    match (before, next) {
        (Phase::Monitoring, Phase::Investigating | Phase::Identified) => Kind::Back,
        (Phase::Scheduled, Phase::InProgress | Phase::Verifying) => Kind::Started,
        _ => Kind::Phase,
    }
}

/// The source's id, else what the update is known by: its time, label and text.
fn update_id(observed: &ObservedUpdate, normalised: &str) -> String {
    observed.id.clone().unwrap_or_else(|| {
        let at = observed.at.map_or(String::new(), |at| at.as_second().to_string());
        let label = observed.phase.map_or("", Phase::as_str);
        text::text_hash(&format!("{at}\n{label}\n{normalised}\n{}", observed.status.as_deref().unwrap_or("")))
    })
}

/// News on its way into a change row.
#[derive(Debug, Clone)]
pub struct News {
    pub kinds: BTreeSet<Kind>,
    pub facts: ChangeFacts,
    pub why: String,
    pub urgency: Urgency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A person wrote it: never waits.
    ByHand,
    ByKind,
}

/// Makes a change of the news, or lets it join the one that waits: at most one change of a case waits, and
/// what is due at once takes along what was waiting.
pub fn join(case: &mut Case, waiting: Option<&Change>, news: News, pace: &PaceSettings, now: Timestamp) -> Change {
    let at_once = news.urgency == Urgency::ByHand || news.kinds.iter().any(|kind| kind.is_at_once());
    let due_at = if at_once { now } else { quiet_due(case, waiting, pace, now) };
    let Some(waiting) = waiting else {
        case.sequence += 1;
        return Change {
            sequence: case.sequence,
            episode: case.episode,
            kinds: news.kinds.into_iter().rev().collect(),
            made_at: now,
            due_at,
            planned_at: None,
            why: news.why,
            facts: news.facts,
        };
    };
    let mut kinds: BTreeSet<Kind> = waiting.kinds.iter().copied().chain(news.kinds).collect();
    if kinds.contains(&Kind::Reopened) {
        kinds.retain(|kind| !kind.is_closing());
    }
    if kinds.len() > 1 {
        kinds.remove(&Kind::Due);
    }
    let mut facts = news.facts;
    facts.phase_before = waiting.facts.phase_before.or(facts.phase_before);
    facts.impact_before = waiting.facts.impact_before.or(facts.impact_before);
    facts.moved_from = waiting.facts.moved_from.or(facts.moved_from);
    facts.added.extend(waiting.facts.added.iter().cloned());
    facts.removed.extend(waiting.facts.removed.iter().cloned());
    Change {
        sequence: waiting.sequence,
        episode: case.episode,
        kinds: kinds.into_iter().rev().collect(),
        made_at: waiting.made_at,
        due_at: due_at.min(waiting.due_at),
        planned_at: None,
        why: format!("{}; {}", waiting.why, news.why),
        facts,
    }
}

/// Quiet news comes at the later of the first waiting + `settle` and the last quiet notice + `apart`, but
/// never past a promise.
fn quiet_due(case: &Case, waiting: Option<&Change>, pace: &PaceSettings, now: Timestamp) -> Timestamp {
    let first_waiting = waiting.map_or(now, |change| change.made_at);
    let settled = first_waiting + pace.settle;
    let apart = case.timers.last_quiet_at.map(|last| last + pace.apart);
    let due = apart.map_or(settled, |apart| apart.max(settled));
    case.timers.promise.map_or(due, |promise| due.min(promise.act_at().max(now)))
}
