//! Whom a case concerns: what the source names, and what is done where it names nothing that we know.
//!
//! Deliberately absent: which clients that is, which planning finds.

use super::Work;
use crate::domain::case::Scope;
use crate::domain::component::glob_matches;
use crate::domain::incident::{Observation, Origin};
use crate::domain::notice::Kind;
use crate::domain::observe::{Context, Remark, TEN_MINUTES, UnscopedRule};
use crate::domain::text;

impl Work {
    pub(in crate::domain::observe) fn take_scope(
        &mut self,
        seen: &Observation,
        context: &Context<'_>,
        remarks: &mut Vec<Remark>,
    ) {
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
            if seen.origin == Origin::ByHand && self.case.facts.source_said.is_some() {
                self.case.facts.scope = Scope::NamedByPerson;
            }
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

    /// What a part of the incident names comes to what the whole does.
    pub(in crate::domain::observe) fn add_components(
        &mut self,
        seen: &Observation,
        context: &Context<'_>,
        remarks: &mut Vec<Remark>,
    ) {
        let known = match self.case.facts.scope {
            Scope::Named | Scope::NamedByPerson => self.case.facts.components.clone(),
            Scope::Unscoped | Scope::Nobody => Vec::new(),
            Scope::Everyone => return,
        };
        let listed = seen.components.iter().flatten();
        let added = listed.filter(|name| !is_ignored(name, &context.feed.ignore) && !known.contains(name));
        let added: Vec<String> = added.cloned().collect();
        let named = context.catalog.resolve(&added);
        if !named.unmapped.is_empty() {
            remarks.push(Remark::Unmapped(named.unmapped));
        }
        if !named.keys.is_empty() {
            self.rescope(known.into_iter().chain(added).collect(), context);
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
            UnscopedRule::Ask => self.ask(context, remarks),
        }
    }

    /// Asked once. What has become worse after the time to answer is looked at again: a grave case of our own
    /// is not kept from everybody because it began small.
    fn ask(&mut self, context: &Context<'_>, remarks: &mut Vec<Remark>) {
        let has_nothing_to_tell = self.case.facts.silent_since_first_sight && self.kinds.is_empty();
        if self.case.facts.phase.is_over() || has_nothing_to_tell {
            return;
        }
        match self.case.facts.asked_at {
            None => {
                self.case.facts.asked_at = Some(context.now);
                self.case.timers.unscoped_at = Some(context.now + TEN_MINUTES);
                remarks.push(Remark::Unscoped);
            }
            Some(_) if self.case.timers.unscoped_at.is_none() && self.kinds.contains(&Kind::Worse) => {
                self.case.timers.unscoped_at = Some(context.now);
            }
            Some(_) => {}
        }
    }

    fn rescope(&mut self, names: Vec<String>, context: &Context<'_>) {
        let was = self.case.facts.scope;
        let keys_before = match was {
            Scope::Named | Scope::NamedByPerson | Scope::Everyone => {
                context.catalog.resolve(&self.case.facts.components).keys
            }
            Scope::Unscoped | Scope::Nobody => Vec::new(),
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
            // Counted from the first that is removed: a source that drops one after the other puts off nobody's word.
            self.case.timers.unaffected_at.get_or_insert(context.now + TEN_MINUTES);
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
}

fn is_ignored(name: &str, ignore: &[String]) -> bool {
    let lower = name.trim().to_lowercase();
    ignore.iter().any(|glob| glob_matches(&glob.to_lowercase(), &lower))
}
