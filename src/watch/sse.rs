//! Server-sent events: bytes as they come in, whole events out; called by `listen`. The grammar is that of the HTML standard
//! (section 9.2); what an event may hold is bounded.

/// Bytes of one event: an alert is far smaller.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// A whole event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SseEvent {
    /// Its name, `message` where it has none.
    pub(super) name: String,
    /// The last id that the stream has given, if any.
    pub(super) id: Option<String>,
    /// Its data, lines joined by line feeds.
    pub(super) data: String,
}

/// An event, or a line, that is longer than any of a gainsay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {} MiB: this is no stream of a gainsay", EVENT_BYTES_MAX >> 20)]
pub(super) struct TooLong;

/// Puts events together.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    /// A line feed that follows a carriage return ends no other line.
    was_return: bool,
    name: String,
    data: String,
    has_data: bool,
    id: Option<String>,
}

impl Reader {
    /// Takes the next bytes and gives the events that they complete.
    ///
    /// # Errors
    /// When an event is longer than any alert can be.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let is_second = byte == b'\n' && std::mem::take(&mut self.was_return);
            match byte {
                _ if is_second => {}
                b'\n' | b'\r' => {
                    self.was_return = byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.take_line(&String::from_utf8_lossy(&line))?);
                }
                _ => {
                    self.was_return = false;
                    self.line.push(byte);
                    if self.line.len() > EVENT_BYTES_MAX {
                        return Err(TooLong);
                    }
                }
            }
        }
        Ok(events)
    }

    fn take_line(&mut self, line: &str) -> Result<Option<SseEvent>, TooLong> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            let name = if name.is_empty() { "message".to_owned() } else { name };
            let is_event = std::mem::take(&mut self.has_data);
            return Ok(is_event.then(|| SseEvent { name, id: self.id.clone(), data }));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // Comments, `retry` and what nobody knows yet.
            _ => {}
        }
        if self.data.len() > EVENT_BYTES_MAX { Err(TooLong) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, Option<&str>, &str)]) {
        // However the bytes are cut, also within a character.
        for size in [1, 3, text.len().max(1)] {
            let mut reader = Reader::default();
            let mut found = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                found.extend(reader.read(piece).unwrap());
            }
            let found: Vec<_> =
                found.iter().map(|one| (one.name.as_str(), one.id.as_deref(), one.data.as_str())).collect();
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn events_are_put_together() {
        check("id: 7\nevent: alert\ndata: {\"é\":1}\n\n", &[("alert", Some("7"), "{\"é\":1}")]);
        check("data: a\ndata: b\n\ndata:c\n\n", &[("message", None, "a\nb"), ("message", None, "c")]);
        check("retry: 2000\n\n: here\n\n: \n\nevent: x\n\n", &[]);
        check("id: 1\r\ndata: a\r\n\r\ndata: b\r\r", &[("message", Some("1"), "a"), ("message", Some("1"), "b")]);
        check("data: not whole\n", &[]);
    }

    #[test]
    fn what_has_no_end_is_given_up() {
        let endless = vec![b'a'; EVENT_BYTES_MAX + 1];
        assert_eq!(Reader::default().read(&endless), Err(TooLong));
        let mut reader = Reader::default();
        let lines = "data: 0123456789\n".repeat(1_000);
        let ended = (0..EVENT_BYTES_MAX).find_map(|_| reader.read(lines.as_bytes()).err());
        assert_eq!(ended, Some(TooLong));
    }
}
