//! The body of an answer while it comes in: plain, or gzip of one member or several (RFC 1952 §2.2), with a limit on
//! what it decodes to.
//!
//! Deliberately absent: the HTTP client's own decoding, which ends with the first member and loses the rest.

use std::io::{self, Write as _};

use flate2::write::MultiGzDecoder;
use reqwest::header::HeaderValue;

use crate::domain::delivery::clean;
use crate::feed::cause::Cause;

pub(super) enum Body {
    Plain(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
}

impl Body {
    /// The body that a `Content-Encoding` announces. What we did not ask for is taken as it is: no parser reads it.
    pub fn coded_as(encoding: Option<&HeaderValue>, limit: usize) -> Body {
        let capped = Capped { bytes: Vec::new(), limit, read: 0 };
        let coding = encoding.and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
        if ["gzip", "x-gzip"].iter().any(|gzip| coding.eq_ignore_ascii_case(gzip)) {
            Body::Gzip(Box::new(MultiGzDecoder::new(capped)))
        } else {
            Body::Plain(capped)
        }
    }

    /// # Errors
    /// It is too large, or no gzip.
    pub fn take(&mut self, chunk: &[u8]) -> Result<(), Cause> {
        let taken = match self {
            Body::Plain(capped) => capped.write_all(chunk),
            Body::Gzip(decoder) => decoder.write_all(chunk),
        };
        taken.map_err(|error| self.cause_of(&error))
    }

    /// The whole of it, decoded.
    ///
    /// # Errors
    /// It is too large, or breaks off.
    pub fn finish(mut self) -> Result<Vec<u8>, Cause> {
        if let Body::Gzip(decoder) = &mut self
            && let Err(error) = decoder.try_finish()
        {
            return Err(self.cause_of(&error));
        }
        Ok(std::mem::take(&mut self.capped_mut().bytes))
    }

    fn capped_mut(&mut self) -> &mut Capped {
        match self {
            Body::Plain(capped) => capped,
            Body::Gzip(decoder) => decoder.get_mut(),
        }
    }

    fn cause_of(&mut self, error: &io::Error) -> Cause {
        let Capped { limit, read, .. } = *self.capped_mut();
        if read > limit { Cause::TooLarge { limit, read } } else { Cause::BrokenBody(clean(&error.to_string(), 200)) }
    }
}

/// Decoded bytes up to a limit.
pub(super) struct Capped {
    bytes: Vec<u8>,
    limit: usize,
    /// Those that came, those above the limit too.
    read: usize,
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.read += bytes.len();
        if self.read > self.limit {
            return Err(io::Error::other("the body is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn member(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Takes `coded` in pieces of several sizes, with a limit of 100 bytes.
    fn check(coding: &str, coded: &[u8], expected: Result<&[u8], &str>) {
        for size in [1, 7, 1_000] {
            let mut body = Body::coded_as(Some(&HeaderValue::from_str(coding).unwrap()), 100);
            let taken = coded.chunks(size).try_for_each(|chunk| body.take(chunk)).and_then(|()| body.finish());
            match (taken, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(Cause::TooLarge { limit: 100, read }), Err("too large")) => assert!(read > 100),
                (Err(Cause::BrokenBody(_)), Err("broken")) => {}
                (found, expected) => panic!("{coding}, by {size}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn gzip_is_read_to_the_end_of_its_last_member() {
        let two = [member(b"{\"page\":"), member(b" {}}")].concat();
        check("gzip", &member(b"{}"), Ok(b"{}"));
        check("x-GZIP", &two, Ok(b"{\"page\": {}}"));
        check("gzip", &[two.clone(), member(b"")].concat(), Ok(b"{\"page\": {}}"));
        check("identity", b"{}", Ok(b"{}"));
        check("gzip", &two[..two.len() - 3], Err("broken"));
        check("gzip", &two[..member(b"{\"page\":").len() + 4], Err("broken"));
        check("gzip", b"{}", Err("broken"));
    }

    #[test]
    fn the_limit_holds_over_all_members() {
        let (sixty, forty) = (member(&[b' '; 60]), member(&[b' '; 40]));
        check("gzip", &[sixty.clone(), forty.clone()].concat(), Ok(&[b' '; 100]));
        check("gzip", &[sixty.clone(), sixty].concat(), Err("too large"));
        check("gzip", &member(&vec![b' '; 100_000]), Err("too large"));
        check("identity", &[b' '; 101], Err("too large"));
    }
}
