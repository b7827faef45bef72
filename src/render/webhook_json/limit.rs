//! What goes when the document is too long: the oldest updates first, then the ends of bodies, at last the ends
//! of everything. What went is never hidden: `data.truncated` says so.
//!
//! Deliberately absent: what the document holds.

use super::{BYTES_MOST, Body, Step};

/// A body is not cut below so many bytes as long as anything else can be cut.
const BODY_LEAST: usize = 200;

/// Writes the document, at most [`BYTES_MOST`] bytes.
pub fn write(body: &mut Body<'_>) -> String {
    let mut written = body.write();
    if written.len() <= BYTES_MOST {
        return written;
    }
    body.data.truncated = Some(true);
    written = drop_oldest_updates(body);
    if written.len() > BYTES_MOST {
        written = cut_bodies(body);
    }
    let mut most = 4_000;
    while written.len() > BYTES_MOST && most > 0 {
        body.cut_everything(most);
        written = body.write();
        most /= 2;
    }
    written
}

/// Drops updates from the oldest on until the rest fits or only the newest is left; then writes.
fn drop_oldest_updates(body: &mut Body<'_>) -> String {
    let sizes: Vec<usize> =
        body.data.updates.iter().map(|update| serde_json::to_string(update).map_or(0, |json| json.len() + 1)).collect();
    let mut size = body.write().len();
    let mut dropped = 0;
    while size > BYTES_MOST && dropped + 1 < sizes.len() {
        size -= sizes[dropped];
        dropped += 1;
    }
    body.data.updates.drain(..dropped);
    body.write()
}

/// Cuts the bodies to the greatest common length with which the whole fits, then writes.
fn cut_bodies(body: &mut Body<'_>) -> String {
    let whole: Vec<String> = body.bodies().into_iter().map(|text| text.clone()).collect();
    let mut write_with = |most: usize| {
        for (text, whole) in body.bodies().into_iter().zip(&whole) {
            text.clone_from(whole);
            cut(text, most);
        }
        body.write()
    };
    let shortest = write_with(BODY_LEAST);
    if shortest.len() > BYTES_MOST {
        return shortest;
    }
    let (mut fits, mut too_long) = (BODY_LEAST, BYTES_MOST);
    while fits + 1 < too_long {
        let middle = (fits + too_long) / 2;
        if write_with(middle).len() <= BYTES_MOST {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    write_with(fits)
}

/// Cuts to at most so many bytes, at a boundary of characters; the last character is then `…`.
fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub('…'.len_utf8())));
        if most >= '…'.len_utf8() {
            text.push('…');
        }
    }
}

impl Body<'_> {
    /// The texts that are cut before all others.
    fn bodies(&mut self) -> Vec<&mut String> {
        let told = &mut self.data.notice;
        let mut texts = vec![&mut told.what_happened, &mut told.current_status];
        for update in &mut self.data.updates {
            texts.push(&mut update.body);
            texts.extend(update.status.as_mut());
            texts.extend(update.replaces.as_mut().map(|old| &mut old.body));
        }
        texts
    }

    /// Every text of others cut to so many bytes, every list to a hundredth of that.
    fn cut_everything(&mut self, most: usize) {
        let longest_list = (most / 100).max(1);
        self.bodies().into_iter().for_each(|text| cut(text, most));
        self.data.updates.iter_mut().for_each(|update| cut(&mut update.id, most));
        let case = &mut self.data.case;
        for text in [&mut case.title, &mut case.source, &mut case.incident].into_iter().chain(&mut case.source_phase) {
            cut(text, most);
        }
        case.components.truncate(longest_list);
        case.components.iter_mut().for_each(|name| cut(name, most));
        case.url.take_if(|url| url.len() > most);
        let told = &mut self.data.notice;
        cut(&mut told.summary, most);
        told.page.take_if(|page| page.len() > most);
        let to_do = &mut told.what_you_need_to_do;
        for steps in [&mut to_do.actions, &mut to_do.called_off, &mut to_do.undo] {
            steps.truncate(longest_list);
            steps.iter_mut().for_each(|step| step.cut(most, longest_list));
        }
    }
}

impl Step {
    fn cut(&mut self, most: usize, longest_list: usize) {
        cut(&mut self.text, most);
        let optional = [
            &mut self.check,
            &mut self.undo,
            &mut self.takes,
            &mut self.who,
            &mut self.place,
            &mut self.otherwise,
            &mut self.offer,
            &mut self.forward,
            &mut self.language,
        ];
        optional.into_iter().flatten().for_each(|text| cut(text, most));
        self.resources.retain(|resource| resource.url.len() <= most);
        self.resources.truncate(longest_list);
        self.resources.iter_mut().for_each(|resource| cut(&mut resource.title, most));
    }
}
