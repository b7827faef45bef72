//! When news is due: at once, in company, or half an hour apart.

use super::*;

#[test]
fn quiet_news_waits_for_company_and_loud_news_takes_it_along() {
    let mut following = opened();
    let quiet = says(10, Investigating, Major, &["Payments API"], &[FIRST, SECOND]);
    following.see(10, &quiet);
    let due = |f: &Following| f.story.as_ref().and_then(Story::waiting).map(|c| (c.sequence, c.due_at));
    assert_eq!(due(&following), Some((2, at(11))), "a minute after the first");
    following.see(10, &says(10, Identified, Major, &["Payments API"], &[FIRST, SECOND]));
    assert_eq!(due(&following), Some((2, at(11))), "never extended, and one change");
    following.see(10, &says(11, Identified, Critical, &["Payments API"], &[FIRST, SECOND]));
    assert_eq!(due(&following), Some((2, at(10))), "worse goes at once and takes the rest along");
    let kinds = following.story.as_ref().and_then(Story::waiting).map(|c| c.kinds.clone());
    assert_eq!(kinds, Some(vec![Kind::Worse, Kind::Phase, Kind::Updated]));
}

#[test]
fn quiet_notices_come_half_an_hour_apart() {
    let mut following = opened();
    following.see(10, &says(10, Investigating, Major, &["Payments API"], &[FIRST, SECOND]));
    following.plan(11);
    following.see(
        15,
        &says(
            15,
            Investigating,
            Major,
            &["Payments API"],
            &[FIRST, SECOND, ("u3", 15, Identified, "Being replaced now.")],
        ),
    );
    assert_eq!(following.story.as_ref().and_then(Story::waiting).map(|c| c.due_at), Some(at(41)));
}

#[test]
fn an_update_that_its_author_did_not_announce_goes_along_with_the_next_notice() {
    let mut following = opened();
    let mut silent = says(10, Investigating, Major, &["Payments API"], &[FIRST, SECOND]);
    silent.updates[1].announce = Announce::Silent;
    match following.see(10, &silent) {
        Observed::Changed(step) => {
            assert_eq!(step.change, None);
            assert_eq!(step.remarks, [Remark::NotAnnounced]);
        }
        other => panic!("{other:?}"),
    }
    following.news(20, &says(20, Investigating, Critical, &["Payments API"], &[FIRST, SECOND]));
    let sequences: Vec<Option<i64>> = following.story.expect("a case").updates.iter().map(|u| u.sequence).collect();
    assert_eq!(sequences, [Some(1), Some(2)]);
}
