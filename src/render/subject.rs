//! The subject: constant for the thread, but for three that stand out on purpose.

use crate::domain::incident::Phase;

use super::pack::fill;
use super::scene::{Scene, tidy};
use super::verdict::{Verdict, future, headline_action};

/// How subjects are made; `[email] subject`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectForm {
    /// "Action needed by …", "Resolved: …" and "Moved to …" stand out on purpose.
    Standing,
    /// One subject for the whole thread.
    Constant,
}

/// `TITLE (SENDER REF)`, with what stands out in front of it.
pub fn subject(scene: &Scene<'_>, sender: &str, form: SubjectForm) -> String {
    let (words, case) = (&scene.pack.subject, &scene.notice.case);
    let verdict = Verdict::of(scene);
    // Frozen for this contact: a rename is told in the text.
    let title = scene.title();
    let values = [("title", title.as_str()), ("sender", &tidy(sender)), ("reference", &tidy(&case.reference))];
    let standing = fill(&words.standing, &values);
    let subject = match (form, verdict) {
        (SubjectForm::Standing, Verdict::ActionNeeded) => {
            match headline_action(scene).and_then(|action| future(scene, action.by)) {
                Some(by) => {
                    let when = scene.times.subject(by);
                    fill(&words.action_by, &[("when", when.as_str()), ("subject", &standing)])
                }
                None => fill(&words.action, &[("subject", &standing)]),
            }
        }
        (SubjectForm::Standing, Verdict::Resolved) => fill(&words.resolved, &[("subject", &standing)]),
        (SubjectForm::Standing, Verdict::Moved) if case.phase == Phase::Scheduled => match case.scheduled_for {
            // Only its end has moved.
            Some(from) if case.moved_from.is_some_and(|(before, _)| before == from) => standing,
            Some(from) => fill(&words.moved, &[("when", &scene.times.subject(from)), ("subject", &standing)]),
            None => standing,
        },
        (SubjectForm::Standing | SubjectForm::Constant, _) => standing,
    };
    let subject = match scene.notice.drill {
        true => fill(&words.drill, &[("subject", &subject)]),
        false => subject,
    };
    without_square_brackets(&subject)
}

/// Mail clients leave out what stands in square brackets when they compare or show subjects.
fn without_square_brackets(subject: &str) -> String {
    subject.replace('[', "(").replace(']', ")")
}
